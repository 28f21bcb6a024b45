"""The child process of ``paramedic run``: observes the program, examines it, stores the report.

Called as ``python -m paramedic.capture.child SPEC``; SPEC is JSON with script or module, arguments, folder and
options (steps, budget, experiments, select, ignore, overhead, thresholds, seed, parent). Ends with the program's exit code.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from paramedic.capture import ranks
from paramedic.capture.late_import import AfterImport
from paramedic.capture.program import Ended, run_program
from paramedic.trace.process import end_with, this_process
from paramedic.trace.store import TraceWriter


class Session:
    """One observed run: late installation of the observer, the program, and the examination."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.folder = Path(spec["folder"])
        self.rank = ranks.rank() if spec.get("rank_of") else 0
        name = "trace.sqlite" if self.rank == 0 else f"rank{self.rank}.sqlite"
        elsewhere = Path(spec["elsewhere"]) if spec.get("elsewhere") and self.rank == 0 else None
        self.writer = TraceWriter(self.folder / name, elsewhere)
        self.observer: Any = None
        self.process = os.getpid()
        self.problems: dict[str, str] = {}

    def start_observer(self) -> None:
        """Runs right after the program's ``import torch``; a failure leaves the program unobserved."""
        if os.getpid() != self.process:
            return
        try:
            from paramedic.capture.observer import Observer

            self.integrate()
            self.observer = Observer(
                self.writer,
                steps=self.spec.get("steps"),
                overhead=float(self.spec.get("overhead", 0.01)),
            )
            if "rank_of" not in self.spec and "replay" not in self.spec:
                from paramedic.capture.early import EarlyLook

                self.observer.early = EarlyLook(self.observer, self.spec)
            self.observer.install()
        except Exception as error:
            self.writer.meta(
                "not_observed", [f"the observer could not start: {type(error).__name__}: {error}"]
            )
            self.observer = None

    def integrate(self) -> None:
        """Call the integrations of installed plugins (entry points "paramedic.integrations")."""
        from importlib.metadata import entry_points

        for entry in entry_points(group="paramedic.integrations"):
            try:
                entry.load()()
            except Exception as error:
                self.problems[f"integration {entry.name}"] = f"{type(error).__name__}: {error}"

    def run(self) -> int:
        spec = self.spec
        argv = [spec.get("script") or f"-m {spec.get('module')}", *spec.get("arguments", [])]
        self.writer.meta("program", {"argv": argv, "steps": 0, "crashed": None})
        self.writer.meta(
            "environment", {"python": platform.python_version(), "platform": platform.platform()}
        )
        self.writer.meta("process", this_process())
        finder = AfterImport("torch", self.start_observer)
        finder.install()
        if spec.get("seed") is not None:
            seed_everything(int(spec["seed"]))
        started = time.perf_counter()
        ended = run_program(spec.get("script"), spec.get("module"), list(spec.get("arguments", [])))
        if os.getpid() != self.process:  # a copy that the program made of itself (os.fork) came to its end
            return ended.exit_code
        wait_for_threads()
        wall = time.perf_counter() - started
        finder.remove()
        if self.rank == 0 and spec.get("rank_of"):
            ranks.rank_0_ended(self.folder)
        taken = asked_to_end()
        try:
            self.writer.settle()
            self.finish(ended, argv, wall)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self.writer.meta("not_observed", ["the examination was interrupted"])
        except (Exception, SystemExit) as error:
            self.writer.meta("not_observed", [f"the examination failed ({type(error).__name__}: {error})"])
        self.writer.close()
        for number in taken:  # what the program does at its exit comes still
            signal.signal(number, signal.SIG_DFL)
        if self.rank == 0 and spec.get("rank_of"):
            ranks.rank_0_reported(self.folder)
        elif self.rank and ended.exit_code and ended.kind != "interrupted":
            ranks.outlast(self.folder)
        if self.writer.problem and self.rank == 0:
            with contextlib.suppress(OSError, ValueError):
                print(f"paramedic: {self.writer.problem}", file=sys.stderr)
        return ended.exit_code

    def finish(self, ended: Ended, argv: list[str], wall: float) -> None:
        """Take the hooks away, and examine."""
        observer = self.observer
        if observer is not None:
            if observer.early is not None:
                observer.early.close()
            observer.close(crashed=ended.kind == "crashed")
            observer.remove()
        from paramedic.integrations.loggers import used_by_program

        self.writer.meta("ended", {**ended.to_json(), "wall": wall})
        self.writer.meta("loggers", used_by_program())
        crashed = ended.to_json() if ended.kind in ("crashed", "interrupted") else None
        program = {
            "argv": argv,
            "steps": observer.steps if observer is not None else 0,
            "crashed": crashed,
            "ended": ended.kind,
            "exit_code": ended.exit_code,
        }
        self.writer.meta("program", program)
        if self.rank:
            if observer is not None:
                ranks.write(self.folder, observer, ended.kind)
            return
        if observer is None:
            text = "the program never imported torch" if "torch" not in sys.modules else "the observer failed"
            self.writer.meta("not_observed", [text])
            return
        untrained = not (observer.backward_calls or observer.setup.optimizers or observer.steps)
        if ended.kind != "crashed" and untrained:
            text = "it made no optimizer and never called backward in its main thread: there was no training to observe"
            self.writer.meta("not_observed", [text])
            return
        cost = {"overhead": round(observer.share(wall), 4), "wall_s": round(wall, 3)}
        self.writer.meta("cost", cost)
        self.writer.flush()
        from paramedic.diagnosis.session import examine_run, repeat_experiment

        if self.spec.get("replay"):
            repeat_experiment(self.writer, observer.setup, self.spec)
            return
        if self.spec.get("rank_of"):
            observer.setup.ranks = [ranks.facts(observer, ended.kind), *ranks.read_others(self.folder)]
        errors = observer.errors | self.problems
        report = examine_run(self.writer, observer.setup, program, cost, errors, self.spec)
        self.writer.meta("report", report.to_json())


def asked_to_end() -> list[signal.Signals]:
    """From here on the program is over, and whoever ends this process ends the examination: as Ctrl-C does, with a report of
    what was found until then. The signals that do so now: none for which the program has a handler of its own, or that
    it ignores.
    """

    def interrupt(_number: int, _frame: Any) -> None:
        for own in taken:
            signal.signal(own, signal.SIG_IGN)  # `timeout` sends it to the whole group, and the command passes it on
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    taken = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, interrupt)
    return taken


def wait_for_threads() -> None:
    """As Python does at its end: the threads that are no daemons may train still. Those of executors wait for work
    until Python ends them.
    """
    futures = sys.modules.get("concurrent.futures.thread")
    waiting = getattr(futures, "_threads_queues", {})
    try:
        for thread in threading.enumerate():
            if thread is not threading.main_thread() and not thread.daemon and thread not in waiting:
                thread.join()
    except KeyboardInterrupt:
        pass


def seed_everything(seed: int) -> None:
    """For two runs that are compared: streams that the program leaves to chance (torch's own start is fixed)."""
    import random

    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)


def main() -> int:
    spec = json.loads(sys.argv[1])
    if (parent := spec.pop("parent", None)) is not None:  # to kill the command is to end the program
        end_with(parent, signal.SIGTERM)
    launcher = ranks.launched(spec)
    if launcher is not None:  # it trains nothing itself: its processes are observed
        start = importlib.import_module(launcher["module"]).main
        start(launcher["arguments"])
        return 0
    return Session(spec).run()


if __name__ == "__main__":
    # Not as __main__: the observed program takes that name, and torch.compile looks things up in it.
    from paramedic.capture import child

    sys.exit(child.main())
