"""Predictions of the future that see it, and sequence models that may look ahead."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from paramedic.measurements.shifted import shifted
from tests.helpers import findings, observe

NAME = "causal-leak"
LETTERS = 12


class Attention(nn.Module):
    def __init__(self, masked: bool, width: int = 16) -> None:
        super().__init__()
        self.embed, self.qkv, self.out = nn.Embedding(LETTERS, width), nn.Linear(width, 3 * width), nn.Linear(width, 12)
        self.masked = masked

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x)
        q, k, v = self.qkv(h).chunk(3, -1)
        scores = q @ k.transpose(1, 2) / 4
        if self.masked:
            ahead = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(ahead, float("-inf"))
        return self.out(h + torch.softmax(scores, -1) @ v)


class Recurrent(nn.Module):
    def __init__(self, both: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(LETTERS, 8)
        self.rnn = nn.GRU(8, 8, batch_first=True, bidirectional=both)
        self.out = nn.Linear(16 if both else 8, LETTERS)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(self.embed(x))[0])


def steps(model: nn.Module, loss) -> None:
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()


def next_token(model: nn.Module) -> Tensor:
    chunk = torch.randint(LETTERS, (10, 15))
    return F.cross_entropy(model(chunk[:, :-1]).transpose(1, 2), chunk[:, 1:])


def shift_in_loss(model: nn.Module) -> Tensor:
    chunk = torch.randint(LETTERS, (10, 15))
    return F.cross_entropy(model(chunk)[:, :-1].reshape(-1, LETTERS), chunk[:, 1:].reshape(-1))


def by_hand(model: nn.Module) -> Tensor:
    chunk = torch.randint(LETTERS, (10, 15))
    scores = model(chunk[:, :-1]).log_softmax(-1)
    return -scores.gather(2, chunk[:, 1:].unsqueeze(2)).mean()


def tagging(model: nn.Module) -> Tensor:
    tokens = torch.randint(LETTERS, (10, 14))
    return F.cross_entropy(model(tokens).transpose(1, 2), (tokens + tokens.roll(1, 1)) % LETTERS)


def copying(model: nn.Module) -> Tensor:
    tokens = torch.randint(LETTERS, (10, 14))
    return F.cross_entropy(model(tokens).transpose(1, 2), tokens)


@pytest.mark.parametrize(
    ("model", "loss", "fires"),
    [
        (lambda: Attention(False), next_token, True),
        (lambda: Attention(False), shift_in_loss, True),
        (lambda: Attention(False), by_hand, True),
        (lambda: Attention(True), next_token, False),
        (lambda: Attention(True), shift_in_loss, False),
        (lambda: Recurrent(True), next_token, True),
        (lambda: Recurrent(False), next_token, False),
        (lambda: Recurrent(True), tagging, False),
        (lambda: Recurrent(True), copying, False),
        (lambda: Attention(False), copying, False),
    ],
)
def test_tokens(tmp_path, model, loss, fires):
    found = findings(observe(lambda: steps(model(), loss), tmp_path), NAME)
    assert [item.level for item in found] == (["fault"] if fires else [])


@pytest.mark.parametrize(("padding", "fires"), [((2, 0), False), ((1, 1), True)])
def test_convolution_over_values(tmp_path, padding, fires):
    class Convolution(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.out = nn.Conv1d(2, 8, 3), nn.Conv1d(8, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(torch.relu(self.conv(F.pad(x, padding))))

    def loss(model: nn.Module) -> Tensor:
        series = torch.randn(6, 2, 21).cumsum(2)
        return F.mse_loss(model(series[:, :, :-1]), series[:, :, 1:])

    found = findings(observe(lambda: steps(Convolution(), loss), tmp_path), NAME)
    assert bool(found) == fires


def test_code_of_the_whole_sequence(tmp_path):
    class Autoencoder(nn.Module):
        """The decoder is given what came before, and a code of the whole sentence."""

        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(LETTERS, 8)
            self.encoder, self.decoder = nn.GRU(8, 9, batch_first=True), nn.GRU(8, 9, batch_first=True)
            self.code, self.out = nn.Linear(9, 9), nn.Linear(9, LETTERS)

        def forward(self, x: Tensor) -> Tensor:
            code = torch.tanh(self.code(self.encoder(self.embed(x))[1]))
            return self.out(self.decoder(self.embed(x[:, :-1]), code)[0])

    def loss(model: nn.Module) -> Tensor:
        tokens = torch.randint(LETTERS, (10, 15))
        return F.cross_entropy(model(tokens).transpose(1, 2), tokens[:, 1:])

    assert not findings(observe(lambda: steps(Autoencoder(), loss), tmp_path), NAME)


def test_shifted_target():
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(9, (5, 20), generator=generator)
    found = shifted(tokens[:, :-1], tokens[:, 1:].flatten())
    assert found is not None and found.ahead == 1 and found.length == 19
    series = torch.randn(5, 20, 3, generator=generator)
    found = shifted(series[:, :-3], series[:, 3:, 1])
    assert found is not None and found.ahead == 3
    hot = F.one_hot(tokens, 9).float()
    assert shifted(hot[:, :-1], tokens[:, 1:]) is not None
    assert shifted(tokens.T[:-1], tokens.T[1:]) is not None
    assert shifted(tokens, tokens) is None
    assert shifted(tokens[:, 1:], tokens[:, :-1]) is None
    periodic = tokens[:, :4].repeat(1, 5)
    assert shifted(periodic, periodic) is None
    assert shifted(tokens, torch.randint(9, (5, 20), generator=generator)) is None
