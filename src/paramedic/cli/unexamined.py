"""What can be said about a run that was not examined to its end: killed, os._exit, a segmentation fault."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

from paramedic.catalogue import ROWS
from paramedic.cli.folders import Run
from paramedic.cli.process import signal_name
from paramedic.report.model import Report, RowStatus
from paramedic.trace.process import is_running
from paramedic.trace.store import FLUSH_SECONDS, TraceError, replace_meta

EXAMINE_TIMEOUT = 120  # seconds: reading a trace of the largest size and importing torch takes about 10


def how_it_ended(run: Run, returncode: int | None) -> str:
    """One sentence. ``returncode`` is the child's, negative for a signal, None if it has to be looked up."""
    if returncode is None and isinstance(known := run.trace.meta("returncode"), int):
        returncode = known
    running = returncode is None and is_running(run.trace.meta("process"))
    ended = run.trace.meta("ended")
    if isinstance(ended, dict):
        return _examination_ended(run, str(ended.get("kind")), returncode, bool(running))
    last = f"the last recorded step is {run.steps}" if run.steps else "no optimizer step was recorded"
    if running:
        return f"The program is still running: {last}"
    last = f"{last} (up to {FLUSH_SECONDS:.0f} s before the end may be missing)"
    if returncode is None:
        return f"The program {'was killed' if running is False else 'is still running, or was killed'}: {last}"
    if returncode < 0:
        return f"The program was killed by {signal_name(-returncode)}: {last}"
    return f"The program left Python with exit code {returncode}, as os._exit does: {last}"


def remember(run: Run, returncode: int) -> None:
    """Keep how the child left, for ``paramedic report`` later."""
    try:
        replace_meta(run.trace.path, "returncode", returncode)
    except TraceError:
        pass  # a full disk, a folder that is gone: it is said now, and will not be known later


def _examination_ended(run: Run, kind: str, returncode: int | None, running: bool) -> str:
    what = {"interrupted": "was interrupted", "crashed": "crashed"}.get(kind, "ended")
    after = f"after step {run.steps}" if run.steps else "without an optimizer step"
    if running:
        return f"The program {what} {after}; it is being examined"
    if returncode is not None and returncode < 0:
        return f"The program {what} {after}; its examination was killed by {signal_name(-returncode)}"
    notes = run.trace.meta("not_observed") or ["its examination failed"]
    return f"The program {what} {after}; {notes[0]}"


def program_failed(run: Run, returncode: int) -> bool:
    """Whether the program itself came to a bad end; ``returncode`` is the child's."""
    ended = run.trace.meta("ended")
    if not isinstance(ended, dict):
        return returncode != 0
    return bool(ended.get("exit_code")) or ended.get("kind") == "crashed"


def report_of(run: Run, ended: str) -> Report:
    """Every row is "not checked", with the reason; the program's end is its crash."""
    program = dict(run.trace.meta("program") or {})
    program |= {"steps": run.steps, "unexamined": ended}
    running = run.trace.meta("returncode") is None and is_running(run.trace.meta("process"))
    if run.trace.meta("ended") is None and not running:
        program["crashed"] = {"kind": "killed", "message": ended}
    why = "the program is still running" if running else "the program was not examined"
    return Report(
        findings=(),
        reasons={row.id: RowStatus("not-checked", why) for row in ROWS},
        program=program,
        cost=dict(run.trace.meta("cost") or {}),
        not_observed=tuple(map(str, run.trace.meta("not_observed") or ())),
        run=run.folder,
    )


def examined_from_trace(run: Run, ended: str) -> Report:
    """The checks that need no more than the trace, in a process of their own (they import torch)."""
    basic = report_of(run, ended)
    if not run.steps:
        return basic
    try:
        result = subprocess.run(
            [sys.executable, "-m", "paramedic.cli.examine_trace", str(run.trace.path)],
            capture_output=True,
            timeout=EXAMINE_TIMEOUT,
            check=False,
        )
        document: Any = json.loads(result.stdout) if result.returncode == 0 else None
        found = Report.from_json(document, run.folder) if document else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        found = None
    if found is None:
        return basic
    return replace(found, program=basic.program, cost=basic.cost, not_observed=basic.not_observed)
