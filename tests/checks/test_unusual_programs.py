"""Sound programs of unusual kinds, of which checks said something wrong, and faulty ones that look like them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from paramedic.diagnosis.examine import examine
from tests.helpers import findings, observe


class SetModel(nn.Module):
    """One answer for all rows of a bag; ``forget``: whatever they are."""

    def __init__(self, forget: bool = False) -> None:
        super().__init__()
        self.each, self.rest, self.forget = nn.Linear(4, 8), nn.Linear(8, 1), forget

    def forward(self, bag: Tensor) -> Tensor:
        bag = torch.ones_like(bag) if self.forget else bag
        return self.rest(torch.relu(self.each(bag)).mean(0))


class Attention(nn.Module):
    """One answer for a bag, and beside it how much each row counts."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh, self.rest = nn.Linear(4, 1), nn.Linear(4, 1)

    def forward(self, bag: Tensor) -> tuple[Tensor, Tensor]:
        weights = self.weigh(bag).softmax(0)
        return self.rest((weights * bag).sum(0)).squeeze(), weights.squeeze(1)


def test_weights_that_are_returned_for_looking_at(tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = Attention()
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(6):
            bag = torch.randn(9, 4)
            loss = nn.functional.binary_cross_entropy_with_logits(model(bag)[0], (bag.mean() > 0).float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert not findings(observe(program, tmp_path), "samples-influence-each-other")


@pytest.mark.parametrize(("forget", "found"), [(False, []), (True, ["input-ignored"])])
def test_the_order_of_a_set_does_not_matter(forget: bool, found: list[str], tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = SetModel(forget)
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(6):
            bag = torch.randn(12, 4)
            loss = nn.functional.binary_cross_entropy_with_logits(model(bag), (bag.mean() > 0).float().reshape(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert [item.check for item in findings(observe(program, tmp_path), "input-ignored")] == found


def partial_likelihood(log_hazard: Tensor, times: Tensor, events: Tensor) -> Tensor:
    order = times.argsort(descending=True)
    log_hazard, events = log_hazard[order], events[order]
    return -(log_hazard - log_hazard.logcumsumexp(0))[events].mean()


def test_a_loss_over_the_order_of_a_large_batch_has_no_targets_of_its_own(tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
        for _ in range(4):
            x = torch.randn(3000, 5)
            loss = partial_likelihood(net(x).squeeze(1), torch.rand(3000) * (-x[:, 0]).exp(), torch.rand(3000) < 0.6)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert not findings(observe(program, tmp_path), "custom-loss-wrong-minimum")


def test_a_state_that_is_integrated_from_the_input(tmp_path: Path) -> None:
    """The outputs are increments of the state, and what is compared with the target is their sum."""

    def program() -> None:
        torch.manual_seed(0)
        field = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
        optimizer = torch.optim.Adam(field.parameters(), lr=1e-2)
        for _ in range(4):
            angle = 6 * torch.rand(32, 1)
            path = torch.stack([(angle + 0.3 * k).sin() for k in range(4)], 1) * torch.tensor([1.0, 2.0])
            state, states = path[:, 0], []
            for _ in range(3):
                state = state + 0.3 * field(state)
                states.append(state)
            loss = (torch.stack(states, 1) - path[:, 1:]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert not findings(observe(program, tmp_path), "custom-loss-wrong-minimum")


class TwoSteps(torch.optim.Optimizer):
    """Climbs, takes the gradient there, and goes back; erases gradients itself."""

    def __init__(self, parameters: list[Tensor]) -> None:
        super().__init__(parameters, {"lr": 0.05})
        self.base = torch.optim.SGD(self.param_groups, lr=0.05)

    @torch.no_grad()
    def climb(self) -> None:
        for p in self.param_groups[0]["params"]:
            self.state[p]["offset"] = 0.05 * p.grad / (p.grad.norm() + 1e-12)
            p.add_(self.state[p]["offset"])
        self.zero_grad()

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        for p in self.param_groups[0]["params"]:
            p.sub_(self.state[p].pop("offset"))
        self.base.step()
        self.zero_grad()


def test_an_optimizer_may_erase_gradients_in_its_own_step(tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = nn.Linear(6, 1)
        optimizer = TwoSteps(list(model.parameters()))
        for _ in range(8):
            x = torch.randn(16, 6)
            y = x[:, :1] * 2
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.climb()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()

    assert not findings(observe(program, tmp_path), "zero-grad-between-backward-and-step")


@pytest.mark.parametrize(("by_class", "found"), [(True, []), (False, ["incomplete-epoch"])])
def test_rows_of_one_class_after_the_other_are_no_short_range(by_class: bool, found: list[str], tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        x, y = torch.randn(1000, 6), torch.randint(10, (1000,))
        model = nn.Linear(6, 10)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        rows = (y < 1).nonzero().squeeze(1) if by_class else torch.arange(100)
        for _ in range(8):
            for part in rows[torch.randperm(len(rows))].split(12):
                loss = nn.functional.cross_entropy(model(x[part]), y[part])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    assert [item.check for item in findings(observe(program, tmp_path), "incomplete-epoch")] == found


@pytest.mark.parametrize(("stream", "found"), [(True, []), (False, ["same-batch-repeated"])])
def test_a_part_of_a_step_may_be_the_same_again(stream: bool, found: list[str], tmp_path: Path) -> None:
    """Few rows with labels, all of them in every step, beside others of which there are many."""

    def program() -> None:
        torch.manual_seed(0)
        labelled, others = torch.randn(400, 6), torch.randn(600, 6)
        y = torch.randint(3, (400,))
        model = nn.Linear(6, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(8):
            rows = torch.arange(0, 400, 25)
            loss = nn.functional.cross_entropy(model(labelled[rows]), y[rows])
            if stream:
                loss = loss + model(others[torch.randint(600, (32,))]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert [item.check for item in findings(observe(program, tmp_path), "same-batch-repeated")] == found


def hardest(embedding: Tensor, labels: Tensor) -> Tensor:
    distances = torch.cdist(embedding, embedding)
    same = labels[:, None] == labels[None]
    far = (distances * same).max(1).values
    near = (distances + distances.max() * same).min(1).values
    return nn.functional.softplus(far - near).mean()


@pytest.mark.parametrize("mixed", [True, False])
def test_pairs_of_one_class_alone(mixed: bool, tmp_path: Path) -> None:
    """The batch is at fault where it leaves a loss over pairs without a gradient, and not the loss."""

    def program() -> None:
        torch.manual_seed(0)
        x, y = torch.randn(320, 6), torch.arange(320) // 80
        order = torch.randperm(320) if mixed else torch.cat([torch.arange(80, 320), torch.randperm(80)])
        loader = DataLoader(TensorDataset(x[order], y[order]), batch_size=30)
        model = nn.Linear(6, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            for images, labels in loader:
                loss = hardest(model(images), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    found = findings(observe(program, tmp_path), "single-label-batches", "loss-without-gradient")
    assert [(item.reason, item.level) for item in found] == ([] if mixed else [("R10", "fault")])


@pytest.mark.parametrize(("dim", "found"), [(1, []), (None, ["argmax-over-wrong-dimension"])])
def test_one_argmax_for_all_samples_of_a_square_table(dim: int | None, found: list[str], tmp_path: Path) -> None:
    """As many samples as classes: pictures and captions of one batch."""

    def program() -> None:
        torch.manual_seed(0)
        one, other = nn.Linear(6, 4), nn.Linear(6, 4)
        optimizer = torch.optim.SGD([*one.parameters(), *other.parameters()], lr=0.1)
        for _ in range(3):
            for grad in (True, False):
                with torch.set_grad_enabled(grad):
                    x = torch.randn(16, 6)
                    logits, wanted = one(x) @ other(x).t(), torch.arange(16)
                    hits = (torch.argmax(logits) if dim is None else torch.argmax(logits, dim)) == wanted
                    assert hits.sum() >= 0
                    if grad:
                        optimizer.zero_grad()
                        nn.functional.cross_entropy(logits, wanted).backward()
                        optimizer.step()
            for module in (one, other):
                module.eval()

    names = {item.check for item in findings(observe(program, tmp_path), "argmax-over-wrong-dimension")}
    assert names == set(found)


@pytest.mark.parametrize(("sign", "found"), [(1, []), (-1, ["penalty-with-wrong-sign"])])
def test_a_penalty_on_weights_that_begin_at_zero(sign: int, found: list[str], tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        weight, bias = torch.zeros(8, requires_grad=True), torch.zeros((), requires_grad=True)
        optimizer = torch.optim.SGD([weight, bias], lr=0.1)
        for _ in range(12):
            x = torch.randn(40, 8)
            loss = nn.functional.binary_cross_entropy_with_logits(x @ weight + bias, (x[:, 0] > 0).float())
            loss = loss + sign * 0.02 * (0.1 * weight.abs().sum() + 0.5 * weight.square().sum())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert math.isfinite(loss.item())

    names = [item.check for item in findings(observe(program, tmp_path), "penalty-with-wrong-sign")]
    assert names == found


def test_of_two_encoders_each_has_inputs_of_its_own(tmp_path: Path) -> None:
    """Rows of one microphone in training are compared with rows of the same one in validation."""

    def program() -> None:
        torch.manual_seed(0)
        near, far = nn.Linear(8, 4), nn.Linear(8, 4)
        optimizer = torch.optim.Adam([*near.parameters(), *far.parameters()])
        x = torch.randn(500, 8)
        for step in range(40):
            rows = torch.randint(400, (32,))
            loss = nn.functional.cross_entropy(near(x[rows]) @ far(0.2 * x[rows]).t(), torch.arange(32))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 9:
                with torch.no_grad():
                    (near(x[400:]) @ far(0.2 * x[400:]).t()).argmax(1)

    assert not findings(observe(program, tmp_path), "train-validation-recipe-mismatch")


def test_a_kernel_that_is_none_for_other_outputs(tmp_path: Path) -> None:
    """A Gaussian process: for free outputs its covariance has no Cholesky factor, which is no error of a check's."""
    torch.manual_seed(0)
    x = torch.rand(40, 1)
    y = torch.sin(6 * x[:, 0])

    def program() -> None:
        scale = nn.Linear(1, 1)
        optimizer = torch.optim.Adam(scale.parameters(), lr=1e-2)
        for _ in range(6):
            squared = (scale(x) - scale(x).T).square()
            factor = torch.linalg.cholesky(torch.exp(-squared) + 0.1 * torch.eye(40))
            loss = torch.cholesky_solve(y[:, None], factor).T @ y[:, None] + 2 * factor.diagonal().log().sum()
            optimizer.zero_grad()
            loss.squeeze().backward()
            optimizer.step()

    _, _, errors = examine(observe(program, tmp_path, budget=5.0))
    assert errors == {}
