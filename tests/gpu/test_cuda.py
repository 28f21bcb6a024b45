"""What differs on a GPU: random streams of its own, numbers that are not there yet, memory, and crashes that end it."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import paramedic
from paramedic.capture.observer import RECORD_STEPS, Observer
from paramedic.capture.sampling import sample
from paramedic.experiments.lab import Lab
from paramedic.measurements.training.histogram import histogram
from paramedic.trace.random_state import torch_state
from paramedic.trace.store import Trace, TraceWriter
from tests.helpers import findings, observe

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU with CUDA on this machine"),
]

AFTER = RECORD_STEPS + 50
SLACK = 200 << 20  # bytes of GPU memory that observing may take, as asked for in the overhead benchmark


def _net(dropout: float = 0.3) -> nn.Module:
    layers = [nn.Linear(16, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, 3)]
    return nn.Sequential(*layers).cuda()


def _data(rows: int = 512) -> tuple[Tensor, Tensor]:
    x = torch.randn(rows, 16)
    return x.cuda(), x[:, :3].argmax(1).cuda()


def _train(steps: int, lr: float = 1e-2, each: Callable[[int], None] = lambda step: None) -> tuple[nn.Module, list[Tensor]]:
    torch.manual_seed(0)
    model = _net()
    x, y = _data()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for step in range(steps):
        each(step)
        rows = slice(64 * (step % 8), 64 * (step % 8) + 64)
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return model, losses


def _observed(folder: Path, program: Callable[[], Any], overhead: float = 0.01) -> tuple[Observer, Any, list[float]]:
    """The observer, what the program gave, and the losses in the trace."""
    observer = Observer(TraceWriter(folder / "trace.sqlite"), overhead=overhead)
    observer.install()
    try:
        result = program()
    finally:
        observer.close()
        observer.remove()
        observer.writer.close()
    assert not observer.errors
    trace = Trace(folder / "trace.sqlite")
    rows = trace.steps()
    trace.close()
    assert [row.step for row in rows] == list(range(observer.steps))
    return observer, result, [row.loss for row in rows]


def test_weights_and_random_states_are_the_same_to_the_last_bit(tmp_path: Path) -> None:
    def end(model: nn.Module) -> list[Tensor]:
        state = torch_state()
        return [*(value.cpu() for value in model.state_dict().values()), state.cpu, *state.cuda]

    alone = end(_train(AFTER)[0])
    watched = _observed(tmp_path, lambda: end(_train(AFTER)[0]))[1]
    assert all(torch.equal(one, other) for one, other in zip(alone, watched, strict=True))


def test_every_loss_arrives_in_the_trace(tmp_path: Path) -> None:
    observer, (_, losses), stored = _observed(tmp_path, lambda: _train(1000), overhead=0.0)
    assert observer.idle, "most steps are glanced at only"
    assert stored == pytest.approx(torch.stack(losses).tolist())


def test_nobody_waits_for_the_device_outside_of_sampled_steps(tmp_path: Path) -> None:
    """torch.cuda.set_sync_debug_mode warns whenever something waits."""
    caught: list[Any] = []

    def each(step: int) -> None:
        if step == AFTER:
            torch.cuda.set_sync_debug_mode("warn")
            torch.ones((), device="cuda").item()  # the program's own wait: it must be seen

    def program() -> None:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                _train(AFTER + 500, each=each)
            finally:
                torch.cuda.set_sync_debug_mode("default")
            caught.extend(item for item in seen if "called a synchronizing" in str(item.message))

    program()
    assert len(caught) == 1, "the program's own wait"
    caught.clear()
    _observed(tmp_path, program, overhead=0.0)
    assert len(caught) == 1, [str(item.message) for item in caught]


def test_histograms_are_those_of_the_values_on_the_device(tmp_path: Path) -> None:
    torch.manual_seed(0)
    first = [p.detach().cpu() for p in _net().parameters() if p.dim() > 1]
    _observed(tmp_path, lambda: _train(AFTER))
    trace = Trace(tmp_path / "trace.sqlite")
    rows = [row for row in trace.histograms() if row.step == 0]
    trace.close()
    assert {row.quantity for row in rows} == {"activation", "gradient", "weight", "update"}
    found = [row.counts for row in rows if row.quantity == "weight"]
    wanted = [histogram(sample(value).numpy()) for value in first]
    assert found == [item.counts for item in wanted if item is not None]


def test_dropout_on_the_device_is_replayed_exactly(tmp_path: Path) -> None:
    case = observe(lambda: _train(20), tmp_path)
    recorded = [record.loss for record in case.setup.backwards()]
    assert len(recorded) == 20 and list(Lab(case.setup).train().losses) == recorded


def test_a_snapshot_takes_no_memory_of_the_device(tmp_path: Path) -> None:
    def peak(run: Callable[[], Any]) -> int:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return torch.cuda.max_memory_allocated() - before

    def program() -> None:
        model = nn.Sequential(nn.Linear(4096, 8192), nn.ReLU(), nn.Linear(8192, 4096)).cuda()  # 268 MB
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        x = torch.randn(8, 4096, device="cuda")
        for _ in range(5):
            optimizer.zero_grad()
            (model(x) - x).square().mean().backward()
            optimizer.step()

    alone = peak(program)
    assert peak(lambda: _observed(tmp_path, program)) <= alone + SLACK


def test_faults_are_found_and_sound_training_is_not_accused(tmp_path: Path) -> None:
    def probabilities() -> None:
        torch.manual_seed(0)
        model, (x, y) = _net(0.0), _data()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(80):
            rows = slice(64 * (step % 8), 64 * (step % 8) + 64)
            loss = F.cross_entropy(torch.softmax(model(x[rows]), 1), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    case = observe(probabilities, tmp_path / "faulty", budget=20)
    assert [item.check for item in findings(case) if item.level == "fault"] == ["softmax-before-cross-entropy"]
    sound = observe(lambda: _train(160), tmp_path / "sound", budget=20)
    assert [item for item in findings(sound) if item.level != "note"] == []


def test_diagnose_leaves_the_generators_of_the_device_alone() -> None:
    torch.manual_seed(0)
    model, (x, y) = _net(), _data()
    before = torch_state()
    loader = [(x[start : start + 64], y[start : start + 64]) for start in range(0, 512, 64)]
    paramedic.diagnose(model, F.cross_entropy, loader, budget=5, steps=20)
    assert torch_state().same(before)


LABELS = """
import torch
from torch import nn

model = nn.Linear(8, 3).cuda()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
data = torch.utils.data.TensorDataset(torch.randn(64, 8), torch.randint(1, 4, (64,)))
for x, y in torch.utils.data.DataLoader(data, batch_size=16):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x.cuda()), y.cuda()).backward()
    optimizer.step()
"""


def test_a_device_side_assertion_gets_its_cause(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(LABELS, encoding="utf-8")
    command = [sys.executable, "-m", "paramedic", "run", "--budget", "10", "train.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "R19" in done.stdout and "train.py:10" in done.stdout, done.stdout + done.stderr
