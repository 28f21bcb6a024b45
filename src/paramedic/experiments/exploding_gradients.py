"""Gradients that grow on their way to the first layers."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.finding import Finding
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import GAIN, Diagnosis, Trial, diagnosis, proven
from paramedic.experiments.interventions import ClippedGradients
from paramedic.experiments.sensitivity import Sensitivity, sensitivity
from paramedic.experiments.vanishing_gradients import flow_evidence
from paramedic.experiments.wording import SYMPTOMS, at_first, learned, model_place, percent

EXPLODED = 0.5  # decades from last to first layer; healthy at most -0.3 in 56 runs (prototype)
SENSITIVE = 10.0  # relative sensitivity of the loss to a weight; healthy at most 3.1 in 56 runs (prototype)


class ExplodingGradients(CauseByExperiment):
    """Gradients grow on their way back through the network, and throw the weights off.

    What it measures: how much is learned after replays with the gradient norm clipped to 1, on three seeds, where the
        run failed; the gradient at the first layer over that at the last; the relative sensitivity of the loss to each
        weight.
    Why it matters: single steps undo what all others have learned, up to non-finite weights.
    Fix: clip the gradient norm; with plain recurrent or deep networks, also scale the initialization down.
    Not a fault when: the run learned.
    References: the article's reason 35; Pascanu, Mikolov & Bengio 2013.
    """

    reason = "R35"
    name = "exploding-gradients"
    needs = ("replay", "budget")
    cost = "experiment"

    explains = (*SYMPTOMS, "R36")

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        return Cause(
            f"the network learns with {trial.remedy.changes} ({percent(trial.after())} after {found.steps} steps) and "
            f"not as it is ({at_first(found, trial)})",
            model_place(case),
            trial.remedy.remedy,
            flow_evidence(sensitivity(case.lab)),
        )

    def examine(self, case: Case) -> Iterator[Finding]:
        trial = proven(case, self.name)
        found, flow = diagnosis(case), sensitivity(case.lab)
        if trial is not None:
            yield self.finding(case, trial)
        elif found.failing and flow is not None and not _refuted(found):
            strongest = max(flow.weights.values(), default=0.0)
            if seen := _out_of_range(flow, strongest):
                yield self.suspect(
                    f"the network does not learn ({learned(found.ended.train)}), and {seen}",
                    where=model_place(case),
                    evidence=flow_evidence(flow),
                    remedy="scale the initial weights down, or clip the gradient norm",
                    explains=("S5", "R27", "R17", "S1", "R16", "S6"),
                )


def _refuted(found: Diagnosis) -> bool:
    """Whether clipping was tried and changed nothing: then the large gradients are not why it does not learn."""
    return any(isinstance(trial.remedy, ClippedGradients) and trial.gain <= GAIN for trial in found.trials)


def _out_of_range(flow: Sensitivity, strongest: float) -> str:
    """What of the gradients is too large, in words; "" if nothing is."""
    parts = []
    if flow.decades > EXPLODED:
        parts.append(
            f"its gradients grow on their way back: the gradient at {flow.first or 'the first layer'} is "
            f"{10**flow.decades:.3g} times that at {flow.last or 'the last'} (expected below {10**EXPLODED:.2g} times)"
        )
    if strongest > SENSITIVE:
        parts.append(
            f"its loss hangs on its weights too strongly: a small relative change of a weight changes the loss "
            f"{strongest:.3g} times as much (expected below {SENSITIVE:g} times)"
        )
    return ", and ".join(parts)
