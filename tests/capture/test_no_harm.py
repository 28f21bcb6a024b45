"""The program's own behaviour under observation: warnings, identity, lifetimes, and errors of ours."""

from __future__ import annotations

import gc
import warnings
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from paramedic.capture.observer import Observer
from paramedic.capture.sampling import LayerSampler
from paramedic.trace.store import TraceWriter
from tests.helpers import observe


def _observed(program: Any, folder: Path) -> Observer:
    observer = Observer(TraceWriter(folder / "trace.sqlite"))
    observer.install()
    try:
        program()
    finally:
        observer.close()
        observer.remove()
        observer.writer.close()
    return observer


def _warns() -> None:
    model = nn.Linear(3, 1)
    x, y = torch.randn(4, 3), torch.randn(4)
    for _ in range(2):
        loss = F.mse_loss(model(x), y) + nn.MSELoss()(model(x), y)
        F.softmax(model(x))
        model(x)[:1].std()  # a warning from C++
        loss.backward()


def test_warnings_name_the_line_that_they_name_alone(tmp_path: Path) -> None:
    def seen(run: Any) -> list[tuple[str, int, str]]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run()
        return [(item.filename, item.lineno, str(item.message)) for item in caught]

    alone = seen(_warns)
    assert len(alone) == 8 and any(item[0].endswith("test_no_harm.py") for item in alone)
    assert seen(lambda: _observed(_warns, tmp_path)) == alone


class _HashedByState(nn.Linear):
    """As torchmetrics does: no hash before it is complete, and another after every change."""

    def __init__(self) -> None:
        super().__init__(3, 1)
        self.calls = 0

    def __hash__(self) -> int:
        return hash(("calls", self.calls))

    def __eq__(self, other: object) -> bool:
        raise AssertionError("the module's own __eq__ was called")

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x)


def test_objects_are_known_by_identity(tmp_path: Path) -> None:
    def program() -> None:
        model = _HashedByState()
        optimizer = torch.optim.SGD([model.weight, model.bias], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.ones(4, 3)).mean().backward()
            optimizer.step()

    observer = _observed(program, tmp_path)
    assert observer.errors == {}
    assert len(observer.setup.models) == 1 and observer.setup.models[0].constructed is not None


def test_no_graph_and_no_batch_is_kept_alive(tmp_path: Path) -> None:
    alive: list[weakref.ref[Tensor]] = []

    def program() -> None:
        model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.Adam(model.parameters())
        for step in range(5):
            batch = torch.randn(16, 8)
            output = model(batch)
            loss = output.square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            # Known: before Python 3.13, looking for the model's variable name makes the frame keep what its locals
            # were at the first call, that is, one batch, until the function returns.
            if step > 0:
                alive.extend((weakref.ref(batch), weakref.ref(output), weakref.ref(loss)))
        del batch, output, loss
        gc.collect()
        assert [item for item in alive if item() is not None] == []

    assert _observed(program, tmp_path).errors == {}
    assert len(alive) == 12


def test_an_error_of_a_measurement_is_in_the_report_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: LayerSampler, optimizer: Any) -> None:
        raise ZeroDivisionError("injected")

    monkeypatch.setattr(LayerSampler, "before_step", broken)
    observer = _observed(_training(0, "adam", "tanh", 4, False), tmp_path)
    assert observer.steps == 4
    assert "injected" in observer.errors["before_step"]


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
}
ACTIVATIONS = {"relu": lambda: nn.ReLU(inplace=True), "tanh": nn.Tanh, "dropout": lambda: nn.Dropout(0.3)}


def _training(seed: int, optimizer: str, activation: str, steps: int, closure: bool) -> Any:
    """A program of random parts; its result is every weight and buffer, the losses and the random state."""

    def program() -> list[Any]:
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Linear(6, 12), nn.BatchNorm1d(12), ACTIVATIONS[activation](), nn.Linear(12, 3)
        )
        stepper, losses = OPTIMIZERS[optimizer](model.parameters()), []
        x, y = torch.randn(20, 6), torch.randint(3, (20,))

        def forward() -> Tensor:
            stepper.zero_grad()
            loss = F.cross_entropy(model(x[torch.randperm(20)[:8]]), y[:8])
            loss.backward()
            losses.append(loss.item())
            return loss

        for step in range(steps):
            if closure:
                stepper.step(forward)
            else:
                forward()
                stepper.step()
            if step % 3 == 2:
                model.eval()
                with torch.no_grad():
                    losses.append(model(x).sum().item())
                model.train()
        return [*(value.clone() for value in model.state_dict().values()), losses, torch.get_rng_state()]

    return program


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.integers(0, 1000), st.sampled_from(sorted(OPTIMIZERS)), st.sampled_from(sorted(ACTIVATIONS)),
    st.integers(1, 9), st.booleans(),
)  # fmt: skip
def test_any_program_computes_what_it_computes_alone(
    tmp_path: Path, seed: int, optimizer: str, activation: str, steps: int, closure: bool
) -> None:
    program = _training(seed, optimizer, activation, steps, closure)
    alone, found = program(), []
    observe(lambda: found.extend(program()), tmp_path)
    assert len(found) == len(alone)
    for one, other in zip(alone, found, strict=True):
        assert torch.equal(one, other) if isinstance(one, Tensor) else one == other
