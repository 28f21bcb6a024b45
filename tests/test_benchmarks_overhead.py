"""The benchmark of what observing costs keeps what it has measured, and makes its page of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("tensorboard")

from benchmarks import overhead


def test_a_row_is_kept_with_its_commit_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "results" / "overhead.json"
    kept = overhead.Kept(path)
    network = next(iter(overhead.MODELS))
    kept.add("steps", network, {"ms": 1.25, "ways": {"paramedic, later steps": "+1.0% (+0.5% to +1.5%)"}})
    kept.add("trace", "sizes", {"megabytes": {"1,000": 0.4, "100,000": 1.5}})
    assert json.loads(path.read_text())["steps"][network]["commit"] == kept.commit
    page = overhead.Kept(path).page()  # another day
    assert f"{network} (1.2 ms)" in page and "| paramedic, later steps | +1.0% (+0.5% to +1.5%) |" in page
    assert "| 100,000 | 1.5 MB |" in page and "A whole program" not in page
    assert f"at {kept.commit}" in page


def test_nothing_is_kept_of_a_quick_run(tmp_path: Path) -> None:
    kept = overhead.Kept(None)
    kept.add("trace", "sizes", {"megabytes": {"50": 0.4}})
    assert "| 50 | 0.4 MB |" in kept.page() and list(tmp_path.iterdir()) == []


def test_a_program_is_measured_alone_and_observed(tmp_path: Path) -> None:
    sizes = (30, 16, 8, 1)
    alone, observed = (overhead.run_program(tmp_path, sizes, watched) for watched in (False, True))
    assert 0 < alone["start"] < alone["cpu"] and alone["rss"] > 0
    assert observed["trace"] > 0 and observed["reported"] > 0
    steps, megabytes = overhead._so_far(tmp_path)
    assert steps == 30 and megabytes > 0
