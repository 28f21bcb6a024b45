"""A data set read on a Ray cluster of two nodes, one of which is killed midway: the local result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from paramedic.diagnosis.audit import examine_data
from paramedic.report.model import Report
from paramedic.sources.target import Wanted, open_text
from paramedic.trace.dataset import DataRecord


def picture_folder(folder: Path) -> Path:
    """Digits in class folders: a truncated file, and 5 % in a wrong folder."""
    digits = load_digits()
    for row, (image, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        label = (label + 1) % 10 if row % 20 == 0 else label
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15.9).astype(np.uint8)).save(folder / str(label) / f"{row}.png")
    broken = folder / "3" / "3.png"
    broken.write_bytes(broken.read_bytes()[:60])
    return folder


def read(folder: Path, monkeypatch: pytest.MonkeyPatch, wanted: Wanted) -> DataRecord:
    monkeypatch.chdir(folder.parent)
    return open_text(folder.name, wanted)


def facts(record: DataRecord, folder: Path) -> tuple[Any, ...]:
    """All that is the same to the last bit, whoever read the parts."""
    folder.mkdir()
    report: Report = examine_data(record, folder, ["data", "digits"])
    assert not report.errors
    train = record.train
    moments = train.summary.moments
    assert moments is not None
    return (
        [(item.check, item.level, item.summary, item.where) for item in report.findings],
        train.total,
        train.index.tolist(),
        train.inputs.numpy().tobytes(),
        moments.mean.tobytes(),
        moments.squares.tobytes(),
        train.summary.distinct.keys.tobytes(),
        sorted(train.summary.labels.items()),
        [(item.item, item.text) for item in record.problems],
        dict(record.left_out),
    )


@pytest.mark.slow
def test_the_result_is_the_local_one_though_a_node_dies(
    two_nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = picture_folder(tmp_path / "digits")
    killed: list[int] = []

    def kill_midway(name: str, rows: int) -> None:
        if not killed:
            killed.append(rows)
            two_nodes.remove_node(two_nodes.second, allow_graceful=False)

    there = read(folder, monkeypatch, Wanted(progress=kill_midway, ray=two_nodes.address))
    assert 0 < killed[0] < there.train.total
    here = read(folder, monkeypatch, Wanted())
    processes = read(folder, monkeypatch, Wanted(workers=2))
    expected = facts(here, tmp_path / "here")
    assert expected[1] == 1796 and any(check == "unreadable-samples" for check, *_ in expected[0])
    assert facts(there, tmp_path / "there") == expected
    assert facts(processes, tmp_path / "processes") == expected
