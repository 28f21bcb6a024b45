"""The row says what every kind of regularization does to the run."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from paramedic.diagnosis.examine import examine
from paramedic.experiments.counterfactual import Diagnosis, Outcome, _as_one
from paramedic.experiments.interventions import NoDropout, NoPenalty, NoWeightDecay, Remedy
from paramedic.experiments.learns_without_regularization import LearnsWithoutRegularization
from paramedic.experiments.progress import Scale
from tests.experiments.programs import train
from tests.experiments.test_augmentation_too_strong import in_the_dataset
from tests.experiments.test_augmentation_too_strong import train as train_augmented
from tests.helpers import findings, observe


def dropped(probability: float = 0.97) -> nn.Module:
    return nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(probability), nn.Linear(32, 3))


def test_each_kind_and_all_together(tmp_path: Path) -> None:
    case = observe(lambda: train(make=dropped, decay=5.0), tmp_path, budget=60)
    found, outcomes, errors = examine(case, checks=[LearnsWithoutRegularization])
    assert not errors and [item.level for item in found] == ["note"]
    names = [item.name for item in found[0].evidence]
    assert names == ["u with no dropout", "u with no weight decay", "u with no dropout and no weight decay"]
    assert found[0].evidence[2].value < 0.2 < found[0].evidence[0].value


def test_a_run_that_learned_with_it(tmp_path: Path) -> None:
    _, outcomes, errors = examine(observe(lambda: train(decay=1e-3), tmp_path, budget=60), checks=[LearnsWithoutRegularization])
    assert not errors and outcomes[0].status == "passed" and "learned" in outcomes[0].why


def test_nothing_to_take_away(tmp_path: Path) -> None:
    _, outcomes, _ = examine(observe(lambda: train(), tmp_path, budget=60), checks=[LearnsWithoutRegularization])
    assert outcomes[0].status == "not-applicable"


def test_kinds_that_are_too_much_each_are_named_together(tmp_path: Path) -> None:
    case = observe(lambda: train(make=lambda: dropped(0.999), decay=5.0), tmp_path, budget=60)
    (found,) = findings(case, "too-much-regularization")
    assert found.summary.startswith("dropout 0.999 and weight decay 5 are too much together: ") and found.proof is not None
    assert set(found.proof.experiment.split("+")) == {"no-dropout", "no-weight-decay"}


def test_augmentation_is_switched_off_as_well(tmp_path: Path) -> None:
    case = observe(lambda: train_augmented(in_the_dataset, 12.0), tmp_path, budget=60)
    found, outcomes, errors = examine(case, checks=[LearnsWithoutRegularization])
    assert not errors and [item.level for item in found] == ["note"], outcomes
    (evidence,) = found[0].evidence
    assert evidence.name == "u with no augmentation (validation)" and evidence.value < 0.3


def test_kinds_that_only_together_make_the_difference_are_one_cause() -> None:
    """Each of three takes a third of the gain away: none is proven alone, all of them are."""
    parts: list[Remedy] = [NoDropout(), NoWeightDecay(), NoPenalty()]
    reached, base = [Outcome(0.2, 0.2)] * 3, [Outcome(0.62, 0.6)] * 3
    found = Diagnosis(Scale(1.0, 0.0), [], [], Outcome(1.0, 1.0), Outcome(0.62, 0.6), 100)
    (trial,) = _as_one(None, found, parts, [reached, base], [], found.ended)  # type: ignore[arg-type]
    assert trial.experiment == "no-dropout&no-weight-decay&no-penalty" and trial.remedy.cause == "too-much-regularization"
    assert trial.helps() and found.trials == [trial]
    assert trial.remedy.remedy.count(" and ") == 2
    assert _as_one(None, found, parts[:1], [reached, base], [], found.ended) == []  # type: ignore[arg-type]
