"""What a network does with its input."""

from __future__ import annotations

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
