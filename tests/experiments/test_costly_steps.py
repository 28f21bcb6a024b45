"""Where a step costs much, replays use a part of each batch; and an experiment is repeated as it was made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, Passed
from paramedic.checks.finding import Finding
from paramedic.diagnosis.examine import examine
from paramedic.diagnosis.replay import experiments_of, replay_experiment
from paramedic.experiments.counterfactual import LEAST_PROBES, LEAST_STEPS, diagnosis
from tests.experiments.programs import train
from tests.helpers import observe


def steps_with(loss) -> None:
    torch.manual_seed(0)
    model = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(4):
        loss(model, torch.randn(32, 6), torch.randint(3, (32,))).backward()
        optimizer.step()
        optimizer.zero_grad()


def mean(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return nn.functional.cross_entropy(model(x), y)


def total(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return nn.functional.cross_entropy(model(x), y, reduction="sum")


def fixed_size(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return nn.functional.cross_entropy(model(x).view(32, 3), y)


@pytest.mark.parametrize(("loss", "can"), [(mean, True), (total, False), (fixed_size, False)])
def test_which_losses_can_be_thinned(tmp_path: Path, loss, can: bool) -> None:
    lab = observe(lambda: steps_with(loss), tmp_path, budget=30).lab
    assert lab.why_not_replayable() is None and lab.batch_rows() == 32
    assert lab.can_be_thinned(4) == can


def test_a_thinned_replay_sees_another_part_of_the_batch_in_every_step(tmp_path: Path) -> None:
    lab = observe(lambda: steps_with(mean), tmp_path, budget=30).lab
    seen: list[Tensor] = []
    handle = lab.modules()[0].register_forward_pre_hook(lambda module, args: seen.append(args[0].clone()))
    try:
        lab.train(steps=4, thin=4, after=lambda: 0.0)
    finally:
        handle.remove()
    batches = [inputs[0] for inputs, _ in lab.batches()]
    assert len(seen) == 4
    for number, (part, batch) in enumerate(zip(seen, batches, strict=True)):
        assert torch.equal(part, batch[8 * number : 8 * number + 8])


def costly(case: Case) -> Case:
    """As if a step took a second."""
    assert case.lab.why_not_replayable() is None
    case.lab.seconds_per_step = 1.0
    return case


def test_the_cause_is_found_and_its_experiment_repeated(tmp_path: Path) -> None:
    case = costly(observe(lambda: train(rate=1e-3, batch=64), tmp_path, budget=60))
    found = diagnosis(case)
    assert (found.thin, found.steps, len(found.probes)) == (8, LEAST_STEPS, LEAST_PROBES)
    assert [trial.remedy.cause for trial in found.causes] == ["learning-rate-too-low"]
    stored = next(item for item in experiments_of(case) if item["name"] == found.causes[0].experiment)
    again = replay_experiment(case, **{key: stored[key] for key in ("name", "steps", "thin", "probes", "ended")})
    assert (again["before"], again["after"]) == (stored["before"], stored["after"])


class Endless(Check):
    """Replays without end."""

    reason = "R36"
    name = "endless"
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        while True:
            case.lab.train(steps=4)
        yield


class Modest(Endless):
    """One replay."""

    name = "modest"

    def examine(self, case: Case) -> Iterator[Finding]:
        case.lab.train(steps=1)
        raise Passed("one replay")


def test_one_check_leaves_time_for_the_others(tmp_path: Path) -> None:
    case = observe(lambda: steps_with(mean), tmp_path, budget=2.0)
    weights = [item.detach().clone() for item in case.lab.parameters()]
    _, outcomes, errors = examine(case, checks=[Endless, Modest])
    assert not errors
    assert [(item.status, item.why.partition(":")[0]) for item in outcomes] == [
        ("not-checked", "budget"), ("passed", "one replay"),
    ]
    assert all(torch.equal(a, b) for a, b in zip(weights, case.lab.parameters(), strict=True))
