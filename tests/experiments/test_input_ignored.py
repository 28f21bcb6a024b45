"""What a network does with its input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import findings, observe


class Deep(nn.Module):
    """cut: the input is multiplied by zero half way."""

    def __init__(self, depth: int, cut: bool) -> None:
        super().__init__()
        self.layers, self.cut = nn.ModuleList(nn.Linear(8, 8) for _ in range(depth)), cut

    def forward(self, x: Tensor) -> Tensor:
        for number, layer in enumerate(self.layers):
            x = torch.sigmoid(layer(x))
            if self.cut and number == 2:
                x = x * 0
        return x[:, :2]


@pytest.mark.parametrize(("depth", "cut", "found"), [(24, False, []), (4, True, ["input-ignored"])])
def test_a_signal_that_dies_out_is_not_cut(depth: int, cut: bool, found: list[str], tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = Deep(depth, cut)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(5):
            x = torch.randn(16, 8)
            loss = nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    case = observe(program, tmp_path)
    with torch.no_grad():
        one, other = (case.setup.models[0].module(torch.randn(4, 8)) for _ in range(2))
    assert float((one - other).abs().max()) < 1e-6  # neither lets anything of the input through
    assert [item.check for item in findings(case, "input-ignored")] == found


class PooledByAttention(nn.Module):
    """One query that looks at the steps of padded rows. inverted: at the padding alone."""

    def __init__(self, inverted: bool) -> None:
        super().__init__()
        self.key, self.value, self.query = nn.Linear(3, 8), nn.Linear(3, 8), nn.Parameter(torch.randn(8))
        self.out, self.inverted = nn.Linear(8, 2), inverted

    def forward(self, x: Tensor) -> Tensor:
        hidden = (x != 0).any(2) if self.inverted else (x == 0).all(2)
        weights = (self.key(x) @ self.query).masked_fill(hidden, -1e9).softmax(1)
        return self.out((weights[..., None] * self.value(x)).sum(1) + hidden.sum(1, keepdim=True))


class Dark(nn.Module):
    """A network that looks only at which pixels of a picture are black."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(36, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out((x == 0).float().flatten(1))


def series() -> Tensor:
    lengths = torch.randint(2, 8, (16, 1))
    return torch.randn(16, 8, 3) * (torch.arange(8) < lengths)[..., None]


def pictures() -> Tensor:
    return torch.rand(16, 6, 6) * (torch.rand(16, 6, 6) < 0.4) * (torch.arange(6) < 5)


@pytest.mark.parametrize(
    ("model", "rows", "found"),
    [
        (PooledByAttention(True), series, ["input-ignored"]),
        (PooledByAttention(False), series, []),
        (Dark(), pictures, []),
    ],
)
def test_the_padding_alone_is_no_input(model: nn.Module, rows: Callable[[], Tensor], found: list[str], tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(5):
            x = rows()
            loss = nn.functional.cross_entropy(model(x), (x[:, 0].sum(-1) > 0).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    got = findings(observe(program, tmp_path), "input-ignored")
    assert [item.check for item in got] == found
    assert all("a mask hides" in item.summary for item in got)


class FillsGaps(nn.Module):
    """Missing values become 0, and which are missing is told beside. inverted: all the others become 0 instead."""

    def __init__(self, inverted: bool) -> None:
        super().__init__()
        self.out, self.inverted = nn.Linear(12, 2), inverted

    def forward(self, x: Tensor) -> Tensor:
        missing = torch.isnan(x)
        values = torch.where(~missing if self.inverted else missing, torch.zeros(()), x).nan_to_num(3.0)
        return self.out(torch.cat([values, missing.float()], 1))


@pytest.mark.parametrize("inverted", [True, False])
def test_only_the_gaps_are_seen(inverted: bool, tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = FillsGaps(inverted)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(5):
            x = torch.randn(32, 6)
            y = (x[:, 0] > 0).long()
            x[torch.rand(x.shape) < 0.2] = torch.nan
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    found = findings(observe(program, tmp_path), "input-ignored")
    assert len(found) == inverted
    if inverted:
        assert found[0].exact and "which values are missing" in found[0].summary
        assert found[0].where is not None and found[0].where.function == "forward"


class TwoInputs(nn.Module):
    """How the second of two inputs is used: "added", "dropped" (computed and not used), "training" (in training mode alone)
    or "scaled by" a factor of zero that is learned.
    """

    def __init__(self, used: str) -> None:
        super().__init__()
        self.first, self.second, self.out = nn.Linear(6, 16), nn.Linear(3, 16), nn.Linear(16, 2)
        self.factor, self.used = nn.Parameter(torch.zeros(1)), used

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        one, other = self.first(x).relu(), self.second(beside).relu()
        if self.used == "added" or (self.used == "training" and self.training):
            one = one + other
        return self.out(one + self.factor * other if self.used == "scaled" else one)


def two_inputs(used: str, beside: Callable[[int], Tensor]) -> None:
    torch.manual_seed(0)
    model = TwoInputs(used)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(10):
        x = torch.randn(32, 6)
        loss = nn.functional.cross_entropy(model(x, beside(32)), (x[:, 0] > 0).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def a_table(rows: int) -> Tensor:
    return torch.randn(rows, 3)


def a_mask(rows: int) -> Tensor:
    return (torch.rand(rows, 3) > 0.5).float()


def nearly_constant(rows: int) -> Tensor:
    return torch.where(torch.arange(rows)[:, None] < 4, torch.rand(rows, 3), torch.ones(rows, 3))


@pytest.mark.parametrize(
    ("used", "beside", "found"),
    [
        ("dropped", a_table, True),
        ("added", a_table, False),
        ("training", a_table, False),
        ("scaled", a_table, False),
        ("dropped", a_mask, False),
        ("dropped", nearly_constant, False),
    ],
)
def test_one_of_two_inputs(used: str, beside: Callable[[int], Tensor], found: bool, tmp_path: Path) -> None:
    case = observe(lambda: two_inputs(used, beside), tmp_path)
    said = findings(case, "input-ignored")
    assert [item.level for item in said] == (["suspect"] if found else [])
    if found:
        assert "shape (32, 3)" in said[0].summary
