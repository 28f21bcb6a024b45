"""Row 23: each fault of the wiring in more than one kind of model, and the look-alikes that are no fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import findings, observe

CHECKS = (
    "missing-backward",
    "missing-step",
    "parameters-not-registered",
    "parameters-not-optimized",
    "optimizer-over-stale-parameters",
    "parameters-not-reached",
    "frozen-parameters",
)


def data(rows: int = 160, columns: int = 8) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, columns, generator=generator)
    y = torch.tanh(x @ torch.randn(columns, 3, generator=generator)).sum(1, keepdim=True)
    return x, (y - y.mean()) / y.std()


def train(
    model: Callable[[Tensor], Tensor],
    parameters: Iterable[Any],
    *,
    steps: int = 30,
    backward: bool = True,
    step: bool = True,
    lr: float = 0.01,
    optimizer: type[torch.optim.Optimizer] = torch.optim.Adam,
) -> None:
    x, y = data()
    made = optimizer(parameters, lr=lr)  # type: ignore[call-arg]
    for number in range(steps):
        rows = slice(16 * number % 160, 16 * number % 160 + 16)
        made.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        if backward:
            loss.backward()
        if step:
            made.step()


def mlp(width: int = 16) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))


def conv() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Unflatten(1, (1, 8)), nn.Conv1d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 1))


class Recurrent(nn.Module):
    def __init__(self, cut: Callable[[Tensor], Tensor] = lambda h: h) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rnn = nn.GRU(1, 8, batch_first=True)
        self.head = nn.Linear(8, 1)
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.rnn(x.unsqueeze(-1))
        return self.head(self.cut(states[:, -1]))


class Listed(nn.Module):
    """Layers in a list (plain or registered)."""

    def __init__(self, container: Callable[[list[nn.Module]], Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = container([nn.Linear(8, 8), nn.Linear(8, 8)])
        self.head = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers.values() if isinstance(self.layers, dict) else self.layers:
            x = torch.tanh(layer(x))
        return self.head(x)


class Scaled(nn.Module):
    """A plain tensor that ought to be a parameter (or is one)."""

    def __init__(self, wrap: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weight = wrap(0.3 * torch.randn(8, 16))
        self.head = nn.Linear(16, 1)
        nn.init.constant_(self.head.weight, 0.1)
        self.head.weight.requires_grad_(True)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(x @ self.weight))


def found(program: Callable[[], None], folder: Path, budget: float = 0.0) -> list[str]:
    case = observe(program, folder, budget=budget)
    return [item.check for item in findings(case, *CHECKS) if item.level != "note"]


@pytest.mark.parametrize("make", [mlp, conv, Recurrent])
def test_missing_backward(make: Callable[[], nn.Module], tmp_path: Path) -> None:
    model = make()
    assert found(lambda: train(model, model.parameters(), backward=False), tmp_path) == ["missing-backward"]


@pytest.mark.parametrize("make", [mlp, Recurrent])
def test_missing_step(make: Callable[[], nn.Module], tmp_path: Path) -> None:
    model = make()
    assert found(lambda: train(model, model.parameters(), step=False), tmp_path) == ["missing-step"]


def test_a_step_that_is_never_reached_is_the_place(tmp_path: Path) -> None:
    def program() -> None:
        model, (x, y) = mlp(), data()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for number in range(6):
            nn.functional.mse_loss(model(x), y).backward()
            if number == 99:
                optimizer.step()

    (finding,) = findings(observe(program, tmp_path), "missing-step")
    assert finding.where is not None
    assert "optimizer.step()" in Path(__file__).read_text().splitlines()[finding.where.line - 1]


def test_gradients_made_in_another_way_are_no_missing_backward(tmp_path: Path) -> None:
    def program() -> None:
        model, (x, y) = mlp(), data()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(6):
            names = dict(model.named_parameters())
            gradients = torch.func.grad(
                lambda p: nn.functional.mse_loss(torch.func.functional_call(model, p, (x,)), y)
            )({name: p.detach() for name, p in names.items()})
            for name, parameter in names.items():
                parameter.grad = gradients[name]
            optimizer.step()

    assert found(program, tmp_path) == []


def test_evaluation_only_is_no_training(tmp_path: Path) -> None:
    def program() -> None:
        model, (x, y) = mlp(), data()
        with torch.no_grad():
            for _ in range(5):
                nn.functional.mse_loss(model(x), y)

    assert found(program, tmp_path) == []


@pytest.mark.parametrize("make", [mlp, conv, Recurrent])
def test_head_only_optimizer(make: Callable[[], nn.Module], tmp_path: Path) -> None:
    model = make()
    head = list(model.children())[-1]
    assert found(lambda: train(model, head.parameters()), tmp_path) == ["parameters-not-optimized"]


def test_pretrained_body_is_left_alone_on_purpose(tmp_path: Path) -> None:
    def program() -> None:
        model = mlp()
        train(model, model.parameters(), steps=60)
        loaded = mlp()
        loaded.load_state_dict(model.state_dict())
        loaded[-1] = nn.Linear(16, 1)
        train(loaded, loaded[-1].parameters())

    assert found(program, tmp_path) == []


def test_two_optimizers_cover_everything(tmp_path: Path) -> None:
    def program() -> None:
        model, (x, y) = mlp(), data()
        first = torch.optim.SGD(model[0].parameters(), lr=0.01)
        second = torch.optim.Adam([*model[2].parameters(), *model[4].parameters()], lr=0.01)
        for _ in range(10):
            first.zero_grad()
            second.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            first.step()
            second.step()

    assert found(program, tmp_path) == []


def test_optimizer_of_an_old_model(tmp_path: Path) -> None:
    old = mlp()
    assert found(lambda: train(conv(), old.parameters()), tmp_path) == ["optimizer-over-stale-parameters"]


def test_layer_replaced_after_the_optimizer(tmp_path: Path) -> None:
    def program() -> None:
        model = mlp()
        held = list(model.parameters())
        model[4] = nn.Linear(16, 1)
        train(model, held)

    assert found(program, tmp_path) == ["optimizer-over-stale-parameters"]


@pytest.mark.parametrize(
    ("cut", "word"),
    [
        (lambda h: h.detach(), "detach"),
        (lambda h: h.data, ".data"),
        (lambda h: torch.tensor(h.tolist()), "tolist"),
        (lambda h: torch.round(h * 3), "round"),
        (lambda h: (h > 0).float(), "gradient"),
    ],
)
def test_cut_graph(cut: Callable[[Tensor], Tensor], word: str, tmp_path: Path) -> None:
    model = Recurrent(cut)
    case = observe(lambda: train(model, model.parameters()), tmp_path)
    (finding,) = findings(case, "parameters-not-reached")
    assert finding.level == "fault" and finding.exact
    assert word in finding.summary
    assert finding.where is not None and Path(finding.where.file).name == "test_wiring.py"


def test_no_grad_around_a_part(tmp_path: Path) -> None:
    def program() -> None:
        encoder, head = mlp(), nn.Linear(1, 1)

        def model(x: Tensor) -> Tensor:
            with torch.no_grad():
                code = encoder(x)
            return head(code)

        train(model, [*encoder.parameters(), *head.parameters()])

    case = observe(program, tmp_path)
    (finding,) = findings(case, "parameters-not-reached")
    assert "no_grad" in finding.summary


def test_backward_on_a_copy_of_the_loss(tmp_path: Path) -> None:
    def program() -> None:
        model, (x, y) = mlp(), data()
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(8):
            optimizer.zero_grad()
            torch.tensor(nn.functional.mse_loss(model(x), y).item(), requires_grad=True).backward()
            optimizer.step()

    assert found(program, tmp_path) == ["parameters-not-reached"]


def test_branch_that_is_computed_and_not_used(tmp_path: Path) -> None:
    def program() -> None:
        used, unused, head = mlp(), mlp(), nn.Linear(1, 1)

        def model(x: Tensor) -> Tensor:
            unused(x)
            return head(used(x))

        train(model, [*used.parameters(), *unused.parameters(), *head.parameters()])

    (name,) = found(program, tmp_path)
    assert name == "parameters-not-reached"


def test_one_of_two_optimizers_never_steps(tmp_path: Path) -> None:
    def program() -> None:
        encoder, head, (x, y) = mlp(), nn.Linear(1, 1), data()
        one = torch.optim.Adam(encoder.parameters())
        two = torch.optim.Adam(head.parameters())
        for _ in range(8):
            one.zero_grad()
            two.zero_grad()
            nn.functional.mse_loss(head(encoder(x)), y).backward()
            two.step()

    (finding,) = findings(observe(program, tmp_path), *CHECKS)
    assert finding.check == "missing-step" and "never called" in finding.summary


def test_stop_gradient_in_one_branch_is_no_cut(tmp_path: Path) -> None:
    model = Recurrent(lambda h: h + (torch.round(h) - h).detach())
    assert found(lambda: train(model, model.parameters()), tmp_path) == []


def test_no_grad_around_a_trained_part_is_no_cut(tmp_path: Path) -> None:
    def program() -> None:
        encoder = mlp()
        train(encoder, encoder.parameters(), steps=100, lr=0.02)
        head = nn.Linear(1, 1)

        def model(x: Tensor) -> Tensor:
            with torch.no_grad():
                code = encoder(x)
            return head(code)

        train(model, [*encoder.parameters(), *head.parameters()])

    assert found(program, tmp_path) == []


@pytest.mark.parametrize("container", [list, tuple, lambda layers: dict(enumerate(layers))])
def test_layers_in_a_python_container(container: Callable[..., Any], tmp_path: Path) -> None:
    model = Listed(container)
    case = observe(lambda: train(model, model.parameters()), tmp_path)
    (finding,) = findings(case, *CHECKS)
    assert finding.check == "parameters-not-registered"
    assert finding.where is not None
    assert "self.layers" in Path(__file__).read_text().splitlines()[finding.where.line - 1]


def test_registered_or_handed_over_layers_are_healthy(tmp_path: Path) -> None:
    model = Listed(nn.ModuleList)
    assert found(lambda: train(model, model.parameters()), tmp_path / "list") == []
    plain = Listed(list)
    handed = [*plain.parameters(), *(p for layer in plain.layers for p in layer.parameters())]
    assert found(lambda: train(plain, handed), tmp_path / "handed") == []


def test_plain_tensor_is_proven_by_training_it(tmp_path: Path) -> None:
    model = Scaled(lambda tensor: 0.001 * tensor)
    names = found(lambda: train(model, model.parameters(), steps=60), tmp_path / "plain", budget=20)
    assert names == ["parameters-not-registered"]
    learned = Scaled(nn.Parameter)
    assert found(lambda: train(learned, learned.parameters()), tmp_path / "parameter", budget=20) == []


@pytest.mark.parametrize("make", [mlp, Recurrent])
def test_frozen_random_layers(make: Callable[[], nn.Module], tmp_path: Path) -> None:
    def program() -> None:
        model = make()
        if isinstance(model, Recurrent):
            model.rnn.requires_grad_(False)
        else:
            for parameter in [*model[0].parameters(), *model[2].parameters()]:  # type: ignore[index]
                parameter.requires_grad = False
        train(model, model.parameters(), steps=60)

    case = observe(program, tmp_path)
    (finding,) = findings(case, *CHECKS)
    assert (finding.check, finding.level) == ("frozen-parameters", "suspect")
    assert finding.where is not None
    assert "requires_grad" in Path(__file__).read_text().splitlines()[finding.where.line - 1]


def test_random_features_on_purpose_gain_nothing(tmp_path: Path) -> None:
    def program() -> None:
        model = mlp(width=256)
        model[0].requires_grad_(False)
        model[2].requires_grad_(False)
        train(model, model[4].parameters(), steps=100, lr=0.02)

    assert found(program, tmp_path, budget=30) == []


def test_everything_frozen_is_a_crash_with_a_cause(tmp_path: Path) -> None:
    def program() -> None:
        model = mlp()
        model.requires_grad_(False)
        train(model, model.parameters())

    case = observe(program, tmp_path)
    (finding,) = findings(case, "frozen-parameters")
    assert finding.level == "fault" and "no parameter requires a gradient" in finding.summary
