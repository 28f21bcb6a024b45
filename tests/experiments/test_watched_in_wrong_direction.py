"""Rows 31 and 36: a quantity whose improvement is taken for a decline, and declines that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR
from torch.utils.data import DataLoader, TensorDataset

from paramedic.capture.observer import Observer
from paramedic.checks.case import Case
from paramedic.checks.finding import Finding
from paramedic.measurements.training.direction import acts_at, means_between, opposed
from paramedic.trace.store import TraceWriter
from tests.helpers import findings, observe, repeated

CHECK = "watched-in-wrong-direction"
Scores = dict[str, float]


def fit(
    watch: Callable[[Any, Scores], None],
    make: Callable[[Any], Any],
    *,
    epochs: int = 14,
    lr: float = 0.02,
    rows: int = 240,
    noise: float = 0.0,
    loss_in_validation: bool = True,
    width: int = 32,
) -> None:
    """A small classification; ``watch(scheduler, scores)`` is called after every epoch."""
    torch.manual_seed(0)
    x = torch.randn(rows + 200, 8)
    y = (x[:, 0] + 0.5 * x[:, 1] > 0).long()
    y = torch.where(torch.rand(len(y)) < noise, 1 - y, y)
    loader = DataLoader(TensorDataset(x[:rows], y[:rows]), batch_size=20, shuffle=True)
    held_out = DataLoader(TensorDataset(x[rows:], y[rows:]), batch_size=200)
    model = nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.5)
    scheduler = make(optimizer)
    for _ in range(epochs):
        model.train()
        for inputs, target in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), target).backward()
            optimizer.step()
        model.eval()
        scores: Scores = {}
        with torch.no_grad():
            for inputs, target in held_out:
                output = model(inputs)
                if loss_in_validation:
                    scores["loss"] = F.cross_entropy(output, target).item()
                scores["accuracy"] = (output.argmax(1) == target).float().mean().item()
                chosen = output.softmax(1).gather(1, target[:, None])
                scores["own loss"] = -chosen.log().mean().item()
        watch(scheduler, scores)


def plateau(mode: str = "min", **settings: Any) -> Callable[[Any], Any]:
    return lambda optimizer: ReduceLROnPlateau(optimizer, mode, **{"patience": 2, "factor": 0.3} | settings)


def watched(name: str) -> Callable[[Any, Scores], None]:
    return lambda scheduler, scores: scheduler.step(scores[name])


def found(case: Case) -> list[Finding]:
    return findings(case, CHECK)


@pytest.mark.parametrize("settings", [{}, {"factor": 0.5, "patience": 3}, {"threshold_mode": "abs"}])
def test_accuracy_with_the_default_mode(settings: dict[str, Any], tmp_path: Path) -> None:
    case = observe(lambda: fit(watched("accuracy"), plateau(**settings)), tmp_path)
    (finding,) = found(case)
    assert (finding.level, finding.reason) == ("fault", "R36")
    assert 'mode="max"' in str(finding.remedy)
    assert finding.where is not None and finding.where.function == "<lambda>"  # where the scheduler is made


def test_loss_with_mode_max(tmp_path: Path) -> None:
    (finding,) = found(observe(lambda: fit(watched("loss"), plateau("max")), tmp_path))
    assert finding.level == "fault" and 'mode="min"' in str(finding.remedy)


def test_without_a_loss_in_validation_the_end_is_measured(tmp_path: Path) -> None:
    case = observe(lambda: fit(watched("accuracy"), plateau(), loss_in_validation=False), tmp_path)
    assert [item.level for item in found(case)] == ["suspect"]


def test_a_tensor_is_read(tmp_path: Path) -> None:
    def watch(scheduler: Any, scores: Scores) -> None:
        scheduler.step(metrics=torch.tensor(scores["accuracy"], requires_grad=True))

    assert [item.level for item in found(observe(lambda: fit(watch, plateau()), tmp_path))] == ["fault"]


@pytest.mark.parametrize(("name", "mode"), [("loss", "min"), ("accuracy", "max"), ("own loss", "min")])
def test_right_mode(name: str, mode: str, tmp_path: Path) -> None:
    case = observe(lambda: fit(watched(name), plateau(mode), epochs=15, lr=0.2), tmp_path)
    assert case.setup.watched[0].mode == mode and found(case) == []


@pytest.mark.parametrize("loss_in_validation", [True, False])
@pytest.mark.parametrize(("rows", "noise"), [(80, 0.3), (60, 0.45)])
def test_overfitting(rows: int, noise: float, loss_in_validation: bool, tmp_path: Path) -> None:
    """The loss on held-out data rises, with fewer rows from the first epoch on: its rate is rightly reduced."""
    case = observe(
        lambda: fit(
            watched("own loss"), plateau(factor=0.9), epochs=12, lr=0.3, width=128,
            rows=rows, noise=noise, loss_in_validation=loss_in_validation,
        ),
        tmp_path,
    )  # fmt: skip
    (record,) = case.setup.watched
    assert record.acted and record.values[-1] > 1.2 * record.values[0]  # it does overfit
    assert found(case) == []


def test_few_calls(tmp_path: Path) -> None:
    assert found(observe(lambda: fit(watched("accuracy"), plateau(patience=0), epochs=3), tmp_path / "3")) == []
    four = found(observe(lambda: fit(watched("accuracy"), plateau(patience=0), epochs=4), tmp_path / "4"))
    assert all(item.level == "note" for item in four)


def test_wrong_mode_without_consequences(tmp_path: Path) -> None:
    case = observe(lambda: fit(watched("accuracy"), plateau(patience=30)), tmp_path)
    assert len(case.setup.watched[0].values) == 14 and found(case) == []


def test_other_schedulers_watch_nothing(tmp_path: Path) -> None:
    case = observe(lambda: fit(lambda scheduler, _: scheduler.step(), lambda o: StepLR(o, 3)), tmp_path)
    assert case.setup.watched == []


def test_random_quantity(tmp_path: Path) -> None:
    """A quantity that has nothing to do with the training."""
    alarms = 0
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)

        def watch(scheduler: Any, scores: Scores, generator: Any = generator) -> None:
            scheduler.step(torch.rand((), generator=generator).item())

        alarms += len(found(observe(lambda: fit(watch, plateau()), tmp_path / str(seed))))
    assert alarms == 0


def _lightning(mode: str, monitor: str, seen: list[int], epochs: int = 20, patience: int = 5, noise: float = 0.0) -> None:
    import lightning as L
    from lightning.pytorch.callbacks import EarlyStopping

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return F.cross_entropy(self.net(batch[0]), batch[1])

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            output = self.net(batch[0])
            self.log("val_loss", F.cross_entropy(output, batch[1]))
            self.log("val_acc", (output.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.05)

    L.seed_everything(0)
    x = torch.randn(640, 8)
    y = (x[:, 0] + 0.5 * x[:, 1] > 0).long()
    y = torch.where(torch.rand(len(y)) < noise, 1 - y, y)
    stopping = EarlyStopping(monitor, patience=patience, mode=mode)
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", callbacks=[stopping], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(
        Module(), DataLoader(TensorDataset(x[:400], y[:400]), batch_size=20, shuffle=True),
        DataLoader(TensorDataset(x[400:], y[400:]), batch_size=240),
    )  # fmt: skip
    seen.append(trainer.current_epoch)


def test_early_stopping_of_lightning(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    stopped: list[int] = []
    (finding,) = found(observe(lambda: _lightning("min", "val_acc", stopped), tmp_path / "wrong"))
    assert stopped[0] < 20 and (finding.reason, finding.level) == ("R31", "fault")
    assert finding.where is not None and finding.where.function == "_lightning"
    assert found(observe(lambda: _lightning("max", "val_acc", stopped), tmp_path / "max")) == []
    assert found(observe(lambda: _lightning("min", "val_loss", stopped), tmp_path / "min")) == []


@pytest.mark.parametrize("patience", [2, 3])
def test_three_calls_and_what_training_on_shows(patience: int, tmp_path: Path) -> None:
    """The default patience leaves too few calls for an alarm by themselves; noise learned by heart is no progress."""
    pytest.importorskip("lightning")
    wrong = observe(lambda: _lightning("min", "val_acc", [], patience=patience), tmp_path / "wrong", budget=10)
    (finding,) = found(wrong)
    assert (finding.reason, finding.level) == ("R31", "fault") and finding.proof is not None
    assert finding.proof.after < 0.8 * finding.proof.before and finding.proof.seeds == 3
    known, again = repeated(wrong, finding.proof.experiment)
    assert known["recorded"] is None, "the program has to run to its end"
    assert again["after"] == pytest.approx(known["after"], abs=0.01) and again["before"] == known["before"]
    noise = observe(lambda: _lightning("min", "val_loss", [], patience=patience, noise=0.5), tmp_path / "noise", budget=10)
    assert found(noise) == []


def test_callbacks_are_put_back(tmp_path: Path) -> None:
    callbacks = pytest.importorskip("lightning.pytorch.callbacks.early_stopping")
    method, init = callbacks.EarlyStopping._evaluate_stopping_criteria, callbacks.EarlyStopping.__init__
    observer = Observer(TraceWriter(tmp_path / "trace.sqlite"))
    observer.install()
    assert callbacks.EarlyStopping._evaluate_stopping_criteria is not method
    observer.remove()
    observer.writer.close()
    assert callbacks.EarlyStopping._evaluate_stopping_criteria is method and callbacks.EarlyStopping.__init__ is init


def test_values_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paramedic.capture.observer.WATCHED_CALLS", 6)
    case = observe(lambda: fit(watched("accuracy"), plateau()), tmp_path)
    assert len(case.setup.watched[0].values) == 6


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("relative", [True, False])
def test_acts_at_is_what_torch_does(mode: str, relative: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    for number in range(40):
        values = torch.rand(25, generator=generator).cumsum(0).mul(0.1 if number % 2 else -0.1).tolist()
        values = [value + 0.3 * torch.rand((), generator=generator).item() for value in values]
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        scheduler = ReduceLROnPlateau(
            optimizer, mode, patience=2, threshold=0.01, threshold_mode="rel" if relative else "abs"
        )
        first = None
        for call, value in enumerate(values):
            scheduler.step(value + 5)
            if optimizer.param_groups[0]["lr"] < 1:
                first = call
                break
        assert acts_at([value + 5 for value in values], mode, 3, 0.01, relative) == first


def test_opposed_is_exact_for_few() -> None:
    assert opposed([1, 2, 3, 4, 5], [5, 4, 3, 2, 1]).p == pytest.approx(1 / 120)
    assert opposed([1, 2, 3, 4], [9, 7, 4, 1]).p == pytest.approx(1 / 24)
    assert opposed([1, 1, 1, 1], [4, 3, 2, 1]).p == 1.0
    assert opposed(range(20), range(20)).rho == pytest.approx(1.0)


def test_means_between() -> None:
    means = means_between([2, 2, 4], [0, 1, 2, 3], [1.0, 3.0, 5.0, float("nan")])
    assert means[0] == 2.0 and means[1] != means[1] and means[2] == 5.0
