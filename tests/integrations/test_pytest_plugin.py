"""The pytest plugin, run by pytest itself, and its assertions on a sound model and on one fault each."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from paramedic.checks.check import NotApplicable
from paramedic.integrations.model_tests import ASSERTIONS, subject
from paramedic.integrations.pytest_plugin import NAMES


class Sound(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(8, 32), nn.BatchNorm1d(32), nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(nn.functional.dropout(torch.relu(self.norm(self.first(x))), 0.2, self.training))


class Leaking(Sound):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.first(x - x.mean(0))))


class Noisy(Sound):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(nn.functional.dropout(torch.relu(self.norm(self.first(x))), 0.5))


class Cut(Sound):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.norm(self.first(x))).detach())


class Forgetful(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shift", torch.ones(3), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.shift


def equal_units() -> nn.Module:
    model = Sound()
    nn.init.constant_(model.first.weight, 0.1)
    return model


def loud() -> nn.Module:
    model = Sound()
    with torch.no_grad():
        model.last.weight.mul_(200)
    return model


def constant() -> nn.Module:
    model = Sound()
    nn.init.zeros_(model.first.weight)
    return model


def ignoring(output: Tensor, target: Tensor) -> Tensor:
    return output.square().mean()


class Sequence(nn.Module):
    def __init__(self, bidirectional: bool) -> None:
        super().__init__()
        self.rnn = nn.GRU(4, 8, batch_first=True, bidirectional=bidirectional)
        self.out = nn.Linear(16 if bidirectional else 8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x)[0])


cross_entropy = nn.functional.cross_entropy


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(3)
    return torch.randn(12, 8), torch.randint(3, (12,))


def outcome(
    name: str, model: nn.Module, loss: Callable[..., Tensor], batch: tuple[Tensor, Tensor], causal: bool = False
) -> str:
    """"" if it holds, otherwise the text of the failure."""
    with subject(model, loss, batch, causal) as it:
        try:
            ASSERTIONS[name](it)
        except AssertionError as error:
            return str(error)
    return ""


def test_a_sound_model_passes_all_and_is_left_as_it_was(batch: tuple[Tensor, Tensor]) -> None:
    model = Sound()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    for name in ASSERTIONS:
        if name != "no-causal-leak":
            assert outcome(name, model, cross_entropy, batch) == "", name
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert torch.equal(state, torch.get_rng_state()) and model.training


@pytest.mark.parametrize(
    ("name", "make", "loss", "text"),
    [
        ("overfits-a-batch", Cut, cross_entropy, "S5 cannot-overfit-tiny-set"),
        ("loss-at-chance", loud, cross_entropy, "R17 loss-above-chance-at-start"),
        ("gradients-reach-every-parameter", Cut, cross_entropy, "4 of 6 parameters get no gradient (first.weight"),
        ("no-leak-between-samples", Leaking, cross_entropy, "R25 samples-influence-each-other"),
        ("initialization-healthy", equal_units, cross_entropy, "R28 symmetric-initialization: all 32 units of first"),
        ("initialization-healthy", constant, cross_entropy, "R28 zero-initialization: the first output of first"),
        ("loss-sane", Sound, ignoring, "R18 custom-loss-ignores-target"),
        ("same-output-in-eval", Noisy, cross_entropy, "R32 always-on-dropout"),
        ("state-dict-round-trip", Forgetful, cross_entropy, "after saving and loading"),
    ],
)
def test_each_assertion_fails_on_its_fault(
    name: str, make: Callable[[], nn.Module], loss: Callable[..., Tensor], text: str, batch: tuple[Tensor, Tensor]
) -> None:
    torch.manual_seed(1)
    model = make()
    if make is Cut:  # what is in front of the cut gives the same for all samples: nothing can be learned by heart
        nn.init.zeros_(model.first.weight)  # type: ignore[arg-type, union-attr]
    assert text in outcome(name, model, loss, batch)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_causal_leak(bidirectional: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(6, 10, 4)
    text = outcome("no-causal-leak", Sequence(bidirectional), nn.functional.mse_loss, (x, x), causal=True)
    assert ("R25 causal-leak" in text) is bidirectional
    with pytest.raises(NotApplicable, match="causal=True"):
        outcome("no-causal-leak", Sequence(bidirectional), nn.functional.mse_loss, (x, x))


TESTS = """\
import torch
from torch import nn

def batch():
    torch.manual_seed(0)
    return torch.randn(8, 4), torch.randint(2, (8,))

def test_good(paramedic):
    paramedic.check(nn.Linear(4, 2), nn.functional.cross_entropy, batch(), skip=("overfits-a-batch",))

def test_bad(paramedic):
    loss = lambda output, target: output.square().mean()
    paramedic.check(nn.Linear(4, 2), loss, batch(), skip=("overfits-a-batch", "loss-at-chance"))
"""


def test_one_test_id_per_assertion_and_skips_with_reasons(tmp_path: Path) -> None:
    (tmp_path / "test_model.py").write_text(TESTS)
    plugin = ["-p", "paramedic.integrations.pytest_plugin", "-p", "no:cacheprovider", "-rs"]
    command = [sys.executable, "-m", "pytest", *plugin, "-o", "addopts="]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # an installed paramedic registers the plugin by itself
    options = {"cwd": tmp_path, "env": env, "capture_output": True, "text": True, "check": False}
    split = subprocess.run([*command, "--paramedic", "-v"], **options)
    assert split.returncode == 1, split.stdout + split.stderr
    assert "test_good[loss-sane] PASSED" in split.stdout
    assert "test_bad[loss-sane] FAILED" in split.stdout and "R18 custom-loss-ignores-target" in split.stdout
    assert "not applicable: not said to be causal (causal=True)" in split.stdout
    whole = subprocess.run(command, **options)
    assert "1 failed, 1 passed" in whole.stdout, whole.stdout


def test_the_plugin_alone_imports_no_torch() -> None:
    code = (
        "import sys, paramedic.integrations.pytest_plugin\n"
        "assert 'torch' not in sys.modules and 'libcst' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_names_are_those_of_the_assertions() -> None:
    assert NAMES == tuple(ASSERTIONS)
