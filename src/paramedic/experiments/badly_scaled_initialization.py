"""Initial weights of a scale from which training does not start."""

from __future__ import annotations

import math
import statistics

from paramedic.checks.case import Case
from paramedic.checks.finding import Evidence
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial
from paramedic.experiments.interventions import PreservedVariance, StandardInitialization
from paramedic.experiments.sensitivity import sensitivity
from paramedic.experiments.wording import SYMPTOMS, at_first, initialization_place, percent


class BadlyScaledInitialization(CauseByExperiment):
    """The initial weights have a scale from which training fails.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps are replayed from the
        initial weights, with those whose scale is far from their layer's standard initialization drawn anew, and, where
        hand-made weights make a signal ten times smaller or larger on its way through the layers, with these scaled so that
        they don't, on three seeds; and the relative sensitivity of the loss to each weight.
        Networks that are trained in turn (a generator and its judge) are replayed in whole rounds, a
        generator is measured by the energy distance of its samples to the real ones.
    Why it matters: weights too large saturate the units or blow the loss up, weights too small pass no signal on.
    Fix: scale by the fan-in (Kaiming, Xavier), or keep PyTorch's own initialization.
    Not a fault when: the run learned; an unusual scale alone is none.
    References: the article's reason 28; Glorot & Bengio 2010; He et al. 2015; Saxe et al. 2014 for
        orthogonal weights.
    """

    reason = "R28"
    name = "badly-scaled-initialization"
    needs = ("replay", "budget")
    cost = "experiment"
    explains = (*SYMPTOMS, "R36", "R23")

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        assert isinstance(trial.remedy, StandardInitialization | PreservedVariance)
        changed = trial.remedy.changed
        flow = sensitivity(case.lab)
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        strongest = max(flow.weights.values(), default=0.0) if flow is not None else 0.0
        better, expected = "from PyTorch's own initialization", Evidence(
            "parameters far from a standard initialization", ", ".join(changed[:8]), "none"
        )
        if isinstance(trial.remedy, PreservedVariance):
            gains, wanted = trial.remedy.gains, trial.remedy.wanted
            better = f"with the same weights scaled to a gain of {wanted:.3g} (now {statistics.median(gains):.2g})"
            through = math.prod(gain / wanted for gain in gains)
            expected = Evidence(f"scale of a signal after {len(gains)} hidden layers", float(f"{through:.2g}"), "0.1 to 10")
        return Cause(
            f"the initialization of {changed[0]}{others} keeps the network from learning: {at_first(found, trial)}, "
            f"and {percent(trial.after())} after {found.steps} steps {better}",
            initialization_place(case, changed),
            trial.remedy.remedy,
            (
                expected,
                Evidence(
                    "largest relative sensitivity of the loss to a weight", round(strongest, 4), "0.002 to 10"
                ),
            ),
            changed[0],
        )
