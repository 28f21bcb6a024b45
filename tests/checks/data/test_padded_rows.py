"""Rows of different lengths that a collate function pads: their targets, and what a metric counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

from tests.helpers import findings, observe


class Walks(Dataset[Any]):
    """Sequences of two numbers per step; the label says which way they go."""

    def __init__(self, size: int, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.items = []
        for _ in range(size):
            label, length = (int(torch.randint(n, (), generator=generator)) for n in (2, 8))
            steps = torch.randn(length + 4, 2, generator=generator) + (2 * label - 1)
            self.items.append((steps, label))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.items[index]


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.GRU(2, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, steps: Tensor) -> Tensor:
        return self.out(self.rnn(steps)[1][-1])


def collate(batch: list[tuple[Tensor, int]], both: bool) -> tuple[Tensor, Tensor]:
    ordered = sorted(batch, key=lambda item: -len(item[0]))
    return pad_sequence([item[0] for item in ordered], batch_first=True), torch.tensor(
        [item[1] for item in (ordered if both else batch)]
    )


@pytest.mark.parametrize("both", [False, True])
def test_sorting_by_length_takes_the_labels_along(both: bool, tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        loader = DataLoader(Walks(200), 20, shuffle=True, collate_fn=lambda batch: collate(batch, both))
        model = Reader()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(2):
            for steps, labels in loader:
                loss = nn.functional.cross_entropy(model(steps), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    found = findings(observe(program, tmp_path), "labels-mispaired")
    assert [item.level for item in found] == ([] if both else ["fault"])


def tags(masked: bool, mean: bool) -> None:
    """Every token's tag is its own parity; the sequences are padded with a tag that the loss ignores."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(12, 8), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
    tokens = torch.randint(1, 12, (64, 10))
    padding = torch.arange(10)[None] >= torch.randint(3, 11, (64, 1))
    tokens[padding] = 0
    wanted = (tokens % 2).masked_fill(padding, -100)
    for _ in range(3):
        model.train()
        for rows in torch.randperm(64).split(16):
            loss = nn.functional.cross_entropy(model(tokens[rows]).transpose(1, 2), wanted[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        right = total = 0
        with torch.no_grad():
            for rows in torch.arange(64).split(16):
                guess, target = model(tokens[rows]).argmax(-1), wanted[rows]
                if masked:
                    keep = target.ge(0)
                    right += (guess[keep] == target[keep]).sum().item()
                    total += keep.sum().item()
                elif mean:
                    right += (guess == target).float().mean().item()
                    total += 1
                else:
                    right += (guess == target).sum().item()
                    total += target.numel()
        print(right / total)


@pytest.mark.parametrize(("masked", "mean"), [(True, False), (False, False), (False, True)])
def test_padding_that_the_loss_ignores_is_no_error_of_the_network(masked: bool, mean: bool, tmp_path: Path) -> None:
    found = findings(observe(lambda: tags(masked, mean), tmp_path), "metric-divided-by-wrong-count")
    assert [item.level for item in found] == ([] if masked else ["fault"])
    if found:
        assert found[0].where is not None and found[0].where.function == "tags" and "-100" in found[0].summary


class Phrases(Dataset[Any]):
    """Word numbers of different lengths, as lists; a few phrases twice."""

    def __init__(self, size: int, twice: int) -> None:
        generator = torch.Generator().manual_seed(5)
        lengths = torch.randint(3, 12, (size,), generator=generator).tolist()
        self.items = [torch.randint(1, 40, (length,), generator=generator).tolist() for length in lengths]
        self.items[-twice:] = self.items[:twice]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> list[int]:
        return self.items[index]


def as_wide_as_the_longest(batch: list[list[int]]) -> tuple[Tensor, Tensor]:
    width = 1 + max(map(len, batch))
    if len(batch) != 20:
        raise ValueError("batches of 20 only")
    words = torch.tensor([item + [0] * (width - len(item)) for item in batch])
    return words, torch.tensor([int(item[0] > 20) for item in batch])


@pytest.mark.parametrize("part", [1.0, 0.7])
def test_phrases_that_occur_twice_are_no_rows_that_never_came(part: float, tmp_path: Path) -> None:
    """part: of the rows, that the sampler gives: then there are none that come twice, and most of the others never come."""

    def program() -> None:
        torch.manual_seed(0)
        data = Phrases(600, 40 if part == 1.0 else 1)
        rows = range(int(part * len(data)))
        loader = DataLoader(data, 20, sampler=list(rows), collate_fn=as_wide_as_the_longest)
        model = nn.EmbeddingBag(42, 2)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(3):
            for words, labels in loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(words), labels).backward()
                optimizer.step()

    found = findings(observe(program, tmp_path), "incomplete-epoch")
    assert [item.level for item in found] == ([] if part == 1.0 else ["fault"])
