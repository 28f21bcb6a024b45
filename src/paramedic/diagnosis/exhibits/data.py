"""The data as the network sees them: samples of recorded batches with their targets, counts and value histograms."""

from __future__ import annotations

import base64
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.checks.data.samples import Batch, Role, batches
from paramedic.report.pictures import png
from paramedic.trace.dataset import DataRecord

SAMPLES = 20
SAMPLES_VALIDATION = 10
PICTURE = 40  # pixels on a side at most
COLUMNS = 24  # of a table
POINTS = 128  # of a series
CHANNELS = 6
TOKENS = 48
TARGET_VALUES = 6
CLASSES = 30
VALUES = 200_000  # for a histogram
BINS = 40
# Neighbouring rows of a folded photograph or digit correlate at 0.4 to 0.95, those of a folded table below 0.2.
FOLDED_CORRELATION = 0.35
ENDS = 0.75
SERIES_CORRELATION = 0.6  # of neighbours in a row, taken over rows: a table's columns lie below 0.4


def data(case: Case) -> dict[str, Any] | None:
    """Per role: kind, shape, samples; plus class counts and value histograms of both roles on one scale."""
    if case.live is None:
        return None
    roles: tuple[Role, ...] = ("train", "validation")
    recorded = {role: list(batches(case, role)) for role in roles}
    first = {role: found[0] for role, found in recorded.items() if found}
    if "train" not in first:
        return None
    names = {role: _class_names(case, batch) for role, batch in first.items()}
    kind = kind_of(first["train"].inputs[:64])
    parts = {role: _parts(recorded[role]) for role in first}
    return _exhibit(parts, kind, names, _vocabulary(first["train"].module))


def data_of(record: DataRecord) -> dict[str, Any] | None:
    """The same of a data set without a program; None where there is no training split."""
    splits = {role: split for role, split in record.splits.items() if len(split.inputs)}
    if "train" not in splits:
        return None
    names = {role: list(split.classes) or None for role, split in splits.items()}
    parts = {role: [Part(split.inputs, split.target)] for role, split in splits.items()}
    columns = record.train.columns
    kind = "table" if columns else kind_of(record.train.inputs[:64])
    return _exhibit(parts, kind, names, None) | {"columns": list(columns[:COLUMNS])}


@dataclass(frozen=True)
class Part:
    """Rows that stand together: inputs (n, ...), target (n, ...) or None."""

    inputs: Tensor
    target: Tensor | None


def _parts(recorded: list[Batch]) -> list[Part]:
    return [Part(batch.inputs, batch.target) for batch in recorded]


def _exhibit(
    recorded: Mapping[Role, list[Part]],
    kind: str,
    names: Mapping[Role, list[str] | None],
    vocabulary: dict[int, str] | None,
) -> dict[str, Any]:
    counts = {"train": SAMPLES, "validation": SAMPLES_VALIDATION}
    alike = {role: found for role, found in recorded.items() if _row(found) == _row(recorded["train"])}
    kinds = {role: kind if role in alike else kind_of(found[0].inputs[:64]) for role, found in recorded.items()}
    shown = {role: _role(found, kinds[role], counts[role], names[role], vocabulary) for role, found in recorded.items()}
    return {"kind": kind, "roles": shown, "values": _values(alike), "features": _features(recorded, kind)}


def _row(found: list[Part]) -> tuple[int, bool, int]:
    """What rows of one kind share: a generator is validated on noise and trains on pictures. Lengths of texts and
    sizes of pictures may differ, the width of a table may not.
    """
    inputs = found[0].inputs
    table = inputs.dim() == 2 and inputs.is_floating_point()
    return inputs.dim(), inputs.is_floating_point(), inputs.shape[1] if table else 0


def kind_of(inputs: Tensor) -> str:
    """"image", "table", "series", "tokens" or "vectors" (anything else), by shape, type and correlation of neighbours."""
    shape = inputs.shape[1:]
    if not inputs.is_floating_point() and inputs.dtype != torch.uint8:
        return "tokens" if inputs.dim() == 2 and inputs.shape[1] > 1 else "table" if inputs.dim() <= 2 else "vectors"
    if len(shape) == 3 and (shape[0] in (1, 3, 4) or shape[2] in (1, 3, 4)):
        return "image"
    if len(shape) == 3:
        return "image"  # its channels' mean
    if len(shape) == 2:
        square = shape[0] == shape[1] and shape[0] >= 8
        return "image" if square or min(shape) > CHANNELS else "series"
    if len(shape) == 1:
        side = round(shape[0] ** 0.5)
        if side * side == shape[0] and side >= 6:
            folded = inputs.float().reshape(-1, side, side)
            within = _correlation(folded[:, :, 1:], folded[:, :, :-1])
            around = _correlation(folded[:, 1:, 0], folded[:, :-1, -1])  # as high as within in a series, which has no ends
            if _correlation(folded[:, 1:], folded[:, :-1]) > FOLDED_CORRELATION and around < ENDS * within:
                return "image"
        if shape[0] >= 12 and _correlation(inputs[:, 1:].float(), inputs[:, :-1].float()) > SERIES_CORRELATION:
            return "series"
        return "table"
    return "table" if not shape else "vectors"


def _correlation(one: Tensor, other: Tensor) -> float:
    """Of neighbours, after each position's own mean is taken away: columns of different units count nothing."""
    one, other = (one - one.mean(0)).flatten(), (other - other.mean(0)).flatten()
    norm = float(one.norm() * other.norm())
    return float(one @ other) / norm if norm > 0 else 0.0


def _role(
    recorded: list[Part], kind: str, count: int, names: list[str] | None, vocabulary: dict[int, str] | None
) -> dict[str, Any]:
    first = recorded[0]
    shape = tuple(first.inputs.shape)
    rows = [
        (batch.inputs[row], batch.target[row] if batch.target is not None else None)
        for batch in recorded[:4]
        if tuple(batch.inputs.shape[1:]) == shape[1:]
        for row in range(len(batch.inputs))
    ]
    chosen = [rows[at * len(rows) // min(count, len(rows))] for at in range(min(count, len(rows)))]
    inputs = torch.stack([row for row, _ in chosen]).detach().cpu()
    shown = _tokens(inputs, vocabulary) if kind == "tokens" else _SHOWN[kind](inputs)
    return {
        "kind": kind,
        "shape": list(shape),
        "dtype": str(first.inputs.dtype).removeprefix("torch."),
        "target_shape": list(first.target.shape) if first.target is not None else None,
        "range": [float(inputs.float().min()), float(inputs.float().max())],
        "samples": [
            {"show": show, "target": _target(target, names, vocabulary if _alike(row, target) else None)}
            for show, (row, target) in zip(shown, chosen, strict=True)
        ],
        "classes": _class_counts(recorded, names),
    }


# -- samples --------------------------------------------------------------------------------------------------------


def pictures(inputs: Tensor) -> list[str]:
    """PNG in base64 of (n, ...) pictures or rows of pixels, on one scale of grey."""
    values = torch.nan_to_num(inputs.float(), nan=0.0, posinf=0.0, neginf=0.0)
    if values.dim() == 2:
        side = round(values.shape[1] ** 0.5)
        values = values.reshape(-1, 1, side, side)
    elif values.dim() == 3:
        values = values.unsqueeze(1)
    elif values.shape[1] not in (1, 3, 4) and values.shape[-1] in (1, 3, 4):
        values = values.movedim(-1, 1)
    values = values[:, :3] if values.shape[1] in (3, 4) else values.mean(1, keepdim=True)
    size = (min(PICTURE, values.shape[2]), min(PICTURE, values.shape[3]))
    values = nn.functional.adaptive_avg_pool2d(values, size)
    low, high = values.amin(), values.amax()
    scaled = ((values - low) / (high - low).clamp_min(1e-12) * 255).round().to(torch.uint8)
    return [base64.b64encode(png(picture.movedim(0, -1))).decode() for picture in scaled]


def _pictures(inputs: Tensor) -> list[Any]:
    return [f"data:image/png;base64,{picture}" for picture in pictures(inputs)]


def _table(inputs: Tensor) -> list[Any]:
    return [[_short(value) for value in row.flatten()[:COLUMNS]] for row in inputs]


def series_of(inputs: Tensor) -> list[Any]:
    """Per sample, a list of channels, each a list of at most POINTS values."""
    values = inputs.float()
    if values.dim() == 2:
        values = values.unsqueeze(1)
    elif values.shape[1] > values.shape[2]:
        values = values.movedim(1, 2)
    stride = max(1, -(-values.shape[2] // POINTS))
    return [[[_short(value) for value in channel[::stride]] for channel in row[:CHANNELS]] for row in values]


def _tokens(inputs: Tensor, vocabulary: dict[int, str] | None) -> list[Any]:
    rows = [[int(token) for token in row[:TOKENS]] for row in inputs]
    if vocabulary is None:
        return [{"ids": row} for row in rows]
    return [{"ids": row, "text": [vocabulary.get(token, "?")[:40] for token in row]} for row in rows]


_SHOWN = {"image": _pictures, "table": _table, "series": series_of, "vectors": _table}


def _short(value: Any) -> float | int | str:
    number = value.item()
    return float(f"{number:.4g}") if isinstance(number, float) else number


def _vocabulary(module: nn.Module) -> dict[int, str] | None:
    """A token's text by its number: the one mapping or list of the program's main module with as many entries as the
    only size of embedding (or a tokenizer of that size); None if there is none, or more than one.
    """
    sizes = {item.num_embeddings for item in module.modules() if isinstance(item, nn.Embedding)}
    found = [
        words for value in list(vars(sys.modules.get("__main__", sys)).values()) if (words := _words(value, sizes))
    ]
    unique = [words for at, words in enumerate(found) if words not in found[:at]]
    return unique[0] if len(unique) == 1 else None


def _words(value: Any, sizes: set[int]) -> dict[int, str] | None:
    if isinstance(value, (str, list, tuple)) and len(value) in sizes and len(set(map(str, value))) == len(value):
        return dict(enumerate(value)) if all(isinstance(item, str) for item in value) else None
    if isinstance(value, dict) and len(value) in sizes:
        if all(isinstance(k, str) and type(v) is int for k, v in value.items()):
            return {number: word for word, number in value.items()}
        if all(type(k) is int and isinstance(v, str) for k, v in value.items()):
            return dict(value)
        return None
    get = getattr(value, "get_vocab", None)  # a tokenizer of transformers or tokenizers
    if callable(get) and not isinstance(value, type):
        vocabulary = get()
        if isinstance(vocabulary, dict) and any(len(vocabulary) <= size <= len(vocabulary) + 1000 for size in sizes):
            return {number: word for word, number in vocabulary.items()}
    return None


# -- targets --------------------------------------------------------------------------------------------------------


def _class_names(case: Case, batch: Batch) -> list[str] | None:
    source = batch.input_leaf.source
    if source is None or source.loader is None:
        return None
    names = getattr(case.setup.loaders[source.loader].dataset, "classes", None)
    return [str(name)[:60] for name in names] if isinstance(names, (list, tuple)) else None


def _alike(row: Tensor, target: Tensor | None) -> bool:
    """Whether the target is of tokens too, one for each of the row: a single number may be a class."""
    return target is not None and not target.is_floating_point() and target.dim() > 0 and target.shape == row.shape


def _target(target: Tensor | None, names: list[str] | None, vocabulary: dict[int, str] | None = None) -> str | None:
    if target is None:
        return None
    if vocabulary is not None:
        words = [vocabulary.get(int(token), "?") for token in target[:TOKENS]]
        return ("" if all(len(word) == 1 for word in words) else " ").join(words)
    values = target.detach().cpu().flatten()
    if values.numel() == 1 and not values.is_floating_point() and names and 0 <= int(values) < len(names):
        return names[int(values)]
    text = ", ".join(str(_short(value)) for value in values[:TARGET_VALUES])
    return text + (f", … ({values.numel()} values)" if values.numel() > TARGET_VALUES else "")


def _class_counts(recorded: list[Part], names: list[str] | None) -> list[tuple[str, int]] | None:
    """Of all recorded batches; None where targets are no classes."""
    counts: Counter[int] = Counter()
    for batch in recorded:
        if batch.target is None or batch.target.is_floating_point() or batch.target.dim() > 1:
            return None
        counts.update(batch.target.detach().cpu().tolist())
    if len(counts) > CLASSES:
        return None
    return [(names[key] if names and 0 <= key < len(names) else str(key), counts[key]) for key in sorted(counts)]


# -- values ---------------------------------------------------------------------------------------------------------


def _all(recorded: list[Part]) -> Tensor:
    values = torch.cat([batch.inputs.detach().flatten().float().cpu() for batch in recorded])
    return values[:: max(1, values.numel() // VALUES)]


def _values(recorded: Mapping[Role, list[Part]]) -> dict[str, Any] | None:
    """Histograms of input values of both roles over one range, as shares."""
    if not recorded["train"][0].inputs.is_floating_point():
        return None
    parts = {role: _all(found) for role, found in recorded.items()}
    finite = {role: part[torch.isfinite(part)] for role, part in parts.items()}
    together = torch.cat(list(finite.values()))
    if together.numel() < 2 or float(together.max()) <= float(together.min()):
        return None
    low, high = float(together.min()), float(together.max())
    return {
        "low": low,
        "high": high,
        "roles": {
            role: {
                "shares": [round(float(x), 5) for x in torch.histc(part, BINS, low, high) / max(1, part.numel())],
                "mean": _short(part.mean()),
                "std": _short(part.std()),
                "nonfinite": int(parts[role].numel() - part.numel()),
            }
            for role, part in finite.items()
            if part.numel() > 1
        },
    }


def _features(recorded: Mapping[Role, list[Part]], kind: str) -> list[dict[str, Any]] | None:
    """Mean and standard deviation of every column, training beside validation."""
    if kind != "table" or recorded["train"][0].inputs.dim() != 2:
        return None
    width = recorded["train"][0].inputs.shape[1]
    parts = {
        role: torch.cat([batch.inputs.detach().float().cpu() for batch in found if batch.inputs.dim() == 2])
        for role, found in recorded.items()
        if found[0].inputs.shape[1:] == (width,)
    }
    return [
        {
            "column": column,
            **{
                role: [_short(f(rows[:, column])) for f in (torch.mean, torch.std, torch.min, torch.max)]
                for role, rows in parts.items()
                if len(rows) > 1
            },
        }
        for column in range(min(width, COLUMNS))
    ]
