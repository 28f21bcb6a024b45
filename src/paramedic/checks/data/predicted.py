"""What the trained network answers on the recorded rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.data.samples import Batch, Role, batches, class_labels, remembered
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.loss import class_dimension
from paramedic.trace.random_state import torch_state_kept

MOST_BATCHES = 60


@dataclass(frozen=True)
class Predicted:
    """Classes (n,) that the network gives, and the labels (n,) of different recorded rows."""

    classes: NDArray[np.int64]
    labels: NDArray[np.int64]


def predicted(case: Case, role: Role = "train") -> Predicted | None:
    """With the last weights, in evaluation mode; None where rows have no class label or the answers cannot be had."""
    return remembered(case.subject, ("predicted", role), lambda: _predicted(case, role))


def _predicted(case: Case, role: Role) -> Predicted | None:
    if case.data is not None:
        return None
    answers: list[NDArray[np.int64]] = []
    labels: list[NDArray[np.int64]] = []
    seen: set[int] = set()
    for batch in batches(case, role)[-MOST_BATCHES:]:
        given = class_labels(batch.target, batch.flow.loss)
        if given is None or len(given) != len(batch.inputs):
            continue
        found = _answers(case, batch)
        if found is None or len(found) != len(given):
            continue
        keys = row_hashes(batch.inputs)
        for other in batch.others:
            keys = keys * np.uint64(3) + row_hashes(other) if len(other) == len(keys) else keys
        new = [row for row, key in enumerate(keys.tolist()) if key not in seen]
        seen.update(keys.tolist())
        answers.append(found[new])
        labels.append(given[new].astype(np.int64))
    return Predicted(np.concatenate(answers), np.concatenate(labels)) if answers else None


def _answers(case: Case, batch: Batch) -> NDArray[np.int64] | None:
    with case.lab.at("final"):
        return answers(case, batch)


def values_in_evaluation(case: Case, batch: Batch) -> dict[int, Any] | None:
    """All values of a batch's tape by their numbers, computed in the network's present state and in evaluation mode; within
    ``lab.at``. None where the program's own code fails in it."""
    with torch.no_grad(), torch_state_kept():
        for module in case.lab.modules():
            module.eval()
        try:
            return batch.tape.run(modes=False)
        except Exception:  # the program's own code
            return None


def answers(case: Case, batch: Batch) -> NDArray[np.int64] | None:
    """The class that the network gives each row of a batch in its present state, in evaluation mode; within ``lab.at``. None
    where no output of the network is a score for each class."""
    assert batch.target is not None
    values = values_in_evaluation(case, batch)
    if values is None:
        return None
    outputs = [values.get(number) for number in (batch.flow.prediction, *batch.flow.node.outputs) if number is not None]
    for output in outputs:
        if isinstance(output, Tensor) and output.is_floating_point() and output.dim() and len(output) == len(batch.inputs):
            found = _class_of_each(output, batch)
            if found is not None:
                return found
    return None


def _class_of_each(output: Tensor, batch: Batch) -> NDArray[np.int64] | None:
    assert batch.target is not None
    if output.dim() == 2 and output.shape[1] >= 2:
        if batch.target.dim() == 1 and class_dimension(output, batch.target) is None:
            return None
        return output.argmax(dim=1).cpu().numpy()
    if output.numel() != len(output) or "binary_cross_entropy" not in (batch.flow.loss or ""):
        return None
    threshold = 0.0 if "logits" in (batch.flow.loss or "") else 0.5
    return (output.reshape(-1) > threshold).long().cpu().numpy()
