"""The rows that findings speak of, as people look at them: pictures, a drawn series, or cells of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.checks.data.samples import Rows, rows
from paramedic.diagnosis.exhibits.data import kind_of, pictures
from paramedic.diagnosis.exhibits.rows import shown_rows
from paramedic.report.pictures import Picture, png_of

MOST_SHOWN = 12  # of a finding


def suspects(case: Case) -> dict[str, Any] | None:
    """check -> what ``shown_samples`` gives, of every finding of a run that names rows."""
    found: dict[str, Any] = {}
    for finding in case.findings:
        samples: Any = finding.extra.get("samples") or ("train", ())
        role, chosen = samples
        if not chosen or finding.check in found:
            continue
        try:
            shown = shown_samples(rows(case, role), chosen)
            found[finding.check] = {
                key: asdict(part) if key == "rows" else list(map(asdict, part)) for key, part in shown.items()
            }
        except (NotApplicable, NotChecked):  # its rows are not those that are at hand
            continue
    return found or None


def shown_samples(found: Rows, chosen: Sequence[Any]) -> dict[str, Any]:
    """"pictures" of the first rows with their names and labels, or "rows" where they are no pictures."""
    chosen = [int(row) for row in chosen[:MOST_SHOWN]]
    names, labels = found.names(chosen, MOST_SHOWN), [_label(found, row) for row in chosen]
    images: list[str | None] = [png_of(found.inputs[row]) for row in chosen]
    if all(image is None for image in images):
        columns = found.split.columns if found.split is not None else ()
        if columns or kind_of(found.inputs[:64]) != "image":
            return {"rows": shown_rows(found.inputs, chosen, names, labels, columns)}
        images = [*pictures(found.inputs[torch.tensor(chosen)])]  # pixels in a row
    return {
        "pictures": tuple(
            Picture(f"{name} ({label})" if label else name, image)
            for name, label, image in zip(names, labels, images, strict=True)
            if image is not None
        )
    }


def _label(found: Rows, row: int) -> str:
    target = found.target
    if target is None or target[row].numel() != 1:
        return ""
    if target.is_floating_point():
        return f"{float(target[row]):.4g}"
    number = int(target[row])
    classes = found.split.classes if found.split is not None else ()
    return str(classes[number] if 0 <= number < len(classes) else number)
