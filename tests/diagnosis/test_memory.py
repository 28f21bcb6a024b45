"""Where there is no room for copies of the model, nothing is tried, and the report says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import paramedic
from paramedic.diagnosis import session
from paramedic.trace import memory
from paramedic.trace.memory import free_bytes


def _train() -> None:
    model = nn.Linear(100, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        torch.softmax(model(torch.randn(8, 100)), 1).log().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("free", [6059, 6061])  # 5 times 303 numbers of 4 bytes are 6,060 bytes
def test_experiments_wait_for_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int) -> None:
    monkeypatch.setattr(session, "free_bytes", lambda device: free)
    monkeypatch.chdir(tmp_path)
    with paramedic.watch(budget=1) as observed:
        _train()
    why = [row.why for row in observed.report.reasons.values() if "no room for copies" in row.why]
    assert bool(why) == (free < 6060)
    assert all("0.0 GB are needed" in text for text in why)


def test_the_limit_of_a_container_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    unlimited = free_bytes(torch.device("cpu"))
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.stat").write_text("anon 100\ninactive_file 500\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(torch.device("cpu")) > 10_000 and unlimited > 10_000
    (tmp_path / "memory.max").write_text("5000\n")
    assert free_bytes(torch.device("cpu")) == 2500
    assert free_bytes(torch.device("meta")) == float("inf")
