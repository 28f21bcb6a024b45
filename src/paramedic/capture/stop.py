"""Tells our own request to stop from the program's errors without importing torch."""

from __future__ import annotations


class StopProgram(BaseException):
    """Ends the program after ``--steps`` optimizer steps; passes through ``except Exception``."""


def is_stop(error: BaseException) -> bool:
    """Whether ``error`` is ours."""
    return isinstance(error, StopProgram)
