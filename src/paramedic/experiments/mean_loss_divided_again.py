"""A mean over the batch that is divided by the number of rows once more."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding, percent_learned
from paramedic.experiments.counterfactual import SEEDS, Trial, diagnosis, run
from paramedic.experiments.interventions import LearningRate, accumulated
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.operations import LossCall
from paramedic.trace.place import Place

LEAST_ROWS = 8  # of a batch: with fewer, the number may be another one (the terms of a sum, the members of an ensemble)
LOOKED_AT = 6  # recorded calls of backward: an incomplete last batch of an epoch is among more of them, if there is one
EXACT = 1e-4  # relative: float32 loses a tenth of that in a division


class MeanLossDividedAgain(Check):
    """The loss is a mean over the batch already, and is divided by the number of its rows once more.

    What it measures: the value of the loss function over that of the loss that is differentiated, in several batches,
        against their numbers of rows; the first loss and that of knowing nothing (the labels' entropy or the like); and,
        where the run failed, how far the same training gets with steps that are as many times larger.
    Why it matters: gradients are as many times smaller as a batch has rows: a learning rate that suits a mean is too low,
        and the loss at the start, which should be chance (2.30 for ten classes), is near zero.
    Fix: leave the division out.
    Not a fault when: the optimizer rescales its gradients, as Adam does: then only the printed losses are too small, and this
        is a note.
    References: the article's reason 17.
    """

    reason = "R17"
    name = "mean-loss-divided-again"
    also = ("R18", "R20")
    needs = ("replay", "budget")
    cost = "experiment"
    after_facts = 2

    def examine(self, case: Case) -> Iterator[Finding]:
        lab = case.lab
        found = _divided(lab)
        if found is None:
            raise NotApplicable("no mean loss is divided by the number of its rows")
        rows, call = found
        proof = _with_larger_steps(case, max(rows))
        free = lab.free_output()
        chance = math.nan if free is None else free.constant * statistics.harmonic_mean(rows)
        sizes = " and ".join(f"{size}" for size in sorted(set(rows)))
        told = "" if math.isnan(chance) else f": the first loss is {lab.main_backward.loss:.3g}, and chance is {chance:.3g}"
        text = f"{call.name} is a mean over {sizes} rows, and is divided by {sizes} once more{told}"
        if proof is not None:
            assert isinstance(proof.remedy, LearningRate)
            text += (
                f"; with {proof.remedy.changes}, {percent_learned(proof.after())} is learned instead of "
                f"{percent_learned(proof.before())} of the way from chance to perfect"
            )
        say = self.note if proof is None else self.fault
        yield say(
            text,
            where=_place(lab, call),
            evidence=(
                Evidence("loss function's value over the loss", max(rows), "1"),
                Evidence("first loss", lab.main_backward.loss, f"about {chance:.4g}" if chance == chance else ""),
            ),
            remedy="leave the division out: the loss is a mean already",
            proof=None if proof is None else proof.proof(),
            gain=None if proof is None else proof.gain,
            explains=("R36", "R31", "R33", "R24", "R28", "R34", "R29", "R11", "R35", "S5", "R27", "S1", "S6", "R16"),
            exact=True,
            extra={"in_place_of": ("learning-rate-too-low",)},
        )


def _divided(lab: Lab) -> tuple[list[int], LossCall] | None:
    """The rows of some batches, and the loss function, where its value is so many times the loss in each of them."""
    rows: list[int] = []
    first: LossCall | None = None
    for index in range(min(LOOKED_AT, len(lab.backwards))):
        calls = [call for call in lab.loss_calls(index) if not call.by_hand and _is_mean(call)]
        root = lab.operations(index).root
        if len(calls) != 1 or root is None or not calls[0].input.dim():
            return None
        size, value = calls[0].input.shape[0], float(calls[0].operation.outputs[0].detach())
        if size < LEAST_ROWS or not abs(value - size * float(root.detach())) <= EXACT * abs(value) or not value:
            return None
        rows.append(size)
        first = first or calls[0]
    taken_together = accumulated(lab) in rows  # a mean over the batches of one step
    return (rows, first) if first is not None and not taken_together else None


def _is_mean(call: LossCall) -> bool:
    given = (*call.operation.args, *call.operation.kwargs.values())
    return call.operation.outputs[0].numel() == 1 and not any(isinstance(item, str) and item != "mean" for item in given)


def _with_larger_steps(case: Case, rows: int) -> Trial | None:
    """The trial with a rate that is as many times higher, where the run failed; None where that does not help."""
    found = diagnosis(case)
    if not found.failing or found.not_tried is not None or not found.steps or case.lab.why_no_budget() is not None:
        return None
    trial = Trial(LearningRate(float(rows)), base=found.base, ended=found.ended)
    for seed in range(SEEDS):
        if len(found.base) <= seed:
            found.base.append(run(case.lab, found, Intervention(), seed, found.steps))
        trial.outcomes.append(run(case.lab, found, trial.remedy, seed, found.steps))
    found.trials.append(trial)
    return trial if trial.helps() else None


def _place(lab: Lab, call: LossCall) -> Place | None:
    """The line of the division: the last one on the way from the loss function to the loss."""
    log, known = lab.operations(0), {id(item) for item in call.operation.outputs}
    where = call.operation.place
    for operation in log.calls:
        if known & {id(item) for item in operation.inputs if isinstance(item, Tensor)}:
            known.update(id(item) for item in operation.outputs)
            where = operation.place or where
    return where
