"""Initial weights of a scale from which training does not start."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import diagnosis, proven
from paramedic.experiments.interventions import StandardInitialization
from paramedic.experiments.sensitivity import sensitivity
from paramedic.experiments.wording import SYMPTOMS, initialization_place, percent, run_evidence


class BadlyScaledInitialization(Check):
    """The initial weights have a scale from which training fails.

    What it measures: u (1 = knows nothing, 0 = perfect) after the recorded steps are replayed from the initial
        weights, and with those whose scale is far from their layer's standard initialization drawn anew, on three
        seeds; and the relative sensitivity of the loss to each weight.
    Why it matters: weights too large saturate the units or blow the loss up, weights too small pass no signal on.
    Fix: scale by the fan-in (Kaiming, Xavier), or keep PyTorch's own initialization.
    Not a fault when: the run learned; an unusual scale alone is none.
    References: the article's reason 28; Glorot & Bengio 2010; He et al. 2015.
    """

    reason = "R28"
    name = "badly-scaled-initialization"
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        trial = proven(case, self.name)
        if trial is None:
            return
        assert isinstance(trial.remedy, StandardInitialization)
        found = diagnosis(case)
        changed = trial.remedy.changed
        flow = sensitivity(case.lab)
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        strongest = max(flow.weights.values(), default=0.0) if flow is not None else 0.0
        yield self.fault(
            f"the initialization of {changed[0]}{others} keeps the network from learning: "
            f"u {percent(found.ended.train)} at the end of the run, and "
            f"{percent(trial.after())} after {found.steps} steps from PyTorch's own initialization "
            "(1 = knows nothing, 0 = perfect)",
            where=initialization_place(case, changed),
            module=changed[0],
            evidence=(
                Evidence("parameters far from a standard initialization", ", ".join(changed[:8]), "none"),
                Evidence(
                    "largest relative sensitivity of the loss to a weight", round(strongest, 4), "0.002 to 10"
                ),
                *run_evidence(found, trial),
            ),
            remedy=trial.remedy.remedy,
            proof=trial.proof(),
            gain=trial.gain,
            explains=(*SYMPTOMS, "R36", "R23"),
        )
