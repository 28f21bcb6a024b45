"""Whether a prediction depends on where the padding is, or on which values are missing, and on no value."""

from __future__ import annotations

import torch
from torch import Tensor

from paramedic.experiments.operations import Operation, Operations
from paramedic.measurements.data.padded import padding_of

MOST_COLUMNS = 4096
KEEPS_WHERE_TRUE = frozenset({"scaled_dot_product_attention"})  # elsewhere True in a mask means hidden


def filled_steps(rows: Tensor) -> Tensor | None:
    """(b, length): where rows (b, length, ...) hold content; None unless some rows end with padding, and all with nothing else.

    A picture whose last pixels are black has black ones elsewhere as well.
    """
    padding = padding_of([rows])
    if padding is None:
        return None
    filled = (rows.reshape(*rows.shape[:2], -1).double() != padding).any(2)
    up_to = filled.flip(1).cummax(1).values.flip(1)
    return filled if bool((filled == up_to).all()) and not bool(filled.all()) else None


def exchanged(rows: Tensor, filled: Tensor) -> Tensor | None:
    """The rows with the content of every step exchanged among the samples, the padding left where it is; None where that
    changes less than half of the samples."""
    other = rows.clone()
    for step in range(rows.shape[1]):
        samples = filled[:, step].nonzero().flatten()
        other[samples, step] = rows[samples.flip(0), step]
    changed = (other != rows).reshape(len(rows), -1).any(1)
    return other if int(changed.sum()) > len(rows) // 2 else None


def contents_exchanged(moved: dict[int, Tensor], inputs: dict[int, Tensor]) -> tuple[dict[int, Tensor], Tensor] | None:
    """New values for the padded ones of the inputs (by number), and where the first of them has content.

    None where an input is more than padded rows, their lengths and masks: what they don't say, it may.
    """
    found: dict[int, Tensor] = {}
    places: Tensor | None = None
    for number in moved:
        value = inputs[number]
        filled = filled_steps(value) if value.dim() >= 2 and value.dtype != torch.bool else None
        other = exchanged(value, filled) if filled is not None else None
        if other is not None:
            found[number], places = other, filled if places is None else places
        elif value.dim() > 1 and value.dtype != torch.bool and bool((value != value.flatten()[0]).any()):
            return None
    return (found, places) if places is not None else None


def gaps_exchanged(rows: Tensor) -> tuple[Tensor, Tensor] | None:
    """Rows (b, ...) whose values are exchanged among the samples, column by column, with the missing ones (not a number)
    left missing where they are; and where there is a value, (b, ...). None where nothing is missing, or all.
    """
    known = ~torch.isnan(rows) if rows.is_floating_point() and rows.dim() >= 2 else torch.ones(1, dtype=torch.bool)
    if bool(known.all()) or not bool(known.any()):
        return None
    flat, present = rows.flatten(1).clone(), known.flatten(1)
    for column in range(min(flat.shape[1], MOST_COLUMNS)):
        samples = present[:, column].nonzero().flatten()
        flat[samples, column] = flat[samples.flip(0), column]
    changed = (flat != rows.flatten(1)) & present
    return (flat.reshape(rows.shape), known) if int(changed.any(1).sum()) > len(rows) // 2 else None


def hiding(log: Operations, filled: Tensor) -> Operation | None:
    """The first operation with a mask that hides what has content."""
    for call in log.calls:
        wanted = ~filled if call.name in KEEPS_WHERE_TRUE else filled
        for item in call.inputs:
            if item.numel() != filled.numel() or (item.dtype != torch.bool and not item.is_floating_point()):
                continue
            mask = item.detach().reshape(filled.shape)
            if bool(((mask if item.dtype == torch.bool else mask == -torch.inf) == wanted).all()):
                return call
    return None
