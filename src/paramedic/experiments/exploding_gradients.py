"""Gradients that grow on their way to the first layers."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.finding import Finding
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial, diagnosis, proven
from paramedic.experiments.sensitivity import sensitivity
from paramedic.experiments.vanishing_gradients import flow_evidence
from paramedic.experiments.wording import SYMPTOMS, at_first, model_place, percent

EXPLODED = 0.5  # decades from last to first layer; healthy at most -0.3 in 56 runs (prototype)
SENSITIVE = 10.0  # relative sensitivity of the loss to a weight; healthy at most 3.1 in 56 runs (prototype)


class ExplodingGradients(CauseByExperiment):
    """Gradients grow on their way back through the network, and throw the weights off.

    What it measures: u after replays with the gradient norm clipped to 1, on three seeds, where the run failed; the
        gradient at the first layer over that at the last; the relative sensitivity of the loss to each weight.
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
            f"the network learns with {trial.remedy.changes} (u {percent(trial.after())} after {found.steps} steps) and "
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
        elif found.failing and flow is not None:
            strongest = max(flow.weights.values(), default=0.0)
            if flow.decades > EXPLODED or strongest > SENSITIVE:
                yield self.suspect(
                    f"the network does not learn (u {percent(found.ended.train)}), and its gradients explode: the "
                    f"gradient at {flow.first or 'the first layer'} is 10^{flow.decades:.1f} times that at "
                    f"{flow.last or 'the last'} (expected below 10^{EXPLODED:g}); a relative change of a weight "
                    f"changes the loss {strongest:.3g} times as much (expected below {SENSITIVE:g})",
                    where=model_place(case),
                    evidence=flow_evidence(flow),
                    remedy="scale the initial weights down, or clip the gradient norm",
                    explains=("S5", "R27", "R17", "S1", "R16", "S6"),
                )
