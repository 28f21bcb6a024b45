"""Tells our own request to stop from the program's errors without importing torch."""

from __future__ import annotations


class StopProgram(BaseException):
    """Ends the program, because of ``--steps`` ("steps-reached") or ``--fail-fast`` ("fault-found").

    It passes through ``except Exception``.
    """

    def __init__(self, why: str = "steps-reached") -> None:
        super().__init__(why)
        self.why = why


def is_stop(error: BaseException) -> bool:
    """Whether ``error`` is ours."""
    return isinstance(error, StopProgram)
