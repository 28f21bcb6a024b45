"""Networks that are trained in turn by different losses: a generator and its judge, and losses that stand by themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.checks.data.samples import batches
from paramedic.experiments.counterfactual import assess, diagnosis_of_any
from paramedic.experiments.in_turn import FAILING
from paramedic.experiments.interventions import LearningRate
from paramedic.experiments.lab import Lab, rounds_of, step_order
from paramedic.measurements.contest import contest_of
from paramedic.measurements.energy_distance import distance_of_a_constant, energy_distance
from tests.helpers import findings, observe

RATES = ("learning-rate-too-high", "learning-rate-too-low", "badly-scaled-initialization")
BCE = nn.functional.binary_cross_entropy_with_logits


def mlp(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, outputs))


def real_rows() -> Tensor:
    generator = torch.Generator().manual_seed(3)
    mixing = torch.randn(3, 6, generator=generator)
    return torch.randn(512, 3, generator=generator).tanh() @ mixing


def gan(
    g_rate: float = 2e-3, d_rate: float = 2e-3, rounds: int = 300, scale: float = 1.0, apart: bool = False, critic: bool = False
) -> None:
    """apart: the judge's losses on real and on generated rows are differentiated one after the other."""
    torch.manual_seed(0)
    rows = real_rows()
    generator, judge = mlp(4, 6), mlp(6, 1)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(scale)
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=g_rate, betas=(0.5, 0.9))
    d_optimizer = torch.optim.Adam(judge.parameters(), lr=d_rate, betas=(0.5, 0.9))
    ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
    for _ in range(rounds):
        real = rows[torch.randint(len(rows), (64,))]
        made = generator(torch.randn(64, 4))
        d_optimizer.zero_grad()
        if critic:
            (judge(made.detach()).mean() - judge(real).mean() + judge(real).square().mean()).backward()
        elif apart:
            BCE(judge(real), ones).backward()
            BCE(judge(made.detach()), zeros).backward()
        else:
            (BCE(judge(real), ones) + BCE(judge(made.detach()), zeros)).backward()
        d_optimizer.step()
        g_optimizer.zero_grad()
        (-judge(made).mean() if critic else BCE(judge(made), ones)).backward()
        g_optimizer.step()


@pytest.mark.parametrize("settings", [{}, {"apart": True}])
def test_a_pair_that_learned_is_left_alone(settings: dict, tmp_path: Path) -> None:
    case = observe(lambda: gan(**settings), tmp_path, budget=30.0)
    found = diagnosis_of_any(case)
    assert found.gauge is not None and found.gauge.of_samples and found.ended.train < FAILING
    assert findings(case, *RATES, "labels-unrelated", "relation-too-random", "conflicting-labels") == []


@pytest.mark.parametrize(
    ("settings", "name", "index"),
    [
        ({"g_rate": 3.0}, "learning-rate-too-high", 0),
        ({"g_rate": 2e-6, "apart": True}, "learning-rate-too-low", 0),
        ({"scale": 30.0}, "badly-scaled-initialization", None),
    ],
)
def test_the_cause_is_named_with_the_optimizer_it_belongs_to(
    settings: dict, name: str, index: int | None, tmp_path: Path
) -> None:
    case = observe(lambda: gan(**settings), tmp_path, budget=60.0)
    found = findings(case, *RATES)
    assert [item.check for item in found] == [name]
    proof = found[0].proof
    assert proof is not None and proof.seeds == 3 and proof.after < proof.before - 0.2 and proof.interval[1] < 0
    if index is not None:
        record = case.setup.optimizers[index]
        assert found[0].where == record.constructed and f" of {record.variable} " in found[0].summary


def test_experiments_of_one_loss_are_not_made(tmp_path: Path) -> None:
    case = observe(lambda: gan(rounds=40), tmp_path, budget=30.0)
    with pytest.raises(NotApplicable, match="in turn"):
        assess(case)


def test_what_a_judge_says_of_real_rows_is_no_label_of_theirs(tmp_path: Path) -> None:
    """Batches are the real rows, and not the noise."""
    case = observe(lambda: gan(rounds=20, apart=True), tmp_path)
    found = batches(case)
    assert found and all(batch.target is None and batch.inputs.shape == (64, 6) for batch in found)


def deterministic_policy() -> None:
    """An actor that a critic of actions trains: given actions are no real samples that it is to imitate."""
    torch.manual_seed(0)
    actor, critic = mlp(3, 1), mlp(4, 1)
    actor_optimizer = torch.optim.Adam(actor.parameters(), lr=1e-3)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
    for _ in range(30):
        state, action = torch.randn(32, 3), torch.randn(32, 1)
        reward = -(action - state[:, :1]).square()
        with torch.no_grad():
            wanted = reward + 0.5 * critic(torch.cat([state, actor(state)], 1))
        critic_optimizer.zero_grad()
        nn.functional.mse_loss(critic(torch.cat([state, action], 1)), wanted).backward()
        critic_optimizer.step()
        actor_optimizer.zero_grad()
        (-critic(torch.cat([state, actor(state)], 1)).mean()).backward()
        actor_optimizer.step()


def actor_and_critic() -> None:
    torch.manual_seed(0)
    actor, critic = mlp(3, 2), mlp(3, 1)
    actor_optimizer = torch.optim.Adam(actor.parameters(), lr=1e-3)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
    for _ in range(30):
        state = torch.randn(32, 3)
        policy = Categorical(logits=actor(state))
        action = policy.sample()
        gain = (action == (state[:, 0] > 0)).float()
        value = critic(state).squeeze(1)
        critic_optimizer.zero_grad()
        nn.functional.mse_loss(value, gain).backward()
        critic_optimizer.step()
        actor_optimizer.zero_grad()
        (-((gain - value.detach()) * policy.log_prob(action)).mean()).backward()
        actor_optimizer.step()


@pytest.mark.parametrize(
    ("program", "why"), [(deterministic_policy, "by what another one makes"), (actor_and_critic, "policy")]
)
def test_what_says_nothing_of_progress_is_not_judged(program: Callable[[], None], why: str, tmp_path: Path) -> None:
    case = observe(program, tmp_path, budget=20.0)
    assert contest_of(case.setup) is None
    with pytest.raises(NotChecked, match=why):
        diagnosis_of_any(case)


def two_heads_by_turns(rate: float) -> None:
    """Two networks with data and losses of their own, one step each in turn."""
    torch.manual_seed(0)
    x = torch.randn(256, 5)
    labels, values = (x[:, 0] + x[:, 1] > 0).long(), x[:, 2:3] * x[:, 3:4]
    first, second = mlp(5, 2), mlp(5, 1)
    one = torch.optim.Adam(first.parameters(), lr=3e-3)
    other = torch.optim.Adam(second.parameters(), lr=rate)
    for _ in range(300):
        rows = torch.randint(256, (64,))
        one.zero_grad()
        nn.functional.cross_entropy(first(x[rows]), labels[rows]).backward()
        one.step()
        other.zero_grad()
        nn.functional.mse_loss(second(x[rows]), values[rows]).backward()
        other.step()


def test_losses_that_stand_by_themselves_are_measured(tmp_path: Path) -> None:
    case = observe(lambda: two_heads_by_turns(3e-3), tmp_path, budget=30.0)
    found = diagnosis_of_any(case)
    assert found.gauge is not None and len(found.gauge.probes) == 2 and not found.failing


def test_the_rate_of_one_of_two_networks(tmp_path: Path) -> None:
    case = observe(lambda: two_heads_by_turns(100.0), tmp_path, budget=60.0)
    (finding,) = findings(case, *RATES)
    assert finding.check == "learning-rate-too-high" and finding.where == case.setup.optimizers[1].constructed


def test_whole_rounds_are_permuted(tmp_path: Path) -> None:
    case = observe(lambda: gan(rounds=10), tmp_path)
    steps = case.lab.recorded_steps()
    rounds = rounds_of(steps)
    assert [list(item) for item in rounds[:2]] == [[0, 1], [2, 3]]
    order = step_order(rounds, 40, seed=1)
    assert order[:20] != list(range(20)) and all(b == a + 1 for a, b in zip(order[::2], order[1::2], strict=True))
    assert Lab(case.setup, budget=10.0).train(seed=0, steps=20).finite


def test_rates_are_known_by_their_names() -> None:
    for rate in (LearningRate(0.01), LearningRate(1000.0, 1)):
        again = LearningRate.named(rate.name)
        assert again is not None and (again.factor, again.optimizer_index) == (rate.factor, rate.optimizer_index)
    assert LearningRate(10.0, 1).lr(1.0, 0) == 1.0 and LearningRate(10.0, 1).lr(1.0, 1) == 10.0
    assert LearningRate(10.0).lr(1.0, 1) == 10.0
    assert LearningRate.named("clipped-gradients") is None


def test_energy_distance_against_its_definition() -> None:
    torch.manual_seed(0)
    one, other = torch.randn(7, 3), torch.randn(5, 3) + 1
    cross = sum(float((a - b).norm()) for a in one for b in other) / 35
    within = [
        sum(float((a - b).norm()) for a in rows for b in rows) / (len(rows) * (len(rows) - 1)) for rows in (one, other)
    ]
    assert energy_distance(one, other) == pytest.approx(2 * cross - sum(within), rel=1e-4)
    rows = torch.randn(400, 3)
    assert abs(energy_distance(rows, torch.randn(400, 3))) < 0.02 * distance_of_a_constant(rows)
