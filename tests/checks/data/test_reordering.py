"""One of two lists was read in another order: which one is found, from the dataset or from what was recorded of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_wine
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, random_split

from paramedic.measurements.data.reordering import best_reordering
from tests.helpers import findings, observe

WINE = load_wine()
COUNT = 178 * 2
ORDER = np.random.default_rng(0).permutation(COUNT)
X = torch.tensor(np.tile((WINE.data - WINE.data.mean(0)) / WINE.data.std(0), (2, 1)))[ORDER].float()
X = X + 0.1 * torch.randn(X.shape, generator=torch.Generator().manual_seed(0))
Y = torch.tensor(np.tile(WINE.target, 2)[ORDER])
AS_TEXT = sorted(range(COUNT), key=str)


class Files(Dataset):
    """Rows that are read by name. gone: they cannot be read again after the training."""

    def __init__(self, names: list[int]) -> None:
        self.names, self.gone = names, False

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if self.gone:
            raise FileNotFoundError(self.names[index])
        return X[self.names[index]], Y[index]


def fit(dataset: Files, workers: int = 0) -> None:
    torch.manual_seed(0)
    train, _ = random_split(dataset, [300, COUNT - 300])
    model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(train, 20, shuffle=True, num_workers=workers)
    for _ in range(2):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize(
    ("names", "said"), [(AS_TEXT, "names were sorted as text"), (list(range(COUNT))[::-1], "was reversed")]
)
def test_what_put_them_into_another_order(
    names: list[int], said: str, gone: bool, workers: int, tmp_path: Path
) -> None:
    dataset = Files(names)

    def program() -> None:
        fit(dataset, workers)
        dataset.gone = gone

    found = findings(observe(program, tmp_path), "labels-unrelated")
    assert [item.level for item in found] == ["fault"]
    assert said in found[0].summary
    proof = found[0].proof
    assert proof is not None and proof.after - proof.before > 0.3 and proof.interval[0] > 0.2


@pytest.mark.parametrize("names", [list(range(COUNT)), np.random.default_rng(1).permutation(COUNT).tolist()])
def test_right_and_shuffled_names_have_no_other_order(names: list[int], tmp_path: Path) -> None:
    found = findings(observe(lambda: fit(Files(names)), tmp_path), "labels-unrelated")
    assert not [item for item in found if item.level == "fault"]


def test_values() -> None:
    data = load_diabetes()
    features, count = data.data, len(data.target)
    as_text = np.array(sorted(range(count), key=str))
    rows = np.arange(0, count, 2)
    known = np.where(np.arange(count) % 5 == 0, np.nan, data.target)  # as of rows that were not recorded
    found = best_reordering(features[as_text][rows], rows, known, classes=False)
    assert found is not None and found.z > 5 and found.after > 0.2 > found.before
    assert "sorted as text" in found.what and 0.5 * len(rows) < found.rows < len(rows)
    shuffled = np.random.default_rng(3).permutation(count)
    other = best_reordering(features[shuffled][rows], rows, known, classes=False)
    assert other is not None and other.z < 4.5


class ByName(Dataset):
    def __getitem__(self, name: str) -> tuple[Tensor, Tensor]:
        return X[int(name)], Y[int(name)]


def test_a_sampler_of_names_has_no_positions(tmp_path: Path) -> None:
    names = [[str(row) for row in range(low, low + 20)] for low in range(0, 200, 20)]

    def program() -> None:
        model = nn.Linear(13, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for x, y in DataLoader(ByName(), batch_sampler=names):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()

    case = observe(program, tmp_path)
    assert case.loaders[0].positions == [[None] * 10]
    assert not findings(case, "labels-unrelated")
