"""What is wrong for certain, said while the program still runs: a copy of its process looks at what was recorded.

The copy (fork) examines and ends; the program pays for being copied, and nothing is replayed in it. Only checks whose
verdict no later step can change take part (``Check.at_once``). Not where a copy cannot compute: a GPU's context does
not survive fork, and the ranks of a distributed program would wait for one that was ended.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paramedic.capture.unseen import seen
from paramedic.trace.copying import keep_off, why_no_copy
from paramedic.trace.store import FINDINGS

if TYPE_CHECKING:
    from paramedic.capture.observer import Observer

LOOK_STEPS = (8, 32, 100)  # optimizer steps; all that is kept for replay are the first 100
QUIET_SECONDS = 10.0  # a program that ends sooner has its report soon; not where somebody waits for findings
LONGEST_SECONDS = 300  # then the copy is ended, whatever holds it up


class EarlyLook:
    """Decides when a copy looks, and says what it found. ``ends``: the program is to be ended at the first fault."""

    def __init__(self, observer: Observer, spec: dict[str, Any]) -> None:
        self.observer = observer
        self.spec = spec
        self.folder = Path(spec["folder"])
        self.ends = bool(spec.get("fail_fast"))
        self.at_once = self.ends or bool(spec.get("live"))
        self.found = False
        self._copy: int | None = None
        self._next = 0
        self._evaluation_seen = self._bad_seen = self._idle_seen = False
        self._why_not: str | None = None
        if self.at_once:  # half of what a look takes is to import the checks: once here, and not in every copy
            from paramedic.checks.registry import check_classes

            check_classes()

    def wanted(self) -> bool:
        """Whether there is anything to do after this step: asked at every one."""
        return self._copy is not None or self.found or (self._why_not is None and self._due())

    def after_step(self) -> bool:
        """Whether the program is to be ended here."""
        if self._copy is not None:
            self._collect()
        elif self._why_not is None and self._due():
            self._look()
        return self.ends and self.found

    def _due(self) -> bool:
        observer = self.observer
        if not self.at_once and time.perf_counter() - observer.started < QUIET_SECONDS:
            return False
        if self._next < len(LOOK_STEPS) and observer.steps >= LOOK_STEPS[self._next]:
            return True
        if not self._evaluation_seen and observer.setup.evaluations and observer.steps > LOOK_STEPS[0]:
            return True
        idle = not self._idle_seen and not observer.steps  # looked at after NEVER_STEPPED erased gradients
        return idle or self._bad_now()

    def _bad_now(self) -> bool:
        observer = self.observer
        return not self._bad_seen and not math.isfinite(observer._last_loss) and observer._loss_tensor is None

    def _look(self) -> None:
        self._idle_seen = self._idle_seen or not self.observer.steps
        self._bad_seen = self._bad_seen or self._bad_now()
        self._evaluation_seen = bool(self.observer.setup.evaluations)
        self._next = sum(self.observer.steps >= step for step in LOOK_STEPS)
        self._why_not = why_no_copy()
        if self._why_not is not None:
            if self.ends:
                say(2, f"--fail-fast finds nothing before the program's end: {self._why_not}; --steps N ends it early")
            return
        self.observer._flush()
        self._copy = os.fork() or None
        if self._copy is None:
            self._be_the_copy()

    def _collect(self) -> None:
        assert self._copy is not None
        try:
            ended, _ = os.waitpid(self._copy, os.WNOHANG)
        except ChildProcessError:  # the program waits for whatever child ends
            ended = self._copy
        if ended:
            self._copy = None
            self.found = (self.folder / FINDINGS).is_file()

    def close(self) -> None:
        """The program has ended: whatever a copy still looks for, the examination finds as well."""
        copy, self._copy = self._copy, None
        if copy is not None:
            try:
                os.kill(copy, signal.SIGKILL)
                os.waitpid(copy, 0)
            except (ProcessLookupError, ChildProcessError):
                pass

    # -- in the copy ------------------------------------------------------------------------------------------

    def _be_the_copy(self) -> None:
        """Never returns. Nothing of the program's is flushed, closed or collected here."""
        try:
            handled = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGALRM), signal.SIG_DFL)
            terminal = keep_off(handled)
            signal.alarm(LONGEST_SECONDS)
            if not self.at_once:  # somebody waits for findings then
                os.nice(19)
            with seen():
                self._examine(terminal)
        finally:
            os._exit(0)

    def _examine(self, terminal: int) -> None:
        observer = self.observer
        observer.writer.abandon()
        observer.early = None
        observer.busy, observer.active = False, True  # a copy counts as a worker otherwise
        observer.close()
        observer.remove()
        with tempfile.TemporaryDirectory() as folder:
            for path in self.folder.glob("trace.sqlite*"):
                shutil.copy(path, folder)
            from paramedic.diagnosis.session import certain_faults

            trace = Path(folder) / "trace.sqlite"
            certain_faults(trace, observer.setup, self.spec, lambda faults: self._tell(faults, terminal))

    def _tell(self, faults: list[dict[str, str]], terminal: int) -> None:
        """Write and say what is new; the first is all that --fail-fast waits for."""
        path = self.folder / FINDINGS
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        new = [fault for fault in faults if fault["check"] not in {item["check"] for item in known}]
        if not new:
            return
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps([*known, *new]), encoding="utf-8")
        partial.replace(path)
        steps = self.observer.steps
        after = f"{steps} steps" if steps else f"{self.observer.setup.backward_calls} backward calls"
        for fault in new:
            ending = "; --fail-fast ends the program" if self.ends and fault is new[-1] else ""
            place = f": {fault['place']}" if fault["place"] else ""
            say(terminal, f"certain after {after}: {fault['claim']}{place}{ending}")
        if self.ends:
            raise SystemExit


def say(stream: int, text: str) -> None:
    """One line in one go, so that it never stands in the middle of another one; over a progress bar at a terminal."""
    start = "\r\x1b[K" if os.isatty(stream) else ""
    os.write(stream, f"{start}paramedic: {text}\n".encode(errors="backslashreplace"))
