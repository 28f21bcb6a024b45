"""What the callbacks of all frameworks share: one watch that begins and ends with the training."""

from __future__ import annotations

import sys

from paramedic.capture.watch import Watch
from paramedic.report.model import Report


class Observation:
    """A watch that a callback opens and closes. A problem of ours is a line on stderr, never an exception."""

    def __init__(self, budget: float, print_report: bool) -> None:
        self.budget = budget
        self.print_report = print_report
        self.report: Report | None = None
        self._watch: Watch | None = None

    def begin(self) -> None:
        if self._watch is not None:  # the training before ended in an exception, of which no callback hears
            self.end()
        watch = Watch(budget=self.budget)
        try:
            watch.__enter__()
        except Exception as error:  # another watch is active, or no folder can be written
            print(f"paramedic: this training is not observed: {error}", file=sys.stderr)
            return
        self._watch = watch

    def end(self, error: BaseException | None = None) -> None:
        watch, self._watch = self._watch, None
        if watch is None:
            return
        try:
            watch.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
            self.report = watch.report
            if self.print_report:
                print(self.report)
        except Exception as problem:
            print(f"paramedic: no report: {type(problem).__name__}: {problem}", file=sys.stderr)
