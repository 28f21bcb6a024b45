"""A plateau scheduler or an early stopping takes the improvement of what it watches for a decline."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.experiments.counterfactual import assess
from paramedic.experiments.going_on import STEPS, further, gone_on, resumed, shown
from paramedic.experiments.lab import Intervention
from paramedic.experiments.progress import validation_probes
from paramedic.experiments.wording import learned, percent
from paramedic.measurements.training.direction import Correlation, acts_at, means_between, opposed
from paramedic.trace.setup import WatchedQuantity

LEAST_CALLS = 5  # all in the wrong order by chance: 1 in 120; with four, 1 in 24, which is a note
CALLS_OF_A_NOTE = 4
CALLS_WITH_PROOF = 3  # a patience of two; training that goes on has to show what three calls cannot
WRONG_P = 0.01
WRONG_RHO = -0.7  # between the quantity (as the mode counts it) and the training loss
LEAST_FALL = 0.02  # of a loss from the first call to the last: it learns
# Rates below this share of the first one leave the network as it is, and the quantity shows its noise alone.
STANDING = 0.01
EARLY = 0.1  # of the calls: the best one by the mode is among them; later, the quantity improved by the mode at first
HELD_OUT = 3  # calls at which the program computed the loss on held-out data, for a fault
# Where it computed none, the loss of recorded held-out batches at the end is compared with the training loss before the
# first call, which in a first epoch is of rows not seen before. Dropout raises that one: it must have fallen further.
LEAST_FALL_AT_END = 0.1
ALIKE = 0.15  # a quantity this near to the held-out loss (or its exponential or root) may be that loss
PROVEN = "scheduler-watches-wrong-direction"  # says it of a plateau scheduler, where an experiment proves it
OTHER = {"min": "max", "max": "min"}
ROW = {"rate": "R36", "stop": "R31"}


@dataclass(frozen=True)
class Watched:
    """What is measured about one quantity, up to the call at which it no longer matters.

    values, losses: the quantity and the training loss of every call. held_out: the same for the loss on held-out data,
    at the calls where the program computed it.
    """

    values: list[float]
    losses: list[float]
    held_out: list[tuple[float, float]]
    correlation: Correlation
    at_end: tuple[float, float] | None = None  # the training loss before the first call, the held-out one at the end

    @property
    def learned(self) -> bool:
        return _fall(self.losses) > LEAST_FALL


class WatchedInWrongDirection(Check):
    """A plateau scheduler or an early stopping takes improvements for decline: its mode is the wrong one.

    What it measures: the quantity at each call, its rank correlation with the training loss and with the loss on
        held-out data, and whether the rate was reduced or training stopped where the other mode would have gone on.
    Why it matters: the better the network becomes, the sooner its rate is reduced or its training is stopped.
    Fix: mode="max" for what is better when it is larger (accuracy, R2), mode="min" for losses and errors.
    Not a fault when: the quantity gets worse because of overfitting: the loss on held-out data gets worse with it.
    References: the article's reasons 31 and 36; torch.optim.lr_scheduler.ReduceLROnPlateau; Lightning's EarlyStopping.
    """

    reason = "R36"
    also = ("R31",)
    name = "watched-in-wrong-direction"
    cost = "replay"
    after_facts = 2

    def examine(self, case: Case) -> Iterator[Finding]:
        if not case.setup.watched:
            raise NotApplicable("no plateau scheduler and no early stopping waits on a quantity")
        few, proven = True, any(item.check == PROVEN for item in case.findings)
        for record in case.setup.watched:
            if proven and record.effect == "rate":
                few = False
                continue
            if len(record.values) < (CALLS_OF_A_NOTE if record.effect == "rate" else CALLS_WITH_PROOF):
                continue
            few = False
            if not _acted_for_nothing(case, record):
                continue
            seen = measured(case, record)
            if seen is None or not seen.learned or not _wrong(record, seen):
                continue
            if len(seen.held_out) < 2:
                seen = replace(seen, at_end=_at_end(case, record))
                if seen.at_end is not None and not _lower_at_end(record, *seen.at_end):
                    continue
            yield from self._finding_of(case, record, seen)
        if few:
            raise NotChecked(f"the quantity was looked at fewer than {CALLS_OF_A_NOTE} times")

    def _finding_of(self, case: Case, record: WatchedQuantity, seen: Watched) -> Iterator[Finding]:
        other, calls = OTHER[record.mode], len(seen.values)
        significant = calls >= LEAST_CALLS and seen.correlation.p < WRONG_P
        sure = significant and len(seen.held_out) >= HELD_OUT
        proof = _gone_on(case) if record.effect == "stop" and not sure and abs(seen.correlation.rho) == 1 else None
        if calls < CALLS_OF_A_NOTE and proof is None:
            return
        held_out = ""
        if len(seen.held_out) >= 2:
            held_out = f", and the loss on held-out data by {_fall([loss for _, loss in seen.held_out]):.0%}"
        elif seen.at_end is not None:
            held_out = f" and that of held-out batches is {seen.at_end[1]:.3g} at the end"
        if record.effect == "rate":
            times = f"{len(record.acted)} times, first" if len(record.acted) > 1 else "once,"
            done = f"reduced the rate {times} at call {record.acted[0] + 1}"
        else:
            done = f"stopped the training at call {record.acted[-1] + 1}"
        if proof is not None:
            more = f"{percent(proof.after)} where training goes on"
            held_out += f" ({learned(proof.before)} is learned, and {more})"
        say = self.fault if sure or proof is not None else self.suspect if significant and held_out else self.note
        yield say(
            f'{record.kind} with mode="{record.mode}" watches a quantity that gets '
            f"{'larger' if record.mode == 'min' else 'smaller'} while the network learns: from {seen.values[0]:.3g} to "
            f"{seen.values[-1]:.3g} over {calls} calls, while the training loss fell from {seen.losses[0]:.3g} to "
            f'{seen.losses[-1]:.3g}{held_out}; it {done}, where mode="{other}" goes on',
            where=record.constructed,
            reason=ROW[record.effect],
            evidence=(
                Evidence("calls", calls, f"at least {LEAST_CALLS}"),
                Evidence(
                    "rank correlation with the training loss, larger counted as the mode counts it",
                    round(seen.correlation.rho, 3), f"above {WRONG_RHO}",
                ),  # fmt: skip
                Evidence("p of one as low as this", float(f"{seen.correlation.p:.2g}"), f"above {WRONG_P}"),
                Evidence("mode", record.mode, other),
            ),
            remedy=f'pass mode="{other}"',
            explains=("scheduler-drives-rate-to-zero", "stopped-too-early", "R36", "R31", "R33", "R29", "R11", "R24", "R30"),
            proof=proof,
            gain=proof.before - proof.after if proof is not None else None,
            exact=sure,
        )


def _gone_on(case: Case) -> Proof | None:
    """That the stopped network learns much more when it is trained on; None where it does not, or nobody can say."""
    if case.workshop is None or case.lab.why_no_budget() is not None:
        return None
    try:
        found = assess(case)
        before, after = shown(found.ended), resumed(case, found, Intervention(), STEPS)
    except (NotApplicable, NotChecked):
        return None
    if not further(before, after):
        return None
    return gone_on(case.lab, found, before, after)


def measured(case: Case, record: WatchedQuantity) -> Watched | None:
    """None where the training loss is not known at the calls."""
    end = _end(record)
    rows = [row for row in case.trace.steps() if math.isfinite(row.loss)]
    losses = means_between(record.at_step[:end], [row.step for row in rows], [row.loss for row in rows])
    kept = [number for number in range(end) if math.isfinite(losses[number]) and math.isfinite(record.values[number])]
    if len(kept) < CALLS_WITH_PROOF:
        return None
    values, known = [record.values[number] for number in kept], [losses[number] for number in kept]
    return Watched(values, known, _held_out(case, record), opposed(_as_counted(record, values), known))


def _wrong(record: WatchedQuantity, seen: Watched) -> bool:
    """Whether the quantity gets worse by the mode where the losses get better, from the first calls on."""
    counted = _as_counted(record, seen.values)
    if seen.correlation.rho > WRONG_RHO or counted[-1] <= counted[0]:
        return False
    if int(np.argmin(counted)) > max(1, round(EARLY * len(counted))):
        return False
    if len(seen.held_out) < 2:
        return True  # to be judged at the end
    held_out = [loss for _, loss in seen.held_out]
    other = _as_counted(record, [value for value, _ in seen.held_out])
    return _fall(held_out) > LEAST_FALL and other[-1] > other[0] and _opposed_or_two(other, held_out)


def _opposed_or_two(one: list[float], other: list[float]) -> bool:
    """Whether the two go opposite ways; of two calls nothing more can be asked than what their ends say."""
    return len(one) < HELD_OUT or opposed(one, other).rho <= WRONG_RHO


def _as_counted(record: WatchedQuantity, values: list[float]) -> list[float]:
    """As the mode counts it: larger is worse."""
    return [value if record.mode == "min" else -value for value in values]


def _fall(losses: list[float]) -> float:
    return (losses[0] - losses[-1]) / max(abs(losses[0]), 1e-12)


def _end(record: WatchedQuantity) -> int:
    """The number of calls before the rate was next to nothing."""
    if record.effect == "stop":
        return len(record.values)
    first = record.rates[0]
    return next((k for k, rate in enumerate(record.rates) if rate < STANDING * first), len(record.rates))


def _acted_for_nothing(case: Case, record: WatchedQuantity) -> bool:
    """Whether it did something that the other mode would not have done by then, and the run shows it."""
    if not record.acted:
        return False
    at = record.acted[0] if record.effect == "rate" else record.acted[-1]
    values = record.values[: at + 1]
    if acts_at(values, OTHER[record.mode], record.patience, record.threshold, record.relative) is not None:
        return False
    if record.effect == "rate":
        return True
    steps = sum(item.steps for item in case.setup.optimizers)
    between = record.at_step[at] / (at + 1)
    return at + 1 == len(record.values) and steps - record.at_step[at] < between / 2


def _held_out(case: Case, record: WatchedQuantity) -> list[tuple[float, float]]:
    """(quantity, loss on held-out data) at the calls in whose evaluation the program computed a loss."""
    training = {item.name for item in case.setup.loaders if item.role == "train"}
    found, before = [], -1
    series = [
        (event.step, float(value))
        for event in case.trace.events("evaluated")
        for name, value in event.data.items()
        if name.split(" on ")[0] == "loss" and name.removeprefix("loss on ") not in training
    ]
    for value, step in zip(record.values, record.at_step, strict=True):
        losses = [loss for at, loss in series if before < at <= step]
        if losses and math.isfinite(value) and np.isfinite(losses).all():
            found.append((value, float(np.mean(losses))))
        before = step
    return found


def _at_end(case: Case, record: WatchedQuantity) -> tuple[float, float] | None:
    """The training loss in the steps before the first call, and the loss of recorded held-out batches at the end."""
    if case.workshop is None or case.lab.why_not_replayable() is not None:
        return None
    first = record.at_step[0]
    before = [row.loss for row in case.trace.steps() if first // 2 <= row.step < first and math.isfinite(row.loss)]
    probes = validation_probes(case.lab)
    if not before or not probes:
        return None
    with case.lab.at("final"):
        after = float(np.mean([probe.loss() for probe in probes]))
    return (float(np.mean(before)), after) if math.isfinite(after) else None


def _lower_at_end(record: WatchedQuantity, before: float, after: float) -> bool:
    """Whether the loss on held-out data has fallen, and the quantity is not that loss itself."""
    last = record.values[-1]
    forms = [after, math.exp(min(after, 50.0)), math.sqrt(max(after, 0.0))]
    alike = any(abs(last - form) <= ALIKE * max(abs(form), 1e-12) for form in forms)
    return _fall([before, after]) > LEAST_FALL_AT_END and not alike
