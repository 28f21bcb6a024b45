"""A search proposes settings where they gain significantly, and says nothing where they don't."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from paramedic.diagnosis.examine import examine
from paramedic.experiments.settings import OtherSettings, Values
from paramedic.experiments.settings_not_tuned import SettingsNotTuned
from tests.experiments.programs import train
from tests.helpers import observe


def test_values_are_read_as_they_are_written() -> None:
    values = Values(rate=3.2, decay=0.0, parts=4)
    assert Values.read(str(values)) == values
    assert OtherSettings(values).parts == 4


def test_a_slow_rate_without_momentum_can_be_better(tmp_path: Path) -> None:
    case = observe(lambda: train(rate=0.03, epochs=6), tmp_path, budget=40)
    found, outcomes, errors = examine(case, checks=[SettingsNotTuned])
    assert not errors and [item.check for item in found] == ["settings-not-tuned"], outcomes
    assert found[0].level == "note" and found[0].proof is not None
    assert found[0].gain is not None and found[0].gain > 0.05
    assert found[0].proof.interval[1] < 0  # of after - before


def test_a_run_that_learned_has_little_to_gain(tmp_path: Path) -> None:
    _, outcomes, errors = examine(observe(lambda: train(), tmp_path, budget=40), checks=[SettingsNotTuned])
    assert not errors and outcomes[0].status == "passed" and "little is left" in outcomes[0].why


def test_without_the_extra_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def find(name: str, *rest: Any) -> Any:
        return None if name == "optuna" else real(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    _, outcomes, _ = examine(observe(lambda: train(epochs=1), tmp_path, budget=40), checks=[SettingsNotTuned])
    assert (outcomes[0].status, outcomes[0].why.split(":")[0]) == ("not-checked", "extra [search] is not installed")
