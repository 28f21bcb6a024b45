"""Decides whether targets are random: copies trained on the pairs as they are, and on targets of other rows."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Refuted
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.experiments.cannot_overfit_tiny_set import UNLEARNED
from paramedic.experiments.counterfactual import (
    LEAST_STEPS,
    SEEDS,
    Diagnosis,
    assess,
    interval_of,
    run,
    significant,
)
from paramedic.experiments.fails_on_solvable_data import SolvableInputs, learned_of_solvable
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.progress import main_tapes, target_number
from paramedic.experiments.wording import learned, percent
from paramedic.trace.tape import Tape

HORIZONS = (0.1, 0.4, 1.0)  # of the steps: what little there is may be seen before the network memorizes, or late
MOST_STEPS = 200
TIME_SHARE = 0.5  # of what is left for experiments
# In u on validation batches, upper 95 % limit of what the pairs as they are gain over other targets; METHODS-data counts a
# share of the chance error below it as nothing.
MOST_GAIN = 0.1


class OtherTargets(Intervention):
    """Every batch with the targets of its rows exchanged at random."""

    rows = ("R05",)
    changes = "targets of other rows"
    name = "targets-of-other-rows"

    def __init__(self, lab: Lab, seed: int) -> None:
        self.lab = lab
        self.generator = torch.Generator().manual_seed(seed)
        self._made: dict[int, dict[int, Tensor]] = {}

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        if id(tape) not in self._made:
            number = target_number(self.lab, tape)
            value = tape.leaves[number].value if number is not None else None
            exchanged = value is not None and value.dim() > 0
            order = torch.randperm(len(value), generator=self.generator) if exchanged else None  # type: ignore[arg-type]
            made = {} if order is None else {number: value[order.to(value.device)]}  # type: ignore[index, union-attr]
            self._made[id(tape)] = made  # type: ignore[assignment]
        return {"replace": self._made[id(tape)]}


@dataclass(eq=False)
class Learned:
    """The least u on validation batches by seed: of copies trained on the pairs, and on other targets."""

    steps: int
    pairs: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)

    def gains(self) -> list[float]:
        return [one - other for one, other in zip(self.others, self.pairs, strict=True)]


class TargetsAtRandom(Check):
    """The network learns as little from the pairs as from targets that belong to other rows.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) on validation batches after copies are trained
        from the first weights on the recorded batches, and on the same with the targets exchanged between the rows, on
        three seeds and two lengths, with the upper limit of what the pairs gain; and, as control, whether the same copies
        learn data that are known to be solvable. Only where relation-too-random has raised a suspicion.
    Why it matters: probes may not see what the network can; if neither does, a better network will not help.
    Fix: better inputs, or a target that they determine; look whether rows and targets are paired rightly.
    Not a fault when: much longer training finds what these steps do not (parity).
    References: the article's reason 5; Zhang et al., "Understanding deep learning requires rethinking generalization", 2017.
    """

    reason = "R05"
    name = "targets-at-random"
    also = ("R04",)
    needs = ("rows", "replay", "budget")
    cost = "experiment"
    decides = "relation-too-random"

    def examine(self, case: Case) -> Iterator[Finding]:
        suspicion = next((item for item in case.findings if item.check == self.decides and item.level == "suspect"), None)
        if suspicion is None:
            raise NotApplicable("no relation is doubted")
        assessed = assess(case)
        if not assessed.validation:
            raise NotChecked("no validation batches that fit the training loss were recorded")
        found = compared(case, assessed)
        gains = found.gains()
        gain, (low, high) = statistics.fmean(gains), interval_of(gains)
        most, before, after = max(0.0, -low), statistics.median(found.others), statistics.median(found.pairs)
        if gain > MOST_GAIN and significant(gains):
            raise Refuted(
                f"copies learn {learned(after)} on validation batches from the pairs, {percent(before)} from targets of others"
            )
        if most >= MOST_GAIN:
            raise NotChecked(f"what the pairs gain over other targets ({gain:.2f} of u, at most {most:.2f}) is not known well")
        control = self._control(case, assessed, found.steps)
        yield self.fault(
            f"{suspicion.summary.split(', and the network does no better')[0]}; copies of the network learn "
            f"{percent(after)} on validation batches from the pairs and {percent(before)} from targets of other rows "
            f"(expected: more; at most {most:.0%}), and {percent(control)} of solvable data: random targets, or inputs that do "
            f"not determine them (row R05); if they should, look whether something pairs rows wrongly (row R04)",
            where=suspicion.where,
            evidence=(
                *suspicion.evidence,
                Evidence("u on validation batches, trained on the pairs", round(after, 4), "", "u"),
                Evidence("u on validation batches, trained on other targets", round(before, 4), "", "u"),
                Evidence("upper limit of what the pairs gain", round(most, 4), f">= {MOST_GAIN}", "u"),
                Evidence("u on solvable data", round(control, 4), f"< {UNLEARNED}", "u"),
            ),
            remedy=suspicion.remedy,
            proof=Proof(
                "the recorded steps trained again on the pairs, and on targets of other rows",
                round(before, 4),
                round(after, 4),
                (round(low, 4), round(high, 4)),
                SEEDS,
                changed="the targets of the rows themselves in the place of those of others",
            ),
            explains=suspicion.explains,
        )

    def _control(self, case: Case, assessed: Diagnosis, steps: int) -> float:
        solvable = SolvableInputs(case.lab, own_scale=True)
        if not solvable.inputs(main_tapes(case.lab)[0]):
            raise NotChecked("no solvable data are known for this kind of input and target: no control")
        control = learned_of_solvable(case.lab, assessed, solvable, steps)
        if control >= UNLEARNED:
            raise NotChecked(f"copies learn {learned(control)} of solvable data only: the code may be at fault")
        return control


def compared(case: Case, assessed: Diagnosis) -> Learned:
    """Copies trained on the pairs and on other targets; NotChecked where the budget does not reach."""
    lab = case.lab
    runs = 2 * SEEDS * sum(HORIZONS) + SEEDS
    steps = min(MOST_STEPS, assessed.total_steps, int(TIME_SHARE * lab.time_left() / runs / max(1e-4, lab.seconds_per_step)))
    if steps < min(LEAST_STEPS, assessed.total_steps):
        raise NotChecked(f"budget of {lab.budget:g} s used up")
    found = Learned(steps)
    for seed in range(SEEDS):
        for reached, change in ((found.pairs, Intervention()), (found.others, OtherTargets(lab, seed))):
            ends = [run(lab, assessed, change, seed, max(1, int(part * steps))).validation for part in HORIZONS]
            reached.append(min(ends))
    return found
