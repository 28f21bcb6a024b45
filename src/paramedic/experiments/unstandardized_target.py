"""Regression targets far from the order of magnitude of a network's outputs."""

from __future__ import annotations

from paramedic.checks.case import Case
from paramedic.checks.data.passes import data_place
from paramedic.checks.finding import Evidence
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial
from paramedic.experiments.targets import FAR, StandardizedTarget
from paramedic.experiments.wording import SYMPTOMS, at_first, percent


class UnstandardizedTarget(CauseByExperiment):
    """Training fails because the regression target is far from mean 0 and standard deviation 1.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps are replayed with the
        target as it is, and with its recorded mean subtracted and divided by its standard deviation (each column by
        itself), on three seeds.
    Why it matters: a new network's outputs are of the order of 1: a price of 200,000 lies many thousand steps away, and a
        target of 0.0001 has gradients to match; of two columns in different units the larger one is learned alone.
    Fix: standardize the target with the training mean and standard deviation, and turn predictions back when reporting.
    Not a fault when: the run learned all the same; targets within an order of magnitude of 1 are left alone.
    References: the article's reason 12; LeCun et al., "Efficient BackProp", 1998; sklearn's TransformedTargetRegressor.
    """

    reason = "R12"
    name = "unstandardized-target"
    also = ("R20",)
    needs = ("replay", "budget")
    cost = "experiment"
    explains = (*SYMPTOMS, "R36", "R11", "R20")

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        assert isinstance(trial.remedy, StandardizedTarget)
        target = trial.remedy.farthest
        assert target is not None
        mean, deviation = target.mean.tolist(), target.deviation.tolist()
        means, deviations = (" / ".join(f"{value:.3g}" for value in values[:4]) for values in (mean, deviation))
        return Cause(
            f"the target is not standardized (mean {means}, standard deviation {deviations}): {at_first(found, trial)}, and "
            f"{percent(trial.after())} after {found.steps} steps with it standardized",
            data_place(case) or target.place,
            trial.remedy.remedy,
            (
                Evidence("mean of the target", _plain(mean), "0"),
                Evidence("standard deviation of the target", _plain(deviation), "1"),
                Evidence("distance from a new network's outputs", round(target.far, 2), f"below {FAR:g}", "decades"),
                Evidence("the target is compared at", str(target.place)),
            ),
        )


def _plain(values: list[float]) -> float | list[float]:
    rounded = [float(f"{value:.4g}") for value in values]
    return rounded[0] if len(rounded) == 1 else rounded
