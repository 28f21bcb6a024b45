"""A language model that is trained to repeat its input, and models that rightly reproduce theirs."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.checks.implementation.test_causal_leak import (
    LETTERS,
    Attention,
    Recurrent,
    copying,
    next_token,
    shift_in_loss,
    steps,
    tagging,
)
from tests.helpers import findings, observe

NAME = "target-not-shifted"


class Pointwise(nn.Module):
    """Looks at one token at a time: an embedding that is trained to be invertible."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = nn.Embedding(LETTERS, 4), nn.Linear(4, LETTERS)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.embed(x))


class Forced(nn.Module):
    """A decoder that begins with a token of its own and is fed the target: each step sees what came before."""

    def __init__(self, behind: int) -> None:
        super().__init__()
        self.embed, self.cell, self.out = nn.Embedding(LETTERS, 8), nn.GRUCell(8, 12), nn.Linear(12, LETTERS)
        self.behind = behind

    def forward(self, x: Tensor) -> Tensor:
        fed = torch.cat([torch.zeros_like(x[:, : self.behind]), x], 1)
        state, logits = torch.zeros(len(x), 12), []
        for t in range(x.shape[1]):
            state = self.cell(self.embed(fed[:, t]), state)
            logits.append(self.out(state))
        return torch.stack(logits, 1)


def copying_by_hand(model: nn.Module) -> Tensor:
    tokens = torch.randint(LETTERS, (10, 14))
    return -model(tokens).log_softmax(-1).gather(2, tokens.unsqueeze(2)).mean()


def flattened(model: nn.Module) -> Tensor:
    tokens = torch.randint(LETTERS, (10, 14))
    return F.cross_entropy(model(tokens).view(-1, LETTERS), tokens.view(-1))


def unmasking(model: nn.Module) -> Tensor:
    tokens = torch.randint(1, LETTERS, (10, 14))
    hidden = torch.rand(tokens.shape) < 0.3
    targets = torch.where(hidden, tokens, -100)
    return F.cross_entropy(model(tokens.masked_fill(hidden, 0)).transpose(1, 2), targets)


@pytest.mark.parametrize(
    ("model", "loss", "fires"),
    [
        (lambda: Attention(True), copying, True),
        (lambda: Recurrent(False), copying_by_hand, True),
        (lambda: Recurrent(False), flattened, True),
        (lambda: Attention(False), copying, False),
        (lambda: Recurrent(True), flattened, False),
        (Pointwise, copying, False),
        (lambda: Attention(True), next_token, False),
        (lambda: Attention(True), shift_in_loss, False),
        (lambda: Recurrent(False), tagging, False),
        (lambda: Recurrent(False), unmasking, False),
        (lambda: Forced(0), flattened, True),
        (lambda: Forced(1), flattened, False),
    ],
)
def test_tokens(tmp_path, model, loss, fires):
    found = findings(observe(lambda: steps(model(), loss), tmp_path), NAME)
    assert [item.level for item in found] == (["fault"] if fires else [])
