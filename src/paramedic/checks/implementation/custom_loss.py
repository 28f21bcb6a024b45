"""What the checks of a loss as a function of its outputs have in common."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.checks.data.places import named_loss
from paramedic.checks.implementation.loss_inputs import loss_indices
from paramedic.experiments.loss_trial import LossTrial, comparison_place, loss_trial
from paramedic.trace.place import Place

AGREE = 0.9  # prototype of 2026-11: 1.000 in 28 of 28 healthy set-ups, below 0.9 in 91 of 95 seeded faults
SYMPTOMS = (
    "R36", "R31", "R35", "R28", "R24", "R17", "R30", "R33", "R04", "R05", "R06", "S5", "R11", "R29", "R34", "R08", "R02",
    "R25",
)


def trials(case: Case) -> Iterator[tuple[int, LossTrial]]:
    """Every different loss of the program that can be run by itself, within the initial state."""
    found = False
    for index in loss_indices(case.lab):
        trial = loss_trial(case.lab, index)
        if trial is None:
            continue
        found = True
        with case.lab.at("initial"):
            yield index, trial
    if not found:
        raise NotChecked("the loss cannot be run by itself, apart from the network")


def comparable_trials(case: Case) -> Iterator[LossTrial]:
    """Losses that compare each output with a target of its own."""
    found = False
    for _, trial in trials(case):
        if trial.free.agree is None or trial.weighted_by_reward():
            continue
        found = True
        yield trial
    if not found:
        raise NotApplicable("no loss compares outputs with targets of their own")


def loss_place(trial: LossTrial) -> Place | None:
    """The line in which outputs and target meet; where a trainer computes the loss, the argument that names it."""
    call = comparison_place(trial.tail, trial.free.targets)
    return named_loss(call.place) or call.place if call is not None else None


def result_place(trial: LossTrial) -> Place | None:
    """The line that gives the loss its value, in the function in which outputs and target meet."""
    first = loss_place(trial)
    last = [call.place for call in trial.tail.calls if call.place is not None]
    same = [item for item in last if first is not None and (item.file, item.function) == (first.file, first.function)]
    return same[-1] if same else first
