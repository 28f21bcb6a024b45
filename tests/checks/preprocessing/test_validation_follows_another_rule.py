"""Labels or codes of the validation rows that mean something else, and splits that differ by right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from paramedic.checks.finding import Finding
from tests.helpers import findings, observe

Rows = tuple[Tensor, ...]
NAME = "validation-follows-another-rule"


class Prices(nn.Module):
    """Categories beside numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.code, self.out = nn.Embedding(12, 4), nn.Linear(6, 1)

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        return self.out(torch.cat([self.code(codes[:, 0]), numbers], 1)).squeeze(1)


def fit(train: Rows, validation: Rows, model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(TensorDataset(*train), 30, shuffle=True)
    for _ in range(3):
        model.train()
        for *x, y in loader:
            optimizer.zero_grad()
            loss(model(*x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            loss(model(*validation[:-1]), validation[-1]).item()


def digits(change: Callable[[Tensor, Tensor], Rows], folder: Path) -> list[Finding]:
    data = load_digits()
    order = np.random.default_rng(1).permutation(len(data.target))[:900]
    x, y = torch.tensor(data.data[order]).float() / 8 - 1, torch.tensor(data.target[order])
    train, validation = (x[:600], y[:600]), change(x[600:], y[600:])
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    return findings(observe(lambda: fit(train, validation, model, nn.functional.cross_entropy), folder), NAME)


def as_it_is(x: Tensor, y: Tensor) -> Rows:
    return x, y


def numbered_otherwise(x: Tensor, y: Tensor) -> Rows:
    return x, (3 * y + 1) % 10


def turned(x: Tensor, y: Tensor) -> Rows:
    """Pictures that look otherwise: another recipe, which is another check's matter."""
    return x.reshape(-1, 8, 8).transpose(1, 2).reshape(-1, 64) * 3, y


@pytest.mark.parametrize(("change", "found"), [(as_it_is, False), (numbered_otherwise, True), (turned, False)])
def test_class_labels(change: Callable[[Tensor, Tensor], Rows], found: bool, tmp_path: Path) -> None:
    said = digits(change, tmp_path)
    assert [item.level for item in said] == (["fault"] if found else [])
    if found:
        assert "class 0 of training is 1 there" in said[0].summary
        assert said[0].proof is not None and said[0].proof.interval[0] > 0.5


@pytest.mark.parametrize("apart", [False, True])
def test_codes_of_categories(apart: bool, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    worth = torch.randn(12, generator=generator)

    def rows(count: int, codes: Tensor) -> Rows:
        kind, numbers = torch.randint(12, (count, 1), generator=generator), torch.randn(count, 2, generator=generator)
        price = worth[kind[:, 0]] + 0.3 * numbers[:, 0] + 0.05 * torch.randn(count, generator=generator)
        return codes[kind], numbers, price

    train = rows(600, torch.arange(12))
    validation = rows(200, torch.arange(12).roll(5) if apart else torch.arange(12))
    said = findings(observe(lambda: fit(train, validation, Prices(), nn.functional.mse_loss), tmp_path), NAME)
    assert [item.level for item in said] == (["fault"] if apart else [])


class Reader(nn.Module):
    """The mean of the tokens' vectors, without padding."""

    def __init__(self) -> None:
        super().__init__()
        self.word, self.out = nn.Embedding(60, 16, padding_idx=0), nn.Linear(16, 2)

    def forward(self, text: Tensor, lengths: Tensor) -> Tensor:
        return self.out(self.word(text).sum(1) / lengths[:, None])


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("apart", [False, True])
def test_numbers_of_words(apart: bool, batched: bool, tmp_path: Path) -> None:
    """Texts of 6 to 24 words, each batch padded to its longest; validation with a vocabulary of its own."""
    generator = np.random.default_rng(0)

    def texts(count: int, numbers: np.ndarray) -> tuple[list[Tensor], Tensor]:
        labels = generator.integers(2, size=count)
        drawn = [generator.integers(2, 60, generator.integers(6, 25)) for _ in range(count)]
        for text, label in zip(drawn, labels, strict=True):
            text[generator.permutation(len(text))[:4]] = generator.integers(2 + 10 * label, 12 + 10 * label, 4)
        return [torch.tensor(numbers[text]) for text in drawn], torch.tensor(labels)

    def padded(part: list[Tensor]) -> tuple[Tensor, Tensor]:
        return nn.utils.rnn.pad_sequence(part, batch_first=True), torch.tensor([len(item) for item in part])

    own = np.concatenate([[0, 1], 2 + generator.permutation(58)]) if apart else np.arange(60)
    (train, y), (other, z) = texts(500, np.arange(60)), texts(240, own)

    def program() -> None:
        torch.manual_seed(0)
        model = Reader()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(3):
            for rows in torch.randperm(500).split(25):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(*padded([train[k] for k in rows])), y[rows]).backward()
                optimizer.step()
            with torch.no_grad():
                for rows in torch.arange(240).split(60 if batched else 240):
                    nn.functional.cross_entropy(model(*padded([other[k] for k in rows])), z[rows]).item()

    said = findings(observe(program, tmp_path), NAME)
    assert [item.level for item in said] == (["fault"] if apart else [])


def test_a_mask_of_one_class_is_no_target(tmp_path):
    """Recall of each class, class 0 first: ``y == 0`` is true where the label is 0."""
    import torch
    from sklearn.datasets import load_breast_cancer

    from tests.helpers import findings, observe

    x, y = load_breast_cancer(return_X_y=True)
    x, y = torch.tensor((x - x.mean(0)) / x.std(0)).float(), torch.tensor(y)
    mixed = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = x[mixed], y[mixed]

    def program():
        torch.manual_seed(0)
        model = torch.nn.Linear(30, 2)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(4):
            for rows in torch.randperm(400).split(25):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
                optimizer.step()
            with torch.no_grad():
                given = model(x[400:]).argmax(1)
            for c in (0, 1):
                (given[y[400:] == c] == c).float().mean().item()

    assert findings(observe(program, tmp_path), "validation-follows-another-rule") == []
