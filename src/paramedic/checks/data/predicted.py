"""What the trained network answers on the recorded rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.data.samples import CLASS_LOSSES, Batch, Role, batches, class_labels, remembered
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.pairing import Hashes
from paramedic.measurements.loss import class_dimension
from paramedic.trace.random_state import torch_state_kept

MOST_BATCHES = 60
MOST_PIXELS = 4_000_000
MOST_PIXEL_CLASSES = 250  # labels beyond stand for pixels that do not count (255, by custom), as negative ones do


@dataclass(frozen=True)
class Predicted:
    """Classes (n,) that the network gives, and the labels (n,) of different recorded rows."""

    classes: NDArray[np.int64]
    labels: NDArray[np.int64]


def predicted(case: Case, role: Role = "train") -> Predicted | None:
    """With the last weights, in evaluation mode; None where rows have no class label or the answers cannot be had. Rows of an
    evaluation that were trained on are none of validation."""
    return remembered(case.subject, ("predicted", role), lambda: _predicted(case, role))


def _predicted(case: Case, role: Role) -> Predicted | None:
    if case.data is not None:
        return None
    answers: list[NDArray[np.int64]] = []
    labels: list[NDArray[np.int64]] = []
    seen: set[int] = _trained_keys(case) if role == "validation" else set()
    for batch in batches(case, role)[-MOST_BATCHES:]:
        given = class_labels(batch.target, batch.flow.loss)
        if given is None or len(given) != len(batch.inputs):
            continue
        found = _answers(case, batch)
        if found is None or len(found) != len(given):
            continue
        keys = _keys_of(batch)
        new = [row for row, key in enumerate(keys.tolist()) if key not in seen]
        seen.update(keys.tolist())
        answers.append(found[new])
        labels.append(given[new].astype(np.int64))
    return Predicted(np.concatenate(answers), np.concatenate(labels)) if sum(map(len, labels)) else None


@dataclass(frozen=True)
class Pixels:
    """Classes (n,) that the network gives pixels, their labels (n,), and the number of the picture of each (n,)."""

    classes: NDArray[np.int64]
    labels: NDArray[np.int64]
    pictures: NDArray[np.int64]


def pixels(case: Case) -> Pixels | None:
    """Of recorded pictures whose every pixel has a class, by the network in its present state and in evaluation mode; within
    ``lab.at``. None where there are no such, or the answers cannot be had."""
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
    count = pictures = 0
    seen: set[int] = set()
    for batch in batches(case)[-MOST_BATCHES:]:
        labels = _pixel_labels(batch)
        if labels is None or count > MOST_PIXELS:
            continue
        values = values_in_evaluation(case, batch)
        output = values.get(batch.flow.prediction) if values is not None and batch.flow.prediction is not None else None
        classes = _class_of_each_pixel(output, labels, batch) if isinstance(output, Tensor) else None
        if classes is None:
            continue
        keys = _keys_of(batch).tolist()
        new = torch.tensor([key not in seen for key in keys])
        seen.update(keys)
        known = (labels >= 0) & (labels < MOST_PIXEL_CLASSES) & new[:, None, None]
        number = torch.arange(pictures, pictures + len(labels)).reshape(-1, 1, 1).expand_as(labels)
        parts.append((classes[known].numpy(), labels[known].numpy(), number[known].numpy()))
        count, pictures = count + labels.numel(), pictures + len(labels)
    return Pixels(*(np.concatenate(part) for part in zip(*parts, strict=True))) if parts else None


def _pixel_labels(batch: Batch) -> Tensor | None:
    """(b, H, W) class numbers where the target has one for each pixel of the inputs."""
    if batch.target is None or batch.inputs.dim() != 4 or batch.flow.loss not in CLASS_LOSSES:
        return None
    target = batch.target[:, 0] if batch.target.dim() == 4 and batch.target.shape[1] == 1 else batch.target
    if target.dim() != 3 or target.shape[1:] != batch.inputs.shape[2:]:
        return None
    if target.is_floating_point() and not bool(((target == 0) | (target == 1)).all()):
        return None
    return target.long().cpu()


def _class_of_each_pixel(output: Tensor, labels: Tensor, batch: Batch) -> Tensor | None:
    if output.dim() == 4 and output.shape[1] >= 2 and batch.flow.loss in ("cross_entropy", "nll_loss"):
        found = output.argmax(dim=1)
    elif "binary_cross_entropy" in (batch.flow.loss or "") and output.numel() == labels.numel():
        found = (output > (0.0 if "logits" in (batch.flow.loss or "") else 0.5)).long().reshape(labels.shape)
    else:
        return None
    return found.cpu() if found.shape == labels.shape else None


def _keys_of(batch: Batch) -> Hashes:
    """Hashes of the rows of a batch with all that enters the network."""
    keys = row_hashes(batch.inputs)
    for other in batch.others:
        keys = keys * np.uint64(3) + row_hashes(other) if len(other) == len(keys) else keys
    return keys


def _trained_keys(case: Case) -> set[int]:
    return {key for batch in batches(case) for key in _keys_of(batch).tolist()}


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
