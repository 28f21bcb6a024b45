"""The child process that runs and observes the program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

# ``-P``: with ``-m`` alone, our own imports would find the working directory's files (a user's ``random.py``
# or ``nt.py``) before those of the standard library. The empty entry is the one that the child replaces
# with the script's folder, as Python itself would have it.
START = "import sys; from paramedic.capture import child; sys.path.insert(0, ''); sys.exit(child.main())"


def run_child(
    spec: dict[str, Any], stdout: TextIO | None = None, cwd: Path | None = None, stderr: TextIO | None = None
) -> int:
    """Run the child on the terminal's own streams until it ends; negative: killed by that signal.

    stdout: where the program's output goes instead, if the report itself goes to our standard output.
    cwd, stderr: the working directory and where messages go, when a copy of the program is run.
    """
    command = [sys.executable, "-P", "-c", START, json.dumps(spec | {"parent": os.getpid()})]
    with _signals() as forward_to:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=cwd)
        forward_to.add(process)
        returncode = process.wait()
    if sys.stderr.isatty():  # the child may have died in the middle of a line of progress
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
    return returncode


class _Children:
    """Who gets the signals that are passed on, also those that came while it was being started."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []
        self.waiting: list[int] = []

    def add(self, process: subprocess.Popen[bytes]) -> None:
        self.started.append(process)
        while self.waiting:
            process.send_signal(self.waiting.pop(0))

    def send(self, number: int) -> None:
        if not self.started:
            self.waiting.append(number)
        for child in self.started:
            child.send_signal(number)


@contextmanager
def _signals() -> Iterator[_Children]:
    """Ctrl-C is the program's: a terminal sends it to both. What only we get is passed on.

    A handler, not SIG_IGN: the child would inherit that. What we were started to ignore (nohup, a shell's background), the
    program inherits and ignores as it would alone.
    """
    children = _Children()

    def forward(number: int, _frame: Any) -> None:
        children.send(number)

    def ignore(_number: int, _frame: Any) -> None:
        return None

    handlers = {signal.SIGINT: ignore if _at_terminal() else forward, signal.SIGTERM: forward}
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = forward
    handlers = {number: own for number, own in handlers.items() if signal.getsignal(number) != signal.SIG_IGN}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield children
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _at_terminal() -> bool:
    """Whether a terminal controls us and we are in its foreground."""
    if os.name != "posix":
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
