"""Audits of a real CSV file and a real folder of pictures: silent when healthy, and each planted fault is named."""

from __future__ import annotations

import argparse
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits
from torch.utils.data import DataLoader, TensorDataset

import paramedic
from paramedic.checks.finding import Finding
from paramedic.report.model import Report
from paramedic.sources.reader import SourceError

from .conftest import write_csv

Cells = list[list[object]]


def alarms(report: Report) -> dict[str, Finding]:
    assert not report.errors, report.errors
    return {item.check: item for item in report.findings if item.level != "note"}


def test_a_healthy_table_is_silent(cells: Cells, tmp_path: Path) -> None:
    report = paramedic.audit(write_csv(tmp_path / "a.csv", cells), label="diagnosis", ignore=["too-few-examples"])
    assert not alarms(report)
    assert report.reasons["R06"].status == "passed"
    assert report.reasons["R19"].status == "not-applicable"
    assert "no network" in report.reasons["R19"].why and "paramedic run" in report.reasons["R19"].why
    train = report.program["data"]["train"]
    assert (train["rows"], train["examined"], train["shape"]) == (569, 569, [10])
    assert [item["name"] for item in train["features"]] == [str(name) for name in cells[0][:-1]]
    radius = sorted(float(str(row[0])) for row in cells[1:])
    assert train["features"][0]["low"] == radius[0] and train["features"][0]["high"] == radius[-1]
    assert radius[200] < train["features"][0]["quartiles"][1] < radius[370]


def _short_row(cells: Cells) -> None:
    cells[7] = cells[7][:-3]


def _text_in_numbers(cells: Cells) -> None:
    cells[7][3] = "n/k"


def _no_label(cells: Cells) -> None:
    cells[7][-1] = ""


@pytest.mark.parametrize(
    "plant, text", [(_short_row, "8 cells"), (_text_in_numbers, "'n/k'"), (_no_label, "the label")]
)
def test_a_bad_row_is_named_by_its_line(plant: Callable[[Cells], None], text: str, cells: Cells, tmp_path: Path) -> None:
    plant(cells)
    path = write_csv(tmp_path / "a.csv", cells)
    found = alarms(paramedic.audit(path, label="diagnosis", select=["unreadable-samples"]))["unreadable-samples"]
    assert found.level == "fault" and text in found.summary and "line 8" in found.summary
    assert found.where is not None and found.where.line == 8


def test_a_missing_label_column_is_named_and_the_rest_is_audited(cells: Cells, tmp_path: Path) -> None:
    cells[9][2] = float("nan")
    path = write_csv(tmp_path / "a.csv", cells)
    found = alarms(paramedic.audit(path, label="diagnosi", select=["R01"]))
    assert 'no column "diagnosi" (did you mean "diagnosis"?)' in found["unreadable-samples"].summary
    assert "line 10" in found["non-finite-input"].summary


def test_placeholders_and_copies_are_named(cells: Cells, tmp_path: Path) -> None:
    for row in (11, 12, 40, 80):
        cells[row][3] = -999
    cells += [list(cells[60]) for _ in range(40)]
    path = write_csv(tmp_path / "a.csv", cells)
    found = alarms(paramedic.audit(path, label="diagnosis", select=["isolated-values", "repeated-rows"]))
    assert "mean area: -999 in 4 rows (line 12, line 13, line 41)" in found["isolated-values"].summary
    assert "line 61" in found["repeated-rows"].summary


def test_suspect_rows_are_shown_with_the_cells_that_are_far_off(cells: Cells, tmp_path: Path) -> None:
    for row in (11, 12, 40, 80):
        cells[row][3] = -999
    path = write_csv(tmp_path / "a.csv", cells)
    found = alarms(paramedic.audit(path, label="diagnosis", select=["isolated-values"]))["isolated-values"]
    shown = found.extra["rows"]
    assert [row.name for row in shown.rows][:2] == ["line 12", "line 13"] and len(shown.columns) == 8
    at = shown.columns.index(str(cells[0][3]))
    assert [row.cells[at].text for row in shown.rows] == ["-999"] * 4 and all(row.cells[at].marked for row in shown.rows)
    assert {row.label for row in shown.rows} <= {str(row[-1]) for row in cells[1:]} and shown.left_out == 2
    marked = sum(cell.marked for row in shown.rows for cell in row.cells)
    assert marked < 12, "cells like the others are not marked"


def test_splits_of_a_table(cells: Cells, tmp_path: Path) -> None:
    """Rows in both files, rows of one patient in both files, and a class that only validation has."""
    head, body = cells[0], cells[1:]
    body = [[f"p{number // 4}", *row] for number, row in enumerate(body)]
    body[520][-1] = body[530][-1] = body[540][-1] = body[550][-1] = body[560][-1] = "unknown"
    train, other = body[:400:1] + body[410:500], body[390:410] + body[500:]
    write_csv(tmp_path / "train.csv", [["patient_id", *head], *train])
    write_csv(tmp_path / "val.csv", [["patient_id", *head], *other])
    report = paramedic.audit(
        tmp_path / "train.csv", splits={"val": str(tmp_path / "val.csv")}, label="diagnosis", select=["R15", "R08"]
    )
    found = alarms(report)
    assert "10 of 89 validation rows" in found["duplicates-across-splits"].summary
    assert "unknown (5 validation rows" in found["classes-missing-from-training"].summary
    assert "patient_id" in found["groups-across-splits"].summary


def test_a_healthy_folder_of_pictures_is_silent(pictures: Path) -> None:
    report = paramedic.audit(pictures, ignore=["too-few-examples"])
    assert not alarms(report)
    assert report.reasons["R04"].status == report.reasons["R06"].status == "passed"


def test_bad_pictures_are_named_and_left_out(pictures: Path) -> None:
    first, second, third = sorted(pictures.rglob("*.png"))[10:13]
    first.write_bytes(first.read_bytes()[:60])
    second.write_bytes(b"")
    Image.new("RGBA", (8, 8), (9, 9, 9, 9)).save(third)
    (pictures / "empty").mkdir()
    report = paramedic.audit(pictures, select=["R01"])
    texts = " ".join(item.summary for item in report.findings)
    assert "2 files cannot be read" in texts and first.name in texts and second.name in texts
    assert "1 class folders hold no picture" in texts
    assert "1 of 298 pictures have another mode" in texts


def test_wrong_labels_of_pictures_are_shown(pictures: Path) -> None:
    generator = np.random.default_rng(0)
    moved = []
    for path in generator.permutation(sorted(pictures.rglob("*.png")))[:40]:
        other = pictures / str((int(path.parent.name) + int(generator.integers(1, 10))) % 10) / path.name
        path.rename(other)
        moved.append(str(other.relative_to(pictures)))
    report = paramedic.audit(pictures, select=["noisy-labels"])
    found = alarms(report)["noisy-labels"]
    named = found.summary.split("look at ")[1].rstrip(")").split(", ")
    assert len(named) == 5 and len(set(named) & set(moved)) >= 4
    page = report.render("html")
    assert page.count("data:image/png;base64,") == min(12, len(found.extra["samples"][1]))
    assert len(page) < 2_000_000


def test_arrays_whose_labels_start_at_one_and_pictures_viewed_wrongly() -> None:
    photo = np.asarray(load_digits().images, np.float32)
    colour = np.stack([photo, photo * 0.5, photo[::-1]], axis=-1)  # (n, 8, 8, 3)
    viewed = torch.from_numpy(colour.reshape(len(colour), 3, 8, 8))
    labels = torch.from_numpy(load_digits().target + 1)
    found = alarms(paramedic.audit((viewed, labels), select=["labels-not-from-zero", "image-layout-scrambled"]))
    assert "labels run from 1 to 10" in found["labels-not-from-zero"].summary
    assert "(8, 8, 3) memory viewed as (3, 8, 8)" in found["image-layout-scrambled"].summary


def test_a_loader_is_judged_by_its_own_order() -> None:
    data = load_digits()
    order = np.argsort(data.target, kind="stable")[:640]
    rows = TensorDataset(torch.from_numpy(data.data[order]).float(), torch.from_numpy(data.target[order]))
    names = ["unshuffled-training-data", "single-label-batches", "incomplete-epoch", "labels-mispaired"]
    sorted_, shuffled = DataLoader(rows, 32), DataLoader(rows, 32, shuffle=True)
    found = paramedic.audit(sorted_, select=names)
    assert "single-label-batches" in found.dumps() and alarms(found)["unshuffled-training-data"].level == "fault"
    state = torch.get_rng_state()
    assert not alarms(paramedic.audit(shuffled, select=names))
    assert torch.equal(torch.get_rng_state(), state)


def test_files_of_arrays_are_read_without_unpickling(tmp_path: Path) -> None:
    data = load_digits()
    np.savez(tmp_path / "a.npz", x=data.data, y=data.target)
    torch.save({"x": torch.from_numpy(data.data), "y": torch.from_numpy(data.target)}, tmp_path / "a.pt")
    np.save(tmp_path / "a.npy", data.data)
    for name in ("a.npz", "a.pt", "a.npy"):
        report = paramedic.audit(tmp_path / name, select=["non-finite-input"])
        assert report.program["data"]["train"]["rows"] == 1797
    np.save(tmp_path / "b.npy", np.array([{"a": 1}], object), allow_pickle=True)
    torch.save(Image.new("L", (2, 2)), tmp_path / "b.pt")
    for name in ("b.npy", "b.pt"):
        with pytest.raises(SourceError, match="without unpickling"):
            paramedic.audit(tmp_path / name)


def test_parquet_and_a_saved_dataset(cells: Cells, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {str(name): [row[k] for row in cells[1:]] for k, name in enumerate(cells[0])}
    columns["mean area"][20] = None
    whole = pa.table(columns)
    parquet.write_table(whole, tmp_path / "a.parquet")
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "state.json").write_text('{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}')
    with pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as sink, pa.ipc.new_stream(sink, whole.schema) as out:
        out.write_table(whole)
    for path in (tmp_path / "a.parquet", folder):
        report = paramedic.audit(path, label="diagnosis", select=["non-finite-input", "imbalanced-classes"])
        assert report.program["data"]["train"]["shape"] == [10] and report.program["data"]["train"]["rows"] == 569
        assert "row 20" in alarms(report)["non-finite-input"].summary
        assert report.reasons["R08"].status == "passed"


def test_what_cannot_be_audited_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "a.bin").write_bytes(b"x")
    for name, text in (
        ("nothing", "no such file or folder"),
        ("empty", "holds neither pictures"),
        ("empty.csv", "is empty"),
        ("a.bin", "no known kind of data"),
    ):
        with pytest.raises(SourceError, match=text) as raised:
            paramedic.audit(tmp_path / name)
        assert "\n" not in str(raised.value)
    with pytest.raises(SourceError, match="neither a Dataset"):
        paramedic.audit(3)
    with pytest.raises(SourceError, match="5 rows of inputs but 4 of targets"):
        paramedic.audit((np.zeros((5, 2)), np.zeros(4)))


def test_labels_by_the_number_of_their_column(cells: Cells, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "a.csv", cells)
    for label in (str(len(cells[0]) - 1), "-1", "diagnosis"):
        train = paramedic.audit(table, label=label, select=["imbalanced-classes"]).program["data"]["train"]
        assert train["shape"] == [10] and len(train["labels"]) == 2, label
    np.save(tmp_path / "a.npy", np.column_stack([np.arange(60) % 3, np.random.default_rng(0).normal(size=(60, 4))]))
    report = paramedic.audit(tmp_path / "a.npy", label="0", regression=False, select=["imbalanced-classes"])
    train = report.program["data"]["train"]
    assert train["shape"] == [4] and train["labelled"]
    assert not paramedic.audit(tmp_path / "a.npy", select=["imbalanced-classes"]).program["data"]["train"]["labelled"]
    with pytest.raises(SourceError, match="columns 0 to 4"):
        paramedic.audit(tmp_path / "a.npy", label="5")


def test_bad_files_and_labels_that_are_not_there_are_told_apart(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 2)), y=np.zeros(4))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    np.save(tmp_path / "a.npy", np.zeros((9, 9)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:200])
    for name in ("cut.npz", "cut.npy"):
        with pytest.raises(SourceError, match="damaged"):
            paramedic.audit(tmp_path / name)
    with pytest.raises(SourceError, match=r'no array "q" \(there are x, y\)'):
        paramedic.audit(tmp_path / "a.npz", label="q")
    (tmp_path / "pictures" / "cat").mkdir(parents=True)
    Image.new("L", (8, 8)).save(tmp_path / "pictures" / "cat" / "a.png")
    with pytest.raises(SourceError, match="class folders"):
        paramedic.audit(tmp_path / "pictures", label="cat")
    (tmp_path / "two").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "two" / name).write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match="2 tables"):
        paramedic.audit(tmp_path / "two")


def test_columns_whose_names_end_in_id_are_numbers_all_the_same(tmp_path: Path) -> None:
    cells: Cells = [["malic_acid", "grid", "userId", "label"]]
    cells += [[k % 7 + 0.5, k % 5, k, "ab"[k % 2]] for k in range(80)]
    report = paramedic.audit(write_csv(tmp_path / "a.csv", cells), select=["non-finite-input"])
    assert report.program["data"]["train"]["shape"] == [2]


def test_a_table_of_texts_alone(tmp_path: Path) -> None:
    cells: Cells = [["sentence", "label"], *([f"words {k}", "ab"[k % 2]] for k in range(80))]
    report = paramedic.audit(write_csv(tmp_path / "a.csv", cells), select=["R03", "R08"])
    assert not report.errors and report.program["data"]["train"]["rows"] == 80


def test_a_slip_outside_of_the_sample_is_found_all_the_same() -> None:
    values = np.random.default_rng(0).normal(size=(30_000, 3)).astype(np.float32)
    values[21_345, 1] = 1e6
    report = paramedic.audit(values, select=["isolated-values"])
    found = alarms(report)["isolated-values"]
    assert "column 1: 1e+06" in found.summary
    assert "20000" in report.not_observed[0] and "0.02%" in report.not_observed[0]


def test_pictures_in_a_saved_dataset(pictures: Path, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    files = sorted(pictures.rglob("*.png"))
    cells = [{"bytes": path.read_bytes(), "path": path.name} for path in files]
    cells[4]["bytes"] = b"broken"
    whole = pa.table({"image": cells, "label": [int(path.parent.name) for path in files]})
    for role in ("train", "test"):
        folder = tmp_path / "saved" / role
        folder.mkdir(parents=True)
        (folder / "state.json").write_text('{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}')
        with pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as sink:
            with pa.ipc.new_stream(sink, whole.schema) as out:
                out.write_table(whole if role == "train" else whole.slice(250))
    report = paramedic.audit(tmp_path / "saved", select=["unreadable-samples", "duplicates-across-splits"])
    found = alarms(report)
    assert report.program["data"]["train"]["rows"] == 299
    assert "train, row 4" in found["unreadable-samples"].summary
    assert "50 of 50 validation rows" in found["duplicates-across-splits"].summary


def _saved(folder: Path, columns: dict[str, object], pieces: int = 1) -> None:
    """As ``datasets`` saves a split to disk."""
    pa = pytest.importorskip("pyarrow")
    whole = pa.table(columns)
    folder.mkdir(parents=True)
    names = [f"data-{k:05d}-of-{pieces:05d}.arrow" for k in range(pieces)]
    for k, name in enumerate(names):
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, whole.schema) as out:
            out.write_table(whole[k * len(whole) // pieces : (k + 1) * len(whole) // pieces])
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text("{}")


def _lines() -> tuple[list[str], list[int]]:
    """Lines of two modules of the standard library in random order, and which of the two."""
    texts = [
        (line, label)
        for label, module in enumerate((argparse, tarfile))
        for line in sorted({line.strip() for line in Path(str(module.__file__)).read_text().splitlines()})
        if len(line) > 20
    ]
    order = np.random.default_rng(0).permutation(len(texts))[:600]
    return [texts[k][0] for k in order], [texts[k][1] for k in order]


@pytest.mark.parametrize("column", ["text", "input_ids"])
def test_texts_and_tokens_in_a_saved_dataset(column: str, tmp_path: Path) -> None:
    """The same in two files; the columns beside them say nothing."""
    lines, labels = _lines()
    values = [[*line.encode()][:40] for line in lines] if column == "input_ids" else lines
    masks = {"attention_mask": [[1] * 40] * len(lines)} if column == "input_ids" else {}
    for role, part in (("train", slice(0, 450)), ("validation", slice(450, 600))):
        columns = {column: values[part], **{name: mask[part] for name, mask in masks.items()}, "label": labels[part]}
        _saved(tmp_path / "saved" / role, columns, pieces=2)
    report = paramedic.audit(tmp_path / "saved", select=["R01", "R04", "R05"])
    assert not alarms(report) and report.reasons["R04"].status == "passed"
    assert report.program["data"]["train"]["rows"] == 450 and report.program["data"]["validation"]["rows"] == 150
    shuffled = np.random.default_rng(1).permutation(labels).tolist()
    _saved(tmp_path / "other" / "train", {column: values, "label": shuffled})
    assert "labels-unrelated" in alarms(paramedic.audit(tmp_path / "other", select=["R04"]))


def test_pieces_of_splits_as_on_the_hub(cells: Cells, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    whole = pa.table({str(name): [row[k] for row in cells[1:]] for k, name in enumerate(cells[0])})
    folder = tmp_path / "hub" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "hub" / "README.md").write_text("---")
    parts = {"train-00000-of-00002": whole[:200], "train-00001-of-00002": whole[200:400], "test-00000-of-00001": whole[400:]}
    for name, part in parts.items():
        parquet.write_table(part, folder / f"{name}.parquet")
    report = paramedic.audit(tmp_path / "hub", label="diagnosis", select=["non-finite-input"])
    assert report.program["data"]["train"]["rows"] == 400 and report.program["data"]["validation"]["rows"] == 169


def test_one_empty_cell_of_an_array_does_not_hide_wrong_labels() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    generator = np.random.default_rng(0)
    flipped = generator.permutation(len(y))[:60]
    y[flipped] = 1 - y[flipped]
    x[3, 2] = np.nan
    assert {"non-finite-input", "noisy-labels"} <= set(alarms(paramedic.audit((x, y), select=["R01", "R06"])))


def one_by_one(rows: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = (torch.stack(items) for items in zip(*rows, strict=True))
    return (x - x.mean(dim=0)) / (x.std(dim=0) + 1e-6), y


@pytest.mark.parametrize("collate, alarm", [(one_by_one, True), (None, False)])
def test_batches_that_a_loader_normalizes_one_by_one(collate: Callable[..., object] | None, alarm: bool) -> None:
    digits = load_digits()
    data = TensorDataset(torch.tensor(digits.data[:600]).float(), torch.tensor(digits.target[:600]))
    loader = DataLoader(data, batch_size=50, shuffle=True, collate_fn=collate)
    found = alarms(paramedic.audit(loader, select=["per-batch-normalization"]))
    assert list(found) == (["per-batch-normalization"] if alarm else [])
    if alarm:
        where = found["per-batch-normalization"].where
        assert where is not None and where.file.endswith("test_audits.py") and where.function == "one_by_one"


def test_the_place_of_an_attribute_is_the_line_that_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import numpy as np\nx = np.ones((200, 4))\nx[3] = np.nan\n\nrows = x, np.arange(200) % 2\n"
    (tmp_path / "made_here.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    found = alarms(paramedic.audit("made_here:rows", select=["non-finite-input"]))["non-finite-input"]
    assert found.where is not None and (found.where.file, found.where.line) == ("made_here.py", 5)


@pytest.mark.parametrize(("rows", "factor", "found"), [(400, 1.0, False), (400, 16.0, True), (0, 1.0, False)])
def test_a_split_by_order_or_by_class_is_no_other_recipe(rows: int, factor: float, found: bool) -> None:
    """scikit-learn's digits stand in the order of their writers; with 0 rows they are split by class."""
    x, y = load_digits().images[:, None], load_digits().target
    first = np.arange(len(y)) < rows if rows else y < 5
    parts = {"train": (x[first], y[first]), "val": (x[~first] * factor, y[~first])}
    report = paramedic.audit(parts, select=["train-validation-recipe-mismatch"])
    assert (report.reasons["R15"].status == "found") == found, report.reasons["R15"]


@pytest.mark.parametrize("columns", [600, 1500])
def test_a_relation_to_the_sum_of_many_columns_is_not_denied(columns: int) -> None:
    """Every row has its right label: a linear function of independent columns, too many for any probe to find it."""
    x = np.random.default_rng(0).normal(size=(1000, columns)).astype(np.float32)
    y = (x @ np.random.default_rng(1).normal(size=columns) > 0).astype(np.int64)
    report = paramedic.audit((x, y), select=["R04", "R05", "R06"])
    assert not alarms(report)
    assert "would not be seen" in report.reasons["R05"].why or report.reasons["R05"].status == "passed"
