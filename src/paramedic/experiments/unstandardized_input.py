"""Inputs on which training fails until they are standardized."""

from __future__ import annotations

from paramedic.checks.case import Case
from paramedic.checks.data.passes import data_place
from paramedic.checks.finding import Evidence
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial
from paramedic.experiments.interventions import StandardizedInput
from paramedic.experiments.wording import SYMPTOMS, at_first, percent


class UnstandardizedInput(CauseByExperiment):
    """Training fails because the input features are far from mean 0 and standard deviation 1.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps are replayed with the
        inputs as they are, and with their recorded mean subtracted and divided by their standard deviation, on three
        seeds.
    Why it matters: gradient descent crawls along badly scaled directions, or overshoots along large ones; the first
        layer's curvature grows with the square of the inputs.
    Fix: subtract the training mean of each feature and divide by its training standard deviation.
    Not a fault when: the run learned all the same; the numbers alone prove nothing.
    References: the article's reason 12; LeCun et al., "Efficient BackProp", 1998.
    """

    reason = "R12"
    name = "unstandardized-input"
    also = ("S4",)
    needs = ("replay", "budget")
    cost = "experiment"
    explains = (*SYMPTOMS, "R36", "feature-scale")

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        assert isinstance(trial.remedy, StandardizedInput)
        low, high = trial.remedy.low, trial.remedy.high
        return Cause(
            f"inputs are not standardized (values from {low:.3g} to {high:.3g}): {at_first(found, trial)}, and "
            f"{percent(trial.after())} after {found.steps} steps with standardized inputs",
            data_place(case),
            trial.remedy.remedy,
            (
                Evidence("lowest and highest input", [low, high], "mean 0, standard deviation 1"),
                Evidence("deviation from mean 0, sd 1", round(trial.remedy.deviation, 3), "below 0.3", "decades"),
            ),
        )
