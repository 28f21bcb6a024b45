"""Gradients that die out on their way to the first layers."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial, diagnosis, proven
from paramedic.experiments.interventions import SATURATING, ReluActivations
from paramedic.experiments.sensitivity import Sensitivity, sensitivity
from paramedic.experiments.wording import at_first, learned, model_place, percent
from paramedic.trace.place import Place

VANISHED = -3.0  # decades from last to first layer; healthy -2.3 to -0.3 in 56 runs (prototype)


class VanishingGradients(CauseByExperiment):
    """The gradient dies out on its way back to the first layers, and the network does not learn.

    What it measures: the rms of the loss's gradient at the first layer's output over that at the last one's, in
        decades; and how much is learned after replays with ReLU in the place of saturating activations, with skip
        connections, or with orthogonal recurrent weights, on three seeds, where the run failed.
    Why it matters: layers that get no gradient stay as they were initialized.
    Fix: ReLU-like activations, skip connections, normalization layers, or an orthogonal initialization.
    Not a fault when: the run learned.
    References: the article's reason 35; Hochreiter 1991; Glorot & Bengio 2010; He et al. 2016.
    """

    reason = "R35"
    name = "vanishing-gradients"
    needs = ("replay", "budget")
    cost = "experiment"

    explains = ("R33", "S5", "R27", "R17", "S1", "A1", "R16", "S6", "R24", "R34", "R31", "R28")

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        flow = sensitivity(case.lab)
        return Cause(
            f"the network learns with {trial.remedy.changes} ({percent(trial.after())} after {found.steps} steps) and "
            f"not as it is ({at_first(found, trial)}){_flow(flow)}",
            _activation_place(case) if isinstance(trial.remedy, ReluActivations) else model_place(case),
            trial.remedy.remedy,
            flow_evidence(flow),
        )

    def examine(self, case: Case) -> Iterator[Finding]:
        trial = proven(case, self.name)
        found, flow = diagnosis(case), sensitivity(case.lab)
        if trial is not None:
            yield self.finding(case, trial)
        elif found.failing and flow is not None and flow.decades < VANISHED and _still_vanished(case):
            yield self.suspect(
                f"the network does not learn ({learned(found.ended.train)}){_flow(flow)}",
                where=_activation_place(case),
                module=flow.first,
                evidence=flow_evidence(flow),
                remedy="use ReLU-like activations, skip connections or normalization layers, or fewer layers",
                explains=("S5", "R27", "R17", "S1", "R16", "S6"),
            )


def _still_vanished(case: Case) -> bool:
    """Whether the first layers have no gradient at the last weights either: a last layer that begins at zero lets none
    through in the first step alone.
    """
    flow = sensitivity(case.lab, "final")
    return flow is None or flow.decades < VANISHED


def _activation_place(case: Case) -> Place | None:
    """Where the first saturating activation was made; where the model was made if it has no module for it."""
    for root in case.lab.modules():
        for module in root.modules():
            if isinstance(module, SATURATING) and case.setup.constructed.get(module) is not None:
                return case.setup.constructed[module]
    return model_place(case)


def _flow(flow: Sensitivity | None) -> str:
    if flow is None or flow.decades > VANISHED:
        return ""
    return (
        f": the gradient at {flow.first} is 10^{flow.decades:.1f} times that at {flow.last} (expected above "
        f"10^{VANISHED:.0f})"
    )


def flow_evidence(flow: Sensitivity | None) -> tuple[Evidence, ...]:
    """Decades between last and first layer, and the extremes of the relative sensitivity."""
    if flow is None:
        return ()
    values = list(flow.weights.values()) or [0.0]
    return (
        Evidence(
            "gradient at the first layer over that at the last",
            round(flow.decades, 2),
            "-3 to 0.5",
            "decades",
        ),
        Evidence("largest relative sensitivity of the loss to a weight", round(max(values), 4), "below 10"),
        Evidence(
            "smallest relative sensitivity of the loss to a weight", round(min(values), 6), "above 0.001"
        ),
    )
