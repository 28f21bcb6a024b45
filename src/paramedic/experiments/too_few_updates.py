"""Batches so large that the run has too few updates."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.places import calls, line_behind
from paramedic.checks.data.samples import loader_of
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial
from paramedic.experiments.interventions import FEW_UPDATES, StepAtEveryBackward, batch_size, updates
from paramedic.experiments.wording import SYMPTOMS, at_first, percent, step_place
from paramedic.trace.place import Place


class TooFewUpdates(CauseByExperiment):
    """The batches are so large, or gradients accumulated so long, that the run makes too few updates.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps are replayed as they
        are, and with every batch cut into eight (or a step after every backward call): the same epochs, more updates.
        On three seeds, for runs of at most 100 updates that did not learn.
    Why it matters: at a fixed number of epochs, batch size divides the number of steps the weights can take.
    Fix: smaller batches, fewer accumulated ones, or as many times more epochs.
    Not a fault when: the run learned with the updates it had.
    References: the article's reason 11; Hoffer et al., "Train longer, generalize better", 2017.
    """

    reason = "R11"
    name = "too-few-updates"
    needs = ("replay", "budget")
    cost = "experiment"

    explains = (*SYMPTOMS, "R36", "R29")

    def examine(self, case: Case) -> Iterator[Finding]:
        if updates(case.lab) > FEW_UPDATES:
            raise NotApplicable(f"the program made {updates(case.lab)} updates")
        yield from super().examine(case)

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        accumulated = isinstance(trial.remedy, StepAtEveryBackward)
        what = "gradients of several batches" if accumulated else f"batches of {batch_size(case.lab)}"
        return Cause(
            f"only {found.total_steps} updates in the whole run, each on {what}: {at_first(found, trial)}, and "
            f"{percent(trial.after())} over the same samples with {trial.remedy.changes}",
            step_place(case) if accumulated else _batch_place(case),
            trial.remedy.remedy,
            (Evidence("updates", found.total_steps, "hundreds"),),
        )


def _batch_place(case: Case) -> Place | None:
    """Where the batches are cut: the loader, or the line that splits an order of the rows by hand."""
    place = data_place(case)
    return place if loader_of(case) is not None else line_behind(place, calls("split", "chunk", "array_split", "range"))
