"""What a step costs of which nothing is recorded: counted in calls, not in seconds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from paramedic.capture.observer import RECORD_STEPS, Observer
from paramedic.trace.store import Trace, TraceWriter

MOST_CALLS = 40  # Python calls of ours in such a step; 25 on 2026-11-26, and over 120 before


def _steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int, scaler: Any = None) -> None:
    x = torch.randn(8, 4)
    for _ in range(count):
        optimizer.zero_grad()
        loss = model(x).square().mean()
        (scaler.scale(loss) if scaler is not None else loss).backward()
        optimizer.step()


def test_a_step_without_records_is_a_few_calls(tmp_path: Path) -> None:
    observer = Observer(TraceWriter(tmp_path / "trace.sqlite"), overhead=0.0)
    observer.install()
    calls = 0

    def count(frame: Any, kind: str, argument: Any) -> None:
        nonlocal calls
        calls += kind == "call" and "paramedic" in frame.f_code.co_filename and "tests" not in frame.f_code.co_filename

    try:
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
        optimizer = torch.optim.Adam(model.parameters())
        _steps(model, optimizer, RECORD_STEPS + 10)
        assert observer.idle
        sys.setprofile(count)
        try:
            _steps(model, optimizer, 20)
        finally:
            sys.setprofile(None)
    finally:
        observer.remove()
        observer.writer.close()
    assert observer.errors == {} and observer.steps == RECORD_STEPS + 30
    assert 0 < calls / 20 <= MOST_CALLS
    assert 0 < observer.spent
    trace = Trace(tmp_path / "trace.sqlite")
    assert [row.step for row in trace.steps()] == list(range(observer.steps))


def test_a_scaled_loss_is_recorded_unscaled_to_the_end(tmp_path: Path) -> None:
    observer = Observer(TraceWriter(tmp_path / "trace.sqlite"))
    observer.install()
    try:
        torch.manual_seed(0)
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        _steps(model, optimizer, RECORD_STEPS + 30, torch.amp.GradScaler("cpu", init_scale=1024.0))
    finally:
        observer.remove()
        observer.writer.close()
    assert observer.errors == {}
    losses = {round(row.loss, 4) for row in Trace(tmp_path / "trace.sqlite").steps()}
    assert len(losses) == 1
