"""Runs that learned more than they left: whether one change takes them substantially further, in as many steps.

What is asked of a change is more than of one that mends a failing run: the whole run's length, validation batches, and half of
what was left, in training and in validation, significantly over three seeds. 35 sound programs, 26 of which had learned 50 to
90 % (17 of these with validation batches), 2026-11-27: no alarm, and two notes of row S1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from paramedic.checks.case import Case
from paramedic.checks.check import NotChecked
from paramedic.checks.finding import percent_learned
from paramedic.experiments.counterfactual import (
    SEEDS,
    SHARE_OF_BEST,
    Diagnosis,
    Trial,
    confounding,
    known,
    run,
    significant,
)
from paramedic.experiments.interventions import Remedy
from paramedic.experiments.lab import Intervention, Lab, OutOfTime

LEAST_LEFT = 0.1  # u at the end of a run that can be asked about: one that learned 90 % is left alone
SUBSTANTIAL = 0.1  # in u, of training and of validation (10 points; a choice, 2026-11-27: half of what mends a failing run)
SHARE_OF_REST = 0.5  # of what the run left to be learned
SHARE_OF_TIME = 0.4  # of what is left, for all replays: less than what wants to know why a run failed
MEASURED_STEPS = 20  # from which their cost is known
MOST_STEPS = 4000  # a longer run is not repeated, and a shorter horizon favours less regularization and wider layers


def asks(case: Case, found: Diagnosis) -> bool:
    """Whether a run learned a good part, left a good part, and nothing that was found explains it."""
    left = found.ended.train
    return (
        left > LEAST_LEFT and not found.solved and found.gauge is None
        and not found.causes and not found.facts and not confounding(case.findings)
    )  # fmt: skip


def further(lab: Lab, found: Diagnosis, remedies: Sequence[Remedy]) -> Trial | None:
    """The narrowest of some changes with which the program gets substantially further in as many steps as it made; None
    without one, or without validation batches. NotChecked where the time does not suffice.
    """
    steps, replays = found.total_steps, len(remedies) + 2 * SEEDS - 1
    if not remedies or not found.validation or steps > MOST_STEPS:
        return None
    try:
        if lab.time_left() > 0 and enough_time(lab, replays * steps):
            return _further(lab, found, remedies, steps)
    except OutOfTime:
        pass
    raise NotChecked(
        f"budget of {lab.budget:g} s: {percent_learned(found.ended.train)} is learned, and whether more would be takes "
        f"{replays} replays of all {steps} steps"
    )


def enough_time(lab: Lab, steps: int) -> bool:
    """Whether so many steps, of all replays together, take no more than SHARE_OF_TIME."""
    seconds = SHARE_OF_TIME * lab.time_left()
    if steps * lab.seconds_per_step > seconds:  # what is known so far may be one cold forward pass
        lab.train(steps=MEASURED_STEPS)
    return steps * lab.seconds_per_step <= seconds


def _further(lab: Lab, found: Diagnosis, remedies: Sequence[Remedy], steps: int) -> Trial | None:
    base = [run(lab, found, Intervention(), 0, steps)]
    trials = [Trial(item, [run(lab, found, item, 0, steps)], base, found.ended) for item in remedies]
    best = max(trial.gain for trial in trials)
    near = [trial for trial in trials if substantial(trial, found) and trial.gain >= SHARE_OF_BEST * best]
    for trial in sorted(near, key=lambda item: item.remedy.order):
        for seed in range(1, SEEDS):
            if len(base) <= seed:
                base.append(run(lab, found, Intervention(), seed, steps))
            trial.outcomes.append(run(lab, found, trial.remedy, seed, steps))
        if substantial(trial, found) and significant(trial.gains()) and significant(validation_gains(trial, found)):
            return trial
    return None


def validation_gains(trial: Trial, found: Diagnosis) -> list[float]:
    """Per seed, how much further validation batches got than without the change, and than at the end of the whole run."""
    ended = known(found.ended.validation)
    return [
        min(known(base.validation), ended) - known(own.validation)
        for own, base in zip(trial.outcomes, trial.base, strict=False)
    ]


def substantial(trial: Trial, found: Diagnosis) -> bool:
    """Whether training and validation both gain SUBSTANTIAL, and SHARE_OF_REST of what was left."""
    train, validation = trial.gain, sum(gains := validation_gains(trial, found)) / len(gains)
    return is_substantial(train, trial.before()) and is_substantial(validation, known(found.ended.validation))


def is_substantial(gain: float, left: float) -> bool:
    return not math.isnan(gain) and gain > max(SUBSTANTIAL, SHARE_OF_REST * left)
