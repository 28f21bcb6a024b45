"""Suspect rows that are no pictures: cells of a table, tokens, or a drawn series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.diagnosis.exhibits.data import TOKENS, kind_of, series_of

COLUMNS = 8  # of a table, those in which the shown rows lie farthest from the others
FAR = 3.5  # interquartile ranges from the median, from which a cell is marked (Tukey 1977: far out, 3 beyond a quartile)
COMPARED = 4096  # rows that median and range are taken from


@dataclass(frozen=True)
class Cell:
    text: str
    marked: bool = False


@dataclass(frozen=True)
class ShownRow:
    """name: what people call the row. series: (channels, points) of one that is drawn, else ()."""

    name: str
    label: str
    cells: tuple[Cell, ...] = ()
    series: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class ShownRows:
    """columns: heads of the cells. left_out: columns of the data that are not shown."""

    columns: tuple[str, ...]
    rows: tuple[ShownRow, ...]
    left_out: int = 0


def shown_rows(
    inputs: Tensor, chosen: Sequence[int], names: Sequence[str], labels: Sequence[str], columns: Sequence[str] = ()
) -> ShownRows:
    """The ``chosen`` rows of (n, ...) inputs, with their names and labels; columns: names of the features."""
    kind = "table" if columns else kind_of(inputs[:64])
    picked = inputs[torch.tensor(list(chosen))].detach().cpu()
    if kind == "series":
        drawn = series_of(picked)
        return ShownRows((), tuple(map(ShownRow, names, labels, [()] * len(drawn), drawn)))
    flat = picked.reshape(len(picked), -1)
    width = flat.shape[1]
    if kind == "tokens":
        shown = [tuple(Cell(str(int(token))) for token in row[:TOKENS]) for row in flat]
        return ShownRows((), tuple(map(ShownRow, names, labels, shown)), max(0, width - TOKENS))
    distance = _distance(inputs.detach().cpu().reshape(len(inputs), -1)[_part(len(inputs))].double(), flat.double())
    order = torch.argsort(-distance.amax(dim=0), stable=True)[:COLUMNS].sort().values.tolist()
    heads = tuple(columns[k] if k < len(columns) else f"feature {k}" for k in order)
    rows = tuple(
        ShownRow(name, label, tuple(Cell(_text(row[k]), bool(far[k] > FAR)) for k in order))
        for name, label, row, far in zip(names, labels, flat, distance, strict=True)
    )
    return ShownRows(heads, rows, width - len(order))


def _part(rows: int) -> slice:
    return slice(None, None, max(1, rows // COMPARED))


def _distance(others: Tensor, rows: Tensor) -> Tensor:
    """(n, d) distances from each feature's median, in its interquartile range (where that is zero, any is far)."""
    nan = torch.where(torch.isfinite(others), others, torch.full_like(others, torch.nan))
    low, middle, high = (torch.nanquantile(nan, share, dim=0) for share in (0.25, 0.5, 0.75))
    away = (rows - middle).abs()
    away = torch.where(away == 0, away, away / (high - low))
    return torch.where(torch.isfinite(rows), torch.nan_to_num(away, nan=0.0), torch.full_like(away, torch.inf))


def _text(value: Tensor) -> str:
    number = value.item()
    return f"{number:.4g}" if isinstance(number, float) else str(number)
