"""What a step costs of which nothing is recorded: counted in calls, not in seconds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from paramedic.capture import account
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


def test_what_others_had_the_processors_for_is_no_time_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A share of the time on the clock is a larger one of the program's own, where the machine is busy."""
    now, waited = 100.0, 5.0
    monkeypatch.setattr(account.time, "perf_counter", lambda: now)
    monkeypatch.setattr(account, "_waited", lambda: waited)
    elapsed = account.Elapsed()
    now, waited = 108.0, 11.0
    assert elapsed() == 2.0 and elapsed.waited == 6.0
    now += account.ASK_EVERY / 2
    waited += 1.0  # asked seldom: it takes longer than all the rest
    assert elapsed() == 2.0 + account.ASK_EVERY / 2
    now += account.ASK_EVERY
    assert elapsed.waited == 6.0 and elapsed() == 1.0 + 1.5 * account.ASK_EVERY


def test_the_time_that_a_thread_waited_is_read() -> None:
    before = account._waited()
    assert 0.0 <= before <= account._waited()


def test_one_short_call_in_so_many_is_timed() -> None:
    turns = account.Account().turn
    assert [turns() for _ in range(2 * account.ONE_IN)].count(True) == 2


def test_zero_grad_does_not_go_through_the_function_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would at every parameter's gradient, twice."""
    observer = Observer(TraceWriter(tmp_path / "trace.sqlite"))
    asked: list[str] = []
    record = type(observer.recorder).__torch_function__

    def asking(self: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") == "__get__":
            asked.append(func.__self__.__name__)
        return record(self, func, types, args, kwargs)

    monkeypatch.setattr(type(observer.recorder), "__torch_function__", asking)
    observer.install()
    try:
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(10):
            optimizer.zero_grad(set_to_none=False)
            model.zero_grad()
            model(torch.randn(8, 4)).square().mean().backward()
            optimizer.step()
        assert "grad" not in asked
        assert model[0].weight.grad is not None and "grad" in asked  # the program's own question is
    finally:
        observer.remove()
        observer.writer.close()
    assert observer.errors == {} and len(observer.setup.steps) == 10
    kinds = [[type(event).__name__ for event in step] for step in observer.setup.steps[1:]]
    assert kinds == [["ZeroGrad", "ZeroGrad", "BackwardRecord", "OptimizerStep"]] * 9
