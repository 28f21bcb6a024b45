"""Observe a small program inside a test, and examine it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from paramedic.capture.observer import Observer
from paramedic.checks.case import Case
from paramedic.checks.finding import Finding
from paramedic.checks.registry import check_classes
from paramedic.diagnosis.examine import examine
from paramedic.diagnosis.replay import experiments_of, replay_experiment
from paramedic.experiments.lab import Lab
from paramedic.trace.store import Trace, TraceWriter


def observe(program: Callable[[], Any], folder: Path, *, budget: float = 0.0) -> Case:
    """Run ``program`` under observation in this process; the case of what was seen.

    A crash of the program is kept as evidence, as in a real run.
    """
    writer = TraceWriter(folder / "trace.sqlite")
    observer = Observer(writer)
    observer.install()
    ended = {"kind": "finished"}
    try:
        program()
    except Exception as error:
        ended = {"kind": "crashed", "error": type(error).__name__, "message": str(error)}
    finally:
        observer.close(crashed=ended["kind"] == "crashed")
        observer.remove()
    writer.meta("program", {"argv": ["test"], "steps": observer.steps, "crashed": None})
    writer.meta("ended", ended)
    writer.close()
    assert not observer.errors, observer.errors
    return Case(Trace(writer.path), observer.setup, Lab(observer.setup, budget=budget))


def findings(case: Case, *names: str) -> list[Finding]:
    """What the named checks (all checks, if none is named) find; an internal error fails the test."""
    classes = [item for item in check_classes() if not names or item.name in names]  # type: ignore[attr-defined]
    found, _, errors = examine(case, checks=classes)
    assert not errors, errors
    return found


def repeated(case: Case, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a stored run tells of an experiment, and what the same experiment gives once more."""
    known = next(item for item in experiments_of(case) if item["name"] == name)
    made = {key: known[key] for key in ("name", "steps", "thin", "probes", "ended", "seeds")}
    return known, replay_experiment(case, **made)
