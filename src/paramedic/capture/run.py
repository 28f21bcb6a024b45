"""``paramedic.run("train.py", ["--epochs", "3"])``: the command, from Python."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from paramedic.report.model import Report


def run(
    script: str, arguments: Sequence[str] = (), *, budget: float = 60.0, steps: int | None = None
) -> Report:
    """Run a training program in a process of its own and return its report.

    The program's output goes to this process's standard error. Raises RuntimeError with the command's last line
    if no report came of it (no such script, a syntax error).
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        options = ["--budget", str(budget), "--format", "json", "--output", str(output)]
        if steps is not None:
            options += ["--steps", str(steps)]
        command = [sys.executable, "-m", "paramedic", "run", *options, script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        sys.stderr.write(done.stdout)
        if not output.is_file():
            lines = done.stderr.strip().splitlines()
            raise RuntimeError(
                lines[-1] if lines else f"paramedic run ended with exit code {done.returncode}"
            )
        return Report.from_json(json.loads(output.read_text(encoding="utf-8")))
