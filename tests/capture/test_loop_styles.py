"""What the capture must know without any cooperation, and that the recorded steps replay bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tests.helpers import observe

STEPS = 12


def _data(rows: int = 192) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 8, generator=generator)
    return x, (x[:, :3].argmax(1))


def _net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))


def loader_loop() -> None:
    x, y = _data()
    model, loader = _net(), DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()


def random_indices_and_arithmetic() -> None:
    x, y = _data()
    model, target = _net(), F.one_hot(_data()[1], 3).float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(STEPS):
        chosen = torch.randint(len(x), (16,))
        loss = ((model(x[chosen]) - target[chosen]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def whole_batch_with_closure() -> None:
    x, y = _data()
    model = _net()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=2)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    for _ in range(STEPS):
        optimizer.step(closure)


def accumulation_clipping_schedule() -> None:
    x, y = _data()
    model = _net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=STEPS)
    for step in range(STEPS):
        optimizer.zero_grad()
        for part in range(2):
            rows = slice(16 * (step + part) % 176, 16 * (step + part) % 176 + 16)
            (F.cross_entropy(model(x[rows]), y[rows]) / 2).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        scheduler.step()


def gradient_scaler() -> None:
    x, y = _data()
    model = _net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    for step in range(STEPS):
        rows = slice(16 * step % 176, 16 * step % 176 + 16)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x[rows]), y[rows])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()


def two_optimizers() -> None:
    x, _ = _data()
    maker, judge = nn.Linear(4, 8), nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
    first = torch.optim.Adam(judge.parameters(), lr=0.01)
    second = torch.optim.Adam(maker.parameters(), lr=0.01)
    for step in range(STEPS):
        real, noise = x[16 * step % 176 :][:16], torch.randn(16, 4)
        fake = maker(noise)
        loss = F.softplus(-judge(real)).mean() + F.softplus(judge(fake.detach())).mean()
        first.zero_grad()
        loss.backward()
        first.step()
        second.zero_grad()
        F.softplus(-judge(fake)).mean().backward()
        second.step()


def parameters_without_modules() -> None:
    x, y = _data()
    first = (torch.randn(8, 16) * 0.3).requires_grad_()
    second = (torch.randn(16, 3) * 0.3).requires_grad_()
    optimizer = torch.optim.Adam([first, second], lr=0.01)
    for step in range(STEPS):
        rows = slice(16 * step % 176, 16 * step % 176 + 16)
        scores = (torch.relu(x[rows] @ first) @ second).log_softmax(1)
        loss = -scores[torch.arange(16), y[rows]].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(value)
        return value * value

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        return 2 * ctx.saved_tensors[0] * gradient


def custom_function_in_the_loss() -> None:
    x, y = _data()
    model, target = _net(), F.one_hot(_data()[1], 3).float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(STEPS):
        rows = slice(16 * step % 176, 16 * step % 176 + 16)
        loss = _Square.apply(model(x[rows]) - target[rows]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


class _Records(Dataset[dict[str, Tensor]]):
    def __init__(self) -> None:
        self.x, self.y = _data()

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"image": (self.x[index] * 32).to(torch.int16), "label": self.y[index]}


class _OwnLoss(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = _net()

    def forward(self, image: Tensor, label: Tensor) -> dict[str, Tensor]:
        logits = self.net(image)
        return {"logits": logits, "loss": F.cross_entropy(logits, label)}


def dictionaries_and_loss_inside_the_model() -> None:
    model, loader = _OwnLoss(), DataLoader(_Records(), batch_size=16, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for batch in loader:
        out = model(image=batch["image"].float().div(32), label=batch["label"])
        out["loss"].backward()
        optimizer.step()
        model.zero_grad()


def recurrence_by_hand() -> None:
    cell, head = nn.GRUCell(2, 8), nn.Linear(8, 1)
    optimizer = torch.optim.Adam([*cell.parameters(), *head.parameters()], lr=0.01)
    for _ in range(STEPS):
        values, state = torch.rand(16, 6, 2), torch.zeros(16, 8)
        for step in range(6):
            state = cell(values[:, step], state)
        loss = F.mse_loss(head(state), values.sum((1, 2)).unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


STYLES: dict[Callable[[], None], str] = {
    loader_loop: "cross_entropy",
    random_indices_and_arithmetic: "arithmetic",
    whole_batch_with_closure: "cross_entropy",
    accumulation_clipping_schedule: "cross_entropy",
    gradient_scaler: "cross_entropy",
    parameters_without_modules: "arithmetic",
    custom_function_in_the_loss: "arithmetic",
    dictionaries_and_loss_inside_the_model: "cross_entropy",
    recurrence_by_hand: "mse_loss",
}


@pytest.mark.parametrize("program", [*STYLES, two_optimizers], ids=lambda item: item.__name__)
def test_recorded_steps_replay_bit_for_bit(program: Callable[[], None], tmp_path: Path) -> None:
    torch.manual_seed(0)
    lab = observe(program, tmp_path).lab
    assert lab.why_not_replayable() is None
    recorded = [record.loss for record in lab.backwards]
    assert len(recorded) >= STEPS
    assert list(lab.train().losses) == recorded


@pytest.mark.parametrize("program", STYLES, ids=lambda item: item.__name__)
def test_loss_and_target_are_found(program: Callable[[], None], tmp_path: Path) -> None:
    torch.manual_seed(0)
    lab = observe(program, tmp_path).lab
    call = lab.loss_calls()[0]
    assert call.name == STYLES[program]
    assert call.place is not None and call.place.file.endswith("test_loop_styles.py")
    assert call.target is not None and lab.target_position() is not None
    inputs, target = lab.batches()[0]
    assert inputs and target is not None


def test_places_and_settings(tmp_path: Path) -> None:
    torch.manual_seed(0)
    setup = observe(accumulation_clipping_schedule, tmp_path).setup
    assert setup.models[0].name == "model" and setup.models[0].constructed is not None
    assert setup.optimizers[0].kind == "AdamW" and setup.optimizers[0].steps == STEPS
    assert setup.schedulers[0].kind == "OneCycleLR" and setup.schedulers[0].calls == STEPS
    kinds = [event.kind for event in setup.steps[1]]
    assert kinds == ["zero_grad", "backward", "backward", "clip", "step"]


def test_experiments_leave_no_trace(tmp_path: Path) -> None:
    """Weights, buffers, gradients, modes and random states are as they were before a replay."""
    torch.manual_seed(0)
    case = observe(loader_loop, tmp_path)
    module, state = case.setup.models[0].module, torch.get_rng_state()
    before = [tensor.clone() for tensor in module.state_dict().values()]
    grads = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    flags = [item.training for item in module.modules()]
    case.lab.train(steps=5, seed=3)
    assert all(torch.equal(a, b) for a, b in zip(before, module.state_dict().values(), strict=True))
    assert all(torch.equal(a, p.grad) for a, p in zip(grads, module.parameters(), strict=True))
    assert flags == [item.training for item in module.modules()]
    assert torch.equal(state, torch.get_rng_state())
