"""The terms of a loss are found wherever they are computed; one that drowns another is proven; balance is silent."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from paramedic.experiments.counterfactual import diagnosis
from paramedic.experiments.loss_components import breakdown, decades, gradients
from paramedic.experiments.progress import Probe
from tests.helpers import findings, observe

NAME = "loss-components-out-of-balance"


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
        self.label, self.value = nn.Linear(16, 3), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.trunk(x)
        return self.label(h), self.value(h)


Loss = Callable[[tuple[Tensor, Tensor], Tensor, Tensor, nn.Module], Tensor]


def train(loss_of: Loss, steps: int = 60, rate: float = 0.1) -> TwoHeads:
    torch.manual_seed(0)
    labels = torch.arange(240) % 3
    inputs = torch.randn(3, 6)[labels] + 0.4 * torch.randn(240, 6)
    values = torch.randn(240, 2) + inputs[:, :2]
    model = TwoHeads()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for step in range(steps):
        rows = torch.arange(48) + 48 * (step % 5)
        loss = loss_of(model(inputs[rows]), labels[rows], values[rows], model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def weighted(label: float, value: float) -> Loss:
    def loss(outputs: tuple[Tensor, Tensor], labels: Tensor, values: Tensor, model: nn.Module) -> Tensor:
        total = label * functional.cross_entropy(outputs[0], labels)
        total += value * functional.mse_loss(outputs[1], values)
        return total

    return loss


def stacked(outputs: tuple[Tensor, Tensor], labels: Tensor, values: Tensor, model: nn.Module) -> Tensor:
    parts = [functional.cross_entropy(outputs[0], labels, label_smoothing=0.1), (outputs[1] - values).abs().mean()]
    return (torch.tensor([2.0, 0.5]) * torch.stack(parts)).sum()


def by_row(outputs: tuple[Tensor, Tensor], labels: Tensor, values: Tensor, model: nn.Module) -> Tensor:
    names = functional.cross_entropy(outputs[0], labels, reduction="none")
    return (names + 0.1 * (outputs[1] - values).square().sum(dim=1)).mean()


def divergence(outputs: tuple[Tensor, Tensor], labels: Tensor, values: Tensor, model: nn.Module) -> Tensor:
    """A Kullback-Leibler term in three sums, two of which have no floor: it stays one term."""
    mu, log_var = outputs[1][:, 0], outputs[1][:, 1]
    kl = -0.5 * (log_var.sum() - mu.square().sum() - log_var.exp().sum())
    return functional.cross_entropy(outputs[0], labels) + 0.01 * kl


def penalized(outputs: tuple[Tensor, Tensor], labels: Tensor, values: Tensor, model: nn.Module) -> Tensor:
    penalty = sum(p.square().sum() for p in model.parameters())
    return weighted(1.0, 1.0)(outputs, labels, values, model) + 1e-3 * penalty


def by_hand(outputs: tuple[Tensor, Tensor], labels: Tensor, values: Tensor, model: nn.Module) -> Tensor:
    """Binary cross-entropy by hand: the two halves of each element are no terms."""
    p, y = outputs[1].sigmoid(), (values > 0).float()
    return -(y * p.log() + (1 - y) * (1 - p).log()).mean()


TERMS = {
    "in place": (weighted(1.0, 1.0), ["cross_entropy", "mse_loss"]),
    "stacked": (stacked, ["cross_entropy", "mean"]),
    "by row": (by_row, ["cross_entropy", "sum"]),
    "divergence": (divergence, ["cross_entropy", "sub"]),
    "penalized": (penalized, ["cross_entropy", "mse_loss", "penalty"]),
    "by hand": (by_hand, []),
}


@pytest.mark.parametrize("name", TERMS)
def test_the_terms_are_found(name: str, tmp_path: Path) -> None:
    loss, expected = TERMS[name]
    lab = observe(lambda: train(loss, steps=3), tmp_path, budget=20).lab
    with lab.at("initial"):
        found = breakdown(lab, Probe(lab.main_backward.tape))
    names = [] if found is None else [
        "penalty" if item.penalty else item.operation.name.strip("_") for item in found.components
    ]
    assert sorted(names) == sorted(expected)
    if found is not None:
        assert math.isclose(sum(item.share for item in found.components), float(found.log.root), rel_tol=1e-4)


def test_a_terms_gradient_is_that_of_the_term_alone(tmp_path: Path) -> None:
    models: list[TwoHeads] = []
    lab = observe(lambda: models.append(train(by_row, steps=3)), tmp_path, budget=20).lab
    shared = list(models[0].trunk.parameters())
    with lab.at("initial"):
        found = breakdown(lab, Probe(lab.main_backward.tape))
        assert found is not None
        grads = gradients(found, shared)
        for item, grad in zip(found.components, grads, strict=True):
            assert item.operation is not None and item.factor is not None
            term = (item.factor * item.operation.outputs[0]).sum()
            alone = torch.autograd.grad(term, shared, retain_graph=True)
            assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-7) for a, b in zip(alone, grad, strict=True))
    assert decades(grads[0], grads[1]) == pytest.approx(-decades(grads[1], grads[0]))


@pytest.mark.parametrize("weights", [(1.0, 3000.0), (1e-5, 1.0)], ids=["large", "small"])
def test_the_drowned_term_is_named(weights: tuple[float, float], tmp_path: Path) -> None:
    rate = 0.1 / max(weights)
    case = observe(lambda: train(weighted(*weights), steps=120, rate=rate), tmp_path, budget=60)
    found = findings(case, NAME)
    assert [item.check for item in found] == [NAME] and found[0].level == "fault"
    assert found[0].where is not None and found[0].where.file.endswith(Path(__file__).name)
    proof = found[0].proof
    assert proof is not None and proof.seeds == 3 and proof.after < proof.before - 0.3 and proof.interval[1] < 0


@pytest.mark.parametrize("loss", [weighted(1.0, 1.0), weighted(0.1, 1.0), penalized, divergence])
def test_terms_that_are_learned_are_silent(loss: Loss, tmp_path: Path) -> None:
    assert findings(observe(lambda: train(loss, steps=120), tmp_path, budget=60), NAME) == []


def test_a_rate_that_is_too_high_is_not_blamed_on_the_weights(tmp_path: Path) -> None:
    case = observe(lambda: train(weighted(1.0, 40.0), steps=60, rate=30.0), tmp_path, budget=60)
    assert findings(case, NAME) == []


def test_balanced_weights_mend_it_for_what_else_is_wrong(tmp_path: Path) -> None:
    case = observe(lambda: train(weighted(1e-4, 1.0)), tmp_path, budget=20.0)
    case.findings = findings(case, NAME)
    assert [item.check for item in case.findings] == [NAME]
    found = diagnosis(case)
    assert [(fact.finding.check, type(fact.remedy).__name__) for fact in found.facts] == [(NAME, "Reweighted")]
    assert found.not_tried is None and not found.causes
