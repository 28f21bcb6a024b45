"""Losses that lie in a device's memory, on their way to the trace: the program never waits for them.

Reading a number from a GPU waits until everything before it has been computed (PyTorch's notes on CUDA semantics,
"Asynchronous execution"). So losses are copied to page-locked memory while the device goes on, and written when they
have arrived. Other devices than CUDA's have no such copies here: their losses are read many at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from paramedic.trace.store import StepRow

MOST_WAITING = 64  # losses that are read in one go


class LateLosses:
    """Rows whose losses are not known yet; ``write`` gets each of them with its loss, in the order of ``add``."""

    def __init__(self, write: Callable[[StepRow], None]) -> None:
        self._write = write
        self._rows: list[StepRow] = []
        self._losses: list[Tensor] = []
        self._leaving: list[tuple[list[StepRow], Tensor, torch.cuda.Event]] = []

    def add(self, row: StepRow, loss: Tensor) -> None:
        """loss: of one element, detached."""
        self._rows.append(row)
        self._losses.append(loss)
        if len(self._losses) >= MOST_WAITING:
            self.look()

    def look(self) -> None:
        """Write what has arrived, and send what waits on its way."""
        while self._leaving and self._leaving[0][2].query():
            rows, values, _ = self._leaving.pop(0)
            self._arrived(rows, values.tolist())
        if not self._losses:
            return
        if all(loss.is_cuda for loss in self._losses):
            self._send()
        elif len(self._losses) >= MOST_WAITING:
            self.flush()

    def _send(self) -> None:
        rows, losses = self._taken()
        together = _together(losses)  # without torch.no_grad, which the observer takes for a beginning evaluation
        values = torch.empty(len(rows), dtype=together.dtype, device="cpu", pin_memory=True)
        values.copy_(together, non_blocking=True)
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(together.device))
        self._leaving.append((rows, values, event))

    def _taken(self) -> tuple[list[StepRow], list[Tensor]]:
        taken = self._rows, self._losses
        self._rows, self._losses = [], []
        return taken

    def flush(self) -> None:
        """Write all rows, whatever it takes; without their losses where the device has failed."""
        leaving, self._leaving = self._leaving, []
        rows, losses = self._taken()
        try:
            for _, _, event in leaving:
                event.synchronize()
            last = _together(losses).tolist() if losses else []
        except RuntimeError:  # a device-side assertion: nothing can be read from it any more
            for some in (*(item[0] for item in leaving), rows):
                self._arrived(some, [math.nan] * len(some))
            return
        for some, values, _ in leaving:
            self._arrived(some, values.tolist())
        self._arrived(rows, last)

    def _arrived(self, rows: Sequence[StepRow], values: Sequence[float]) -> None:
        for row, value in zip(rows, values, strict=True):
            self._write(row._replace(loss=value))


def _together(losses: Sequence[Tensor]) -> Tensor:
    """(n,) of losses of one element each, in the widest of their types; on the last one's device."""
    if len({(loss.dtype, loss.device, loss.dim()) for loss in losses}) == 1:  # ten times as fast as one by one
        return torch.stack(list(losses)).flatten()
    dtype = torch.float64 if any(loss.dtype == torch.float64 for loss in losses) else torch.float32
    return torch.stack([loss.reshape(()).to(losses[-1].device, dtype) for loss in losses])
