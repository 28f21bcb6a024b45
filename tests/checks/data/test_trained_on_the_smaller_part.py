"""Training on the test part of a split is a fault; other small training sets are noted, or nothing is said."""

import runpy
from pathlib import Path

import pytest

from tests.helpers import findings, observe

PROGRAM = """
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

x, y = load_breast_cancer(return_X_y=True)
x = torch.tensor((x - x.mean(0)) / x.std(0)).float()
y = torch.tensor(y)
{split}
loader = DataLoader(TensorDataset(a, c), batch_size=20, shuffle=True)
model = torch.nn.Linear(30, 2)
optimizer = torch.optim.SGD(model.parameters(), 0.05)
for _ in range(3):
    for xb, yb in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(xb), yb).backward()
        optimizer.step()
    with torch.no_grad():
        right = (model(b).argmax(1) == d).float().mean()
"""


@pytest.mark.parametrize(
    ("split", "levels"),
    [
        ("b, a, d, c = train_test_split(x, y, test_size=0.1)", ["fault"]),
        ("a, b, c, d = train_test_split(x, y, test_size=0.1)", []),
        ("b, a, d, c = train_test_split(x, y, test_size=0.45)", []),
        ("b, a, d, c = train_test_split(x, y, test_size=0.9)", []),
        ("a, b, c, d = train_test_split(x, y, train_size=0.1)", ["note"]),
        ("a, b, c, d = x[:60], x[60:], y[:60], y[60:]", ["note"]),
    ],
)
def test_parts_of_a_split(split: str, levels: list[str], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("{split}", split))
    found = findings(observe(lambda: runpy.run_path(str(program)), tmp_path), "trained-on-the-smaller-part")
    assert [item.level for item in found] == levels
    if levels == ["fault"]:
        assert found[0].where is not None and found[0].where.line == 11 and found[0].exact
