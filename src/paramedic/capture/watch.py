"""Observe a training loop inside a program or a notebook: ``with paramedic.watch() as watch: train()``."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from paramedic.capture.program import Ended, place_of_error
from paramedic.report.model import Report
from paramedic.trace.store import TraceWriter

_active: list[Watch] = []


class Watch:
    """Observes what happens inside a ``with`` block; ``report`` is ready when the block has ended.

    budget: seconds for experiments after the block (0: none). folder: where the trace is kept; a temporary
    folder if None. An exception of the block passes through and is part of the report. Raises RuntimeError
    when another watch is active: one capture observes at a time.
    """

    def __init__(
        self, *, budget: float = 60.0, folder: str | Path | None = None, steps: int | None = None
    ) -> None:
        self.budget = budget
        self.folder = Path(folder) if folder is not None else Path(tempfile.mkdtemp(prefix="paramedic-"))
        self.steps = steps
        self._report: Report | None = None
        self._problem = "the report is ready when the block has ended without an interrupt"

    def __enter__(self) -> Watch:
        from paramedic.capture.observer import Observer

        if _active:
            raise RuntimeError("paramedic.watch: another watch is active already")
        self._writer = TraceWriter(self.folder / "trace.sqlite")
        self._observer = Observer(self._writer, steps=self.steps)
        self._started = time.perf_counter()
        _active.append(self)
        self._observer.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        from paramedic.capture.stop import is_stop

        stopped = error is not None and is_stop(error)
        ended = Ended("steps-reached" if stopped else "finished")
        if error is not None and not stopped:
            interrupted = isinstance(error, KeyboardInterrupt)
            ended = Ended(
                "interrupted" if interrupted else "crashed", 1, type(error).__name__, str(error)[:2000],
                place_of_error(trace),
            )  # fmt: skip
        try:
            self._observer.close(crashed=ended.kind == "crashed")
            self._observer.remove()
        finally:
            _active.remove(self)
        if ended.kind != "interrupted":
            try:
                self._examine(ended)
            except Exception as failed:
                self._problem = f"the examination failed ({type(failed).__name__}: {failed})"
        self._writer.close()
        return stopped

    def _examine(self, ended: Ended) -> None:
        from paramedic.diagnosis.session import examine_run

        wall = time.perf_counter() - self._started
        program: dict[str, Any] = {
            "argv": ["watch"],
            "steps": self._observer.steps,
            "crashed": ended.to_json() if ended.kind == "crashed" else None,
            "ended": ended.kind,
        }
        cost = {"overhead": round(self._observer.share(wall), 4), "wall_s": round(wall, 3)}
        for key, value in (("ended", ended.to_json()), ("program", program), ("cost", cost)):
            self._writer.meta(key, value)
        self._writer.flush()
        spec = {"budget": self.budget}
        self._report = examine_run(
            self._writer, self._observer.setup, program, cost, self._observer.errors, spec
        )
        self._writer.meta("report", self._report.to_json())
        self._report = replace(self._report, run=self.folder)

    @property
    def report(self) -> Report:
        """The diagnosis; RuntimeError before the block has ended, when it was interrupted, or when we failed."""
        if self._report is None:
            raise RuntimeError(f"paramedic.watch: {self._problem}")
        return self._report


def watch(*, budget: float = 60.0, folder: str | Path | None = None, steps: int | None = None) -> Watch:
    """Observe the training inside a ``with`` block; see ``Watch``."""
    return Watch(budget=budget, folder=folder, steps=steps)
