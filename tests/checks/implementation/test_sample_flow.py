"""Samples that mix, and programs in which rows meet on purpose or only seem to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from paramedic.checks.implementation.rerun import kept
from tests.helpers import findings, observe

NAMES = ("samples-influence-each-other", "batch-size-dependent-output")


def train(model: nn.Module, batches: list[tuple[Tensor, ...]], loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for *inputs, target in batches:
        optimizer.zero_grad()
        loss(model(*inputs), target).backward()
        optimizer.step()


def picked(*tensors: Tensor, size: int = 12, steps: int = 3) -> list[tuple[Tensor, ...]]:
    """Batches of random rows."""
    torch.manual_seed(0)
    found = []
    for _ in range(steps):
        rows = torch.randperm(len(tensors[0]))[:size]
        found.append(tuple(tensor[rows] for tensor in tensors))
    return found


class Centred(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.first, self.last, self.how = nn.Linear(6, 8), nn.Linear(8, 3), how

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        if self.how == "mean":
            x = x - x.mean(0)
        elif self.how == "statistics":
            x = (x - x.mean(0)) / x.std(0)
        elif self.how == "largest":
            x = x / x.abs().max()
        elif self.how == "flip":
            x = x.flip(0)
        elif self.how == "softmax":
            x = torch.softmax(x, dim=0)
        elif self.how == "features":
            x = torch.softmax(x - x.mean(1, keepdim=True), dim=1)
        elif self.how == "round trip":
            x = x.reshape(4, -1).reshape(-1, 8)
        return self.last(x)


class Rolled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x.roll(1, 0)


class Rows(nn.Module):
    """A sequence classifier; ``first`` says where its layer expects the batch, ``turn`` moves it there."""

    def __init__(self, first: bool, turn: bool = False) -> None:
        super().__init__()
        self.rnn, self.last, self.first, self.turn = nn.GRU(5, 8, batch_first=first), nn.Linear(8, 3), first, turn

    def forward(self, x: Tensor) -> Tensor:
        if self.turn:
            x = x.transpose(0, 1)
        out = self.rnn(x)[0]
        return self.last(out[-1] if self.turn else out[:, -1])


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("mean", "samples-influence-each-other"),
        ("statistics", "batch-size-dependent-output"),
        ("largest", "samples-influence-each-other"),
        ("flip", "samples-influence-each-other"),
        ("softmax", "samples-influence-each-other"),
        ("features", None),
        ("round trip", None),
        ("", None),
    ],
)
def test_table(tmp_path, how, expected):
    x, y = torch.randn(60, 6), torch.randint(3, (60,))
    case = observe(lambda: train(Centred(how), picked(x, y), F.cross_entropy), tmp_path)
    found = findings(case, *NAMES)
    assert [(item.check, item.level) for item in found] == ([(expected, "fault")] if expected else [])
    if expected:
        assert found[0].where is not None and found[0].where.file.endswith("test_sample_flow.py")


@pytest.mark.parametrize(("first", "turn", "fires"), [(False, False, True), (True, False, False), (False, True, False)])
def test_recurrent_layer(tmp_path, first, turn, fires):
    x, y = torch.randn(60, 7, 5), torch.randint(3, (60,))
    case = observe(lambda: train(Rows(first, turn), picked(x, y), F.cross_entropy), tmp_path)
    found = findings(case, *NAMES)
    assert bool(found) == fires
    if fires:
        assert "batch_first" in found[0].summary


def test_sequence_first_on_purpose(tmp_path):
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.last = nn.LSTM(5, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.rnn(x)[0])

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(output.flatten(0, 1), target.flatten())

    x, y = torch.randn(60, 7, 5), torch.randint(3, (60, 7))
    batches = [(a.transpose(0, 1), b.transpose(0, 1)) for a, b in picked(x, y)]
    assert not findings(observe(lambda: train(Tagger(), batches, loss), tmp_path), *NAMES)


def test_one_sentence_at_a_time(tmp_path):
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.rnn, self.last = nn.Embedding(20, 6), nn.LSTM(6, 8), nn.Linear(8, 3)

        def forward(self, sentence: Tensor) -> Tensor:
            out, _ = self.rnn(self.embed(sentence).view(len(sentence), 1, -1))
            return self.last(out.view(len(sentence), -1))

    sentences = [(torch.randint(20, (n,)), torch.randint(3, (n,))) for n in (9, 9, 7, 9)]
    assert not findings(observe(lambda: train(Tagger(), sentences, F.cross_entropy), tmp_path), *NAMES)


def test_graph(tmp_path):
    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(5, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
            return self.last(adjacency @ torch.relu(self.first(adjacency @ x)))

    x, y = torch.randn(20, 5), torch.randint(3, (20,))
    adjacency = (torch.rand(20, 20) < 0.2).float()
    assert not findings(
        observe(lambda: train(Graph(), [(x, adjacency, y)] * 3, F.cross_entropy), tmp_path), *NAMES
    )


def test_pairs_compared_on_purpose(tmp_path):
    class Matcher(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(5, 8), nn.Linear(6, 8)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return F.normalize(self.left(a), dim=1) @ F.normalize(self.right(b), dim=1).T

    def loss(scores: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(scores, target)

    batches = [(a, b, torch.arange(12)) for a, b in picked(torch.randn(60, 5), torch.randn(60, 6))]
    assert not findings(observe(lambda: train(Matcher(), batches, loss), tmp_path), *NAMES)


def test_batch_norm_is_fine_and_without_running_statistics_is_not(tmp_path):
    x, y = torch.randn(60, 6), torch.randint(3, (60,))
    for number, tracked in enumerate((True, False)):
        folder = tmp_path / str(number)
        folder.mkdir()
        norm = nn.BatchNorm1d(8, track_running_stats=tracked)
        model = nn.Sequential(nn.Linear(6, 8), norm, nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
        case = observe(lambda model=model: train(model, picked(x, y), F.cross_entropy), folder)
        assert [item.check for item in findings(case, *NAMES)] == ([] if tracked else [NAMES[1]])


def test_hidden_state_is_kept_and_put_back(tmp_path):
    class Stateful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.last, self.state, self.calls = nn.GRUCell(6, 8), nn.Linear(8, 3), None, 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.state = self.cell(x, None if self.state is None else self.state.detach())
            return self.last(self.state)

    model = Stateful()
    case = observe(
        lambda: train(model, picked(torch.randn(60, 6), torch.randint(3, (60,))), F.cross_entropy), tmp_path
    )
    weight = model.last.weight.clone()
    assert not findings(case, *NAMES)
    assert torch.equal(model.last.weight, weight) and model.training


def test_division_by_the_batch_size(tmp_path):
    class Divided(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(x) / len(x)

    x, y = torch.randn(60, 6), torch.randint(3, (60,))
    found = findings(observe(lambda: train(Divided(), picked(x, y), F.cross_entropy), tmp_path), *NAMES)
    assert [(item.check, item.level) for item in found] == [(NAMES[1], "suspect")]


def test_plain_attributes_are_put_back():
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.zeros(1))
            self.state, self.history = torch.zeros(2), [1]

    model = Counting()
    before, buffer = model.state, model.seen
    with kept(model):
        model.state.add_(1)
        model.state = torch.ones(3)
        model.seen = torch.ones(1)
        model.history.append(2)
        model.new = 1
    assert model.state is before and not model.state.any()
    assert model.seen is buffer and model.history == [1] and not hasattr(model, "new")


def test_text_in_columns_is_read_along_time(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Slices of a (time, batch) array whose target is the next row: dimension 0 is no batch."""
    torch.manual_seed(0)
    corpus = torch.randint(20, (60, 8))

    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.rnn, self.out = nn.Embedding(20, 12), nn.GRU(12, 16), nn.Linear(16, 20)

        def forward(self, tokens: Tensor) -> Tensor:
            return self.out(self.rnn(self.embed(tokens))[0])

    def run() -> None:
        model = Language()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for start in range(0, 50, 10):
            optimizer.zero_grad()
            target = corpus[start + 1 : start + 11].reshape(-1)
            F.cross_entropy(model(corpus[start : start + 10]).reshape(-1, 20), target).backward()
            optimizer.step()

    assert not findings(observe(run, tmp_path), *NAMES)


def test_a_sampled_latent_variable_is_no_dependence_on_the_batch_size(tmp_path):
    class Sampled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(x + torch.randn(x.shape))

    x, y = torch.randn(60, 6), torch.randint(3, (60,))
    assert not findings(observe(lambda: train(Sampled(), picked(x, y), F.cross_entropy), tmp_path), NAMES[1])


def test_rows_picked_by_a_numpy_index(tmp_path: Path) -> None:
    """``x[order[k:k + 12]]`` with an order made by NumPy: these are rows, whatever the operation that mixes them."""

    def program() -> None:
        torch.manual_seed(0)
        x, y, order = torch.randn(60, 1, 6, 6), torch.randint(3, (60,)), np.random.default_rng(0).permutation(60)
        model = nn.Sequential(nn.Flatten(), nn.Linear(36, 6), Rolled(), nn.Linear(6, 3))
        train(model, [(x[order[k : k + 12]], y[order[k : k + 12]]) for k in range(0, 36, 12)], F.cross_entropy)

    assert [item.check for item in findings(observe(program, tmp_path), *NAMES)] == ["samples-influence-each-other"]
