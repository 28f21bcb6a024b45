"""Row 32: training and evaluation mode, dropout and batch norm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.helpers import findings, observe

CHECKS = (
    "training-in-eval-mode",
    "validating-in-train-mode",
    "always-on-dropout",
    "stale-batchnorm-statistics",
    "batchnorm-tiny-batch",
)


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = 2 + torch.randn(240, 8, generator=generator)
    return x, (x[:, 0] * x[:, 1] > 4).long()


def dense(momentum: float = 0.1, dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(16, momentum=momentum)
    return nn.Sequential(nn.Linear(8, 16), norm, nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 2))


def image(momentum: float = 0.1, dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(6, momentum=momentum)
    return nn.Sequential(
        nn.Unflatten(1, (1, 2, 4)), nn.Conv2d(1, 6, 2), norm, nn.ReLU(), nn.Dropout(dropout), nn.Flatten(),
        nn.Linear(18, 2),
    )


class Functional(nn.Module):
    def __init__(self, always: bool, attention: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(8, 16), nn.Linear(16, 2)
        self.always, self.attention = always, attention

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.first(x))
        if self.attention:
            h = h.view(-1, 4, 4)
            rate = 0.5 if self.always or self.training else 0.0
            h = F.scaled_dot_product_attention(h, h, h, dropout_p=rate).flatten(1)
        else:
            h = F.dropout(h, 0.5, training=self.always or self.training)
        return self.last(h)


def fit(
    model: nn.Module,
    *,
    epochs: int = 3,
    batch: int = 20,
    train_mode: Callable[[int], bool] = lambda epoch: True,
    eval_mode: bool = True,
    lr: float = 0.05,
    judged: nn.Module | None = None,
    each_step: Callable[[], None] = lambda: None,
) -> None:
    x, y = data()
    judged = judged or model
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for epoch in range(epochs):
        if train_mode(epoch):
            model.train()
        for rows in torch.randperm(200).split(batch):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
            each_step()
        if eval_mode:
            judged.eval()
        with torch.no_grad():
            (judged(x[200:]).argmax(1) == y[200:]).float().mean().item()


def found(program: Callable[[], None], folder: Path) -> list[str]:
    return [item.check for item in findings(observe(program, folder), *CHECKS) if item.level != "note"]


@pytest.mark.parametrize("make", [dense, image])
def test_healthy(make: Callable[..., nn.Module], tmp_path: Path) -> None:
    assert found(lambda: fit(make(dropout=0.3), epochs=6), tmp_path) == []


@pytest.mark.parametrize("make", [dense, image])
def test_training_in_eval_mode(make: Callable[..., nn.Module], tmp_path: Path) -> None:
    model = make(dropout=0.3).eval()
    assert "training-in-eval-mode" in found(lambda: fit(model, train_mode=lambda epoch: False), tmp_path)


def test_train_mode_only_in_the_first_epoch(tmp_path: Path) -> None:
    def program() -> None:
        fit(dense(dropout=0.3), epochs=8, batch=10, train_mode=lambda epoch: epoch == 0)

    case = observe(program, tmp_path)
    (finding,) = findings(case, "training-in-eval-mode")
    assert finding.level == "fault" and "from step 20 on" in finding.summary


def test_loaded_model_in_eval_mode_is_a_note(tmp_path: Path) -> None:
    model = dense()
    model.load_state_dict(dense().state_dict())

    def program() -> None:
        tuned = dense()
        tuned.load_state_dict(model.state_dict())
        fit(tuned.eval(), train_mode=lambda epoch: False)

    case = observe(program, tmp_path)
    assert [item.level for item in findings(case, "training-in-eval-mode")] == ["note"]


@pytest.mark.parametrize("make", [dense, image])
def test_validating_in_train_mode(make: Callable[..., nn.Module], tmp_path: Path) -> None:
    assert found(lambda: fit(make(dropout=0.4), eval_mode=False), tmp_path) == ["validating-in-train-mode"]


def test_no_mode_dependent_layer_needs_no_mode(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 2))
    assert found(lambda: fit(model, eval_mode=False), tmp_path) == []


def test_reestimation_of_statistics_is_no_validation(tmp_path: Path) -> None:
    def program() -> None:
        model, (x, _) = dense(), data()
        fit(model)
        model.train()
        with torch.no_grad():
            for rows in torch.arange(200).split(20):
                model(x[rows])

    assert found(program, tmp_path) == []


def scored(score: Callable[[nn.Module, Tensor, Tensor], object], eval_mode: bool = False) -> None:
    """Training, and a pass over other rows whose outputs leave torch."""
    model, (x, y) = dense(dropout=0.4), data()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(3):
        model.train()
        for rows in torch.randperm(200).split(20):
            optimizer.zero_grad()
            F.cross_entropy(model(x[:200][rows]), y[rows]).backward()
            optimizer.step()
        model.train(not eval_mode)
        with torch.no_grad():
            score(model, x[200:].clone(), y[200:])


SCORES: dict[str, Callable[[nn.Module, Tensor, Tensor], object]] = {
    "decisions in numpy": lambda model, x, y: (model(x).argmax(1).numpy() == y.numpy()).mean(),
    "a list": lambda model, x, y: sum(a == b for a, b in zip(model(x).argmax(1).tolist(), y.tolist(), strict=True)),
    "outputs in numpy": lambda model, x, y: (model(x).numpy().argmax(1) == y.numpy()).mean(),
    "class by class": lambda model, x, y: [(model(x[y == k]).argmax(1) == k).float().mean().item() for k in (0, 1)],
}


@pytest.mark.parametrize("name", SCORES)
def test_scored_outside_of_torch(name: str, tmp_path: Path) -> None:
    wrong = found(lambda: scored(SCORES[name]), tmp_path / "train")
    assert wrong == ["validating-in-train-mode"]
    assert found(lambda: scored(SCORES[name], eval_mode=True), tmp_path / "eval") == []


def test_repeated_draws_are_an_estimate_of_uncertainty(tmp_path: Path) -> None:
    def draws(model: nn.Module, x: Tensor, y: Tensor) -> object:
        return sum(model(x).softmax(1).numpy() for _ in range(8))

    assert found(lambda: scored(draws), tmp_path) == []


@pytest.mark.parametrize("attention", [False, True])
def test_always_on_dropout(attention: bool, tmp_path: Path) -> None:
    assert found(lambda: fit(Functional(True, attention)), tmp_path / "on") == ["always-on-dropout"]
    assert found(lambda: fit(Functional(False, attention)), tmp_path / "off") == []


@pytest.mark.parametrize("make", [dense, image])
def test_slow_running_statistics(make: Callable[..., nn.Module], tmp_path: Path) -> None:
    case = observe(lambda: fit(make(momentum=1e-4), epochs=8), tmp_path)
    (finding,) = findings(case, "stale-batchnorm-statistics")
    assert finding.level == "fault" and "momentum" in finding.summary
    assert finding.where is not None and finding.where.function == make.__name__


def test_average_without_buffers(tmp_path: Path) -> None:
    def program() -> None:
        model, average = dense(), dense()

        @torch.no_grad()
        def update() -> None:
            for target, source in zip(average.parameters(), model.parameters(), strict=True):
                target.lerp_(source, 0.2)

        fit(model, epochs=8, judged=average, each_step=update)

    case = observe(program, tmp_path)
    (finding,) = findings(case, "stale-batchnorm-statistics")
    assert "never updated" in finding.summary


@pytest.mark.parametrize(("make", "batch"), [(dense, 2), (image, 1)])
def test_tiny_batches(make: Callable[..., nn.Module], batch: int, tmp_path: Path) -> None:
    assert "batchnorm-tiny-batch" in found(lambda: fit(make(), batch=batch, epochs=1, lr=0.005), tmp_path)


def test_small_last_batch_is_no_fault(tmp_path: Path) -> None:
    assert "batchnorm-tiny-batch" not in found(lambda: fit(dense(), batch=33), tmp_path)  # 200 = 6 * 33 + 2


def test_crash_on_a_last_batch_of_one(tmp_path: Path) -> None:
    case = observe(lambda: fit(dense(), batch=199), tmp_path)
    (finding,) = findings(case, "batchnorm-tiny-batch")
    assert "drop_last" in finding.summary
