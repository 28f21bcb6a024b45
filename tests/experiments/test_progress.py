"""How far training got, measured on batches whose losses are not made of the same number of outputs."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from paramedic.experiments.counterfactual import assess
from paramedic.experiments.progress import main_tapes, scale_of, tail_of, train_probes
from tests.helpers import observe

LETTERS = 5


class Decoder(nn.Module):
    """Its last layer is called once for each element of the sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(LETTERS, 8)
        self.cell = nn.GRUCell(8, 16)
        self.out = nn.Linear(16, LETTERS)

    def forward(self, letters: torch.Tensor) -> torch.Tensor:
        state, found = torch.zeros(len(letters), 16), []
        for t in range(letters.shape[1]):
            state = self.cell(self.embedding(letters[:, t]), state)
            found.append(self.out(state))
        return torch.stack(found, 1)


def program() -> None:
    torch.manual_seed(0)
    model = Decoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for step in range(60):
        letters = torch.randint(LETTERS, (12, 3 + step * step % 5 % 4))
        loss = functional.cross_entropy(model(letters).flatten(0, 1), letters.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_sequences_of_several_lengths_have_one_constant_for_the_layer(tmp_path: Path) -> None:
    case = observe(program, tmp_path, budget=10)
    lab = case.lab
    probes = train_probes(lab, 4, tapes=main_tapes(lab))
    with lab.at("initial"):
        assert len({len(tail_of(lab, probe).outputs) for probe in probes}) > 1
    scale = scale_of(lab, probes)
    assert scale is not None
    labels = torch.cat([probe.tape.leaves[next(iter(probe.tape.constants()))].value.flatten() for probe in probes])
    entropy = float(torch.distributions.Categorical(labels.bincount().float()).entropy())
    assert scale.minimum < 0.01 and abs(scale.constant - entropy) < 0.02
    assert assess(case).ended.train < 0.2
