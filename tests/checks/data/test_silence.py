"""Healthy training of many kinds, on real tables, images and made-up targets: no check on data may raise an alarm."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine, make_friedman1
from torch import nn
from torch.utils.data import (
    DataLoader,
    Dataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from paramedic.checks.registry import check_classes
from tests.helpers import findings, observe

NAMES = [
    item.name
    for item in check_classes()
    if item.__module__.startswith(("paramedic.checks.data", "paramedic.checks.preprocessing"))
]


def table(load, seed=0):
    x, y = load()
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = torch.tensor(x[order]).float(), torch.tensor(y[order])
    cut = int(0.7 * len(x))
    x = (x - x[:cut].mean(0)) / (x[:cut].std(0) + 1e-6)
    if y.is_floating_point():
        y = ((y - y[:cut].mean()) / y[:cut].std()).float()
    return x[:cut], y[:cut], x[cut:], y[cut:]


TABLES = {
    "wine": lambda: load_wine(return_X_y=True),
    "cancer": lambda: load_breast_cancer(return_X_y=True),
    "digits": lambda: tuple(part[:400] for part in load_digits(return_X_y=True)),
    "diabetes": lambda: load_diabetes(return_X_y=True, scaled=False),
    "friedman": lambda: make_friedman1(300, random_state=0),
}


def train(model, loss, batches, validation):
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(3):
        model.train()
        for x, y in batches():
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for x, y in validation():
                loss(model(x), y).item()


class Noisy(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index] + 0.1 * torch.randn_like(self.x[index]), self.y[index]


def random_slices(x, y):
    for rows in torch.randperm(len(x)).split(16):
        yield x[rows], y[rows]


def ordered_slices(x, y):
    for low in range(0, len(x), 16):
        yield x[low : low + 16], y[low : low + 16]


STYLES = {
    "loader": lambda x, y: DataLoader(TensorDataset(x, y), 16, shuffle=True),
    "last dropped": lambda x, y: DataLoader(TensorDataset(x, y), 16, shuffle=True, drop_last=True),
    "subset": lambda x, y: DataLoader(Subset(TensorDataset(x, y), range(0, len(x) - 20)), 16, shuffle=True),
    "subset sampler": lambda x, y: DataLoader(
        TensorDataset(x, y), 16, sampler=SubsetRandomSampler(range(len(x) // 2))
    ),
    "replacement": lambda x, y: DataLoader(
        TensorDataset(x, y), 16, sampler=WeightedRandomSampler(torch.ones(len(x)), len(x))
    ),
    "augmented": lambda x, y: DataLoader(Noisy(x, y), 16, shuffle=True),
    "random slices": random_slices,
    "ordered slices": ordered_slices,
    "all rows": lambda x, y: [(x, y)] * 8,
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["cancer", "friedman"])
def test_loop_styles(name, style, tmp_path):
    def program():
        torch.manual_seed(0)
        x, y, x_val, y_val = table(TABLES[name])
        classes = not y.is_floating_point()
        model = nn.Sequential(nn.Linear(x.shape[1], 16), nn.ReLU(), nn.Linear(16, 3 if classes else 1))
        loss = F.cross_entropy if classes else lambda out, t: F.mse_loss(out.squeeze(1), t)
        made = STYLES[style](x, y)
        batches = (lambda: STYLES[style](x, y)) if style.endswith("slices") else lambda: made
        train(model, loss, batches, lambda: [(x_val, y_val)])

    assert not [item for item in findings(observe(program, tmp_path), *NAMES) if item.level != "note"]


@pytest.mark.parametrize("name", TABLES)
def test_tables(name, tmp_path):
    def program():
        torch.manual_seed(1)
        x, y, x_val, y_val = table(TABLES[name], seed=1)
        classes = not y.is_floating_point()
        model = nn.Sequential(nn.Linear(x.shape[1], 32), nn.ReLU(), nn.Linear(32, 10 if classes else 1))
        loss = F.cross_entropy if classes else lambda out, t: F.mse_loss(out.squeeze(1), t)
        loader = DataLoader(TensorDataset(x, y), 32, shuffle=True)
        validation = DataLoader(TensorDataset(x_val, y_val), 64)
        train(model, loss, lambda: loader, lambda: validation)

    assert not [item for item in findings(observe(program, tmp_path), *NAMES) if item.level != "note"]


def tokens(n=200, length=12):
    made = torch.randint(0, 20, (n, length), generator=torch.Generator().manual_seed(0))
    return made, made.flip(1)


def masks(n=64):
    made = torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return made, (made > 0.5).float()


def several_labels(n=200):
    made = torch.randn(n, 6, generator=torch.Generator().manual_seed(0))
    return made, (made[:, :3] > 0).float()


def corners():
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]).repeat(40, 1)
    return x, (x[:, 0] != x[:, 1]).long()


KINDS = {
    "tokens": (
        tokens,
        lambda: nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 20)),
        lambda out, t: F.cross_entropy(out.flatten(0, 1), t.flatten()),
    ),
    "masks": (masks, lambda: nn.Conv2d(1, 1, 3, padding=1), F.binary_cross_entropy_with_logits),
    "several labels": (several_labels, lambda: nn.Linear(6, 3), F.binary_cross_entropy_with_logits),
    "reconstruction": (lambda: (several_labels()[0],) * 2, lambda: nn.Linear(6, 6), F.mse_loss),
    "four corners": (
        corners,
        lambda: nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)),
        F.cross_entropy,
    ),
    "bfloat16": (
        lambda: tuple(part.bfloat16() for part in several_labels()),
        lambda: nn.Linear(6, 3).bfloat16(),
        F.mse_loss,
    ),
    "double": (
        lambda: tuple(part.double() for part in several_labels()),
        lambda: nn.Linear(6, 3).double(),
        F.mse_loss,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_targets_of_other_kinds(kind, tmp_path):
    make, model, loss = KINDS[kind]

    def program():
        torch.manual_seed(0)
        x, y = make()
        cut = int(0.75 * len(x))
        validation = [(x[cut:], y[cut:])] if kind != "four corners" else []
        loader = DataLoader(TensorDataset(x[:cut], y[:cut]), 16, shuffle=True)
        train(model(), loss, lambda: loader, lambda: validation)

    assert not [item for item in findings(observe(program, tmp_path), *NAMES) if item.level != "note"]


def test_classes_that_overlap_are_not_noisy(tmp_path):
    """Thirds of a score with noise, from a sparse one-hot table: typical rows are wrong at times, others more often."""
    torch.manual_seed(3)
    levels = [6, 9, 4, 12, 3, 7]
    columns = torch.stack([torch.randint(n, (1000,)) for n in levels], dim=1)
    score = sum(torch.randn(n)[columns[:, k]] for k, n in enumerate(levels)) + 0.5 * torch.randn(1000)
    y = torch.bucketize(score, torch.quantile(score, torch.tensor([0.33, 0.67])))
    x = torch.cat([torch.nn.functional.one_hot(columns[:, k], n) for k, n in enumerate(levels)], dim=1).float()

    def program():
        model = torch.nn.Linear(sum(levels), 3)
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
        for rows in torch.randperm(1000).split(50):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

    assert findings(observe(program, tmp_path), "noisy-labels") == []


def test_the_next_token_of_the_same_array_is_no_other_rows_target(tmp_path):
    torch.manual_seed(0)
    tokens = torch.randint(18, (3000,))

    def program():
        model = nn.Sequential(nn.Embedding(18, 16), nn.Linear(16, 18))
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(30):
            rows = torch.randint(len(tokens) - 1, (64,))
            optimizer.zero_grad()
            F.cross_entropy(model(tokens[rows]), tokens[rows + 1]).backward()
            optimizer.step()

    assert not findings(observe(program, tmp_path), "labels-mispaired")
