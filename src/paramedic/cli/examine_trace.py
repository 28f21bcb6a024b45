"""``python -m paramedic.cli.examine_trace TRACE``: prints the report of the checks that need only a trace."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    from paramedic.checks.case import Case
    from paramedic.diagnosis.examine import make_report
    from paramedic.trace.store import Trace

    report = make_report(Case(Trace(Path(sys.argv[1]))), program={}, cost={})
    sys.stdout.write(report.dumps())


if __name__ == "__main__":
    main()
