"""Of causes that hide each other the one without which most is lost comes first, whichever changes least."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from paramedic.experiments import counterfactual
from paramedic.experiments.counterfactual import Outcome
from paramedic.experiments.interventions import NoWeightDecay, StandardizedInput


@pytest.mark.parametrize(("without_inputs", "without_decay"), [(0.7, 1.0), (1.0, 0.7)])
def test_the_one_that_is_missed_most(without_inputs: float, without_decay: float, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, decay = StandardizedInput(), NoWeightDecay()
    reached = {
        frozenset({inputs.name, decay.name}): 0.1,
        frozenset({decay.name}): without_inputs,
        frozenset({inputs.name}): without_decay,
    }

    def of(change: Any) -> Outcome:
        u = reached[frozenset(item.name for item in change.remedies)]
        return Outcome(u, u)

    def replays(lab: Any, found: Any, jobs: Any) -> Any:
        return ((lambda job=job: of(job.change)) for job in jobs)

    monkeypatch.setattr(counterfactual, "run", lambda lab, found, change, seed, steps: of(change))
    monkeypatch.setattr(counterfactual, "outcomes", replays)
    found, clock = SimpleNamespace(steps=10, trials=[]), SimpleNamespace(second_is_over=lambda: False)
    start = Outcome(1.0, 1.0)
    causes = counterfactual._the_needed(None, found, [[inputs, decay]], [], [start], start, clock)  # type: ignore[arg-type]
    first = "too-much-regularization" if without_decay > without_inputs else "unstandardized-input"
    assert causes[0].remedy.cause == first and len(causes) == 2
