"""What experiments on several processors gain: the seconds of an examination on one processor and on all.

    python -m benchmarks.side_by_side [--pairs 2] [--budget 60] [PROGRAM ...]

Each program is run in pairs: on one processor, to which the command is bound, and on all. The findings must be the same.
The machine should have nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.programs import ROOT, TIMEOUT

PROGRAMS = (
    "R05/relation_too_random", "R08/minority_class_ignored", "R12/unstandardized_input", "R13/augmentation_too_strong",
    "R24/network_too_small", "R30/too_much_regularization", "R35/vanishing_gradients", "R36/learning_rate_too_low",
)  # fmt: skip


def examined(script: Path, budget: float, processors: set[int]) -> dict[str, Any]:
    """The report of a run that may use these processors only."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "paramedic", "run", "--dir", folder, "--budget", str(budget), "--fail-on", "never",
            "--format", "json", "--output", str(output), str(script),
        ]  # fmt: skip
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, processors)  # the command inherits it
        try:
            subprocess.run(command, cwd=ROOT, capture_output=True, timeout=TIMEOUT, check=False)
        finally:
            os.sched_setaffinity(0, before)
        found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        return found


def told(report: dict[str, Any]) -> list[Any]:
    return [(item["check"], item["level"], item["where"], item["proof"]) for item in report["findings"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", default=PROGRAMS, help="as R36/learning_rate_too_low")
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--budget", type=float, default=60.0)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    every = os.sched_getaffinity(0)
    print("| program | one processor | all | processes | the same findings |\n|---|---|---|---|---|")
    for name in options.programs:
        script = ROOT / "programs" / name / "faulty.py"
        ones, alls, counts, same = [], [], [], 0
        for _ in range(options.pairs):
            one, several = examined(script, options.budget, {min(every)}), examined(script, options.budget, every)
            ones.append(one["cost"]["experiments_s"])
            alls.append(several["cost"]["experiments_s"])
            counts.append(several["cost"]["processes"])
            same += told(one) == told(several)
        print(
            f"| {name} | {statistics.median(ones):.1f} s | {statistics.median(alls):.1f} s | {max(counts)} "
            f"| {same} of {options.pairs} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
