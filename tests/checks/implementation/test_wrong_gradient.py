"""Custom Functions with right, wrong and deliberately other gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from paramedic.checks.implementation.gradient_cuts import cuts
from tests.helpers import findings, observe

NAME = "wrong-gradient"


class Base(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sin(x)


class Right(Base):
    @staticmethod
    def backward(ctx, grad):
        return grad * torch.cos(ctx.saved_tensors[0])


class Slightly(Base):
    @staticmethod
    def backward(ctx, grad):
        return 1.001 * grad * torch.cos(ctx.saved_tensors[0])


class Sign(Base):
    @staticmethod
    def backward(ctx, grad):
        return -grad * torch.cos(ctx.saved_tensors[0])


class Missing(Base):
    @staticmethod
    def backward(ctx, grad):
        return None


class Rounding(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad * 0.9


class Clamping(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(-0.1, 0.1)

    @staticmethod
    def backward(ctx, grad):
        return grad


class Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -0.5 * grad


class Separate(torch.autograd.Function):
    """The newer style, with setup_context, several inputs and a hinge."""

    @staticmethod
    def forward(x, weight, slope):
        return F.leaky_relu(x * weight, slope)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weight, ctx.slope = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        grad = torch.where(x * weight > 0, grad, ctx.slope * grad)
        return grad * weight, (grad * x).sum(0), None


class Single(torch.autograd.Function):
    """Takes float32 only."""

    @staticmethod
    def forward(ctx, x):
        if x.dtype != torch.float32:
            raise RuntimeError("expected float32")
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad * ctx.saved_tensors[0].exp()


class Net(nn.Module):
    def __init__(self, apply) -> None:
        super().__init__()
        self.first, self.last, self.apply_it = nn.Linear(6, 8), nn.Linear(8, 3), apply
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        return self.last(self.apply_it(h, self.weight))


def steps(model: nn.Module) -> None:
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(torch.randn(10, 6)), torch.randint(3, (10,))).backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("function", "level"),
    [
        (Right, None), (Slightly, "fault"), (Sign, "fault"), (Missing, "fault"), (Rounding, "note"),
        (Clamping, "note"), (Reversal, "note"), (Single, "fault"),
    ],
)
def test_functions(tmp_path, function, level):
    forward = vars(function).get("forward")
    found = findings(observe(lambda: steps(Net(lambda h, weight: function.apply(h))), tmp_path), NAME)
    assert [item.level for item in found] == ([level] if level else [])
    assert vars(function).get("forward") is forward
    if level == "fault":
        assert function.__name__ in found[0].summary
        with open(__file__) as source:
            line = source.read().splitlines()[found[0].where.line - 1]
        assert line.strip().startswith("return")  # what is wrong, not the head of the function


def test_several_inputs(tmp_path):
    assert not findings(observe(lambda: steps(Net(lambda h, w: Separate.apply(h, w, 0.1))), tmp_path), NAME)


class Recurrent(nn.Module):
    """Adds up what its cell says of the steps of a sequence; ``cut`` is applied to the state."""

    def __init__(self, cut) -> None:
        super().__init__()
        self.cell, self.last, self.cut = nn.GRUCell(3, 12), nn.Linear(12, 2), cut

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), 12)
        for step in x.unbind(1):
            state = self.cell(step, self.cut(state))
        return self.last(state)


def recall(model: nn.Module) -> None:
    """The sign of the first value is asked for after six steps."""
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        x = torch.randn(32, 6, 3)
        optimizer.zero_grad()
        F.cross_entropy(model(x), (x[:, 0, 0] > 0).long()).backward()
        optimizer.step()


@pytest.mark.parametrize(("cut", "level"), [(lambda h: h.data, "fault"), (lambda h: h, None)])
def test_state_out_of_the_graph(tmp_path, cut, level):
    model = Recurrent(cut)
    case = observe(lambda: recall(model), tmp_path, budget=30)
    before = [item.clone() for item in model.parameters()]
    found = findings(case, NAME)
    assert [item.level for item in found] == ([level] if level else [])
    assert all(torch.equal(a, b) and b.dtype == torch.float32 for a, b in zip(before, model.parameters(), strict=True))
    if level:
        assert found[0].proof is not None and found[0].proof.after < found[0].proof.before


def test_a_cut_that_costs_nothing(tmp_path):
    class Quantized(nn.Module):
        """A straight-through estimator by detach: its value counts, its gradient is meant to be another."""

        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            h = self.first(x)
            return self.last(h + (h.sign() - h).detach())

    assert not findings(observe(lambda: steps(Quantized()), tmp_path, budget=20), NAME)


class Quantizer(nn.Module):
    """Chooses the nearest of a few learned codes, or hard samples; the gradient goes past the choice on purpose, or is lost."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.first, self.codes, self.last, self.way = nn.Linear(6, 6), nn.Embedding(5, 6), nn.Linear(6, 3), way

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        if self.way == "nearest":
            near = self.codes(torch.cdist(h, self.codes.weight).argmin(1))
            return self.last(h + (near - h).detach())
        if self.way == "nearest, other side":
            near = self.codes(torch.cdist(h, self.codes.weight).argmin(1))
            return self.last(h - (h - near).detach())
        if self.way == "hard":
            soft = h.softmax(1)
            hard = F.one_hot(soft.argmax(1), 6).float()
            return self.last(hard - soft.detach() + soft)
        return self.last(h + torch.tanh(h * 2).detach())


@pytest.mark.parametrize("way", ["nearest", "nearest, other side", "hard", "branch cut off"])
def test_a_straight_through_value_is_not_cut_off(tmp_path, way):
    torch.manual_seed(0)
    case = observe(lambda: steps(Quantizer(way)), tmp_path)
    assert bool(cuts(case)) == (way == "branch cut off")
