"""`paramedic data` as a command."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from .conftest import Command, one_line

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())


def test_an_attribute_of_a_module_with_splits_ends_in_the_report(command: Command, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "import torch\nfrom torch.utils.data import TensorDataset\ntorch.manual_seed(0)\n"
        "x = torch.randn(200, 6)\ny = (x[:, 0] > 0).long()\nx[7, 2] = float('nan')\n"
        "parts = {'train': TensorDataset(x[:150], y[:150]), 'held': TensorDataset(x[140:], y[140:])}\n"
    )
    select = ("--select", "non-finite-input,duplicates-across-splits")
    result = command("data", "shop:parts", "--split", "train=train", "val=held", "--format", "json", *select)
    assert result.returncode == 1, result
    document = json.loads(result.stdout)
    jsonschema.validate(document, SCHEMA)
    first = document["findings"][0]
    assert (first["check"], first["level"]) == ("non-finite-input", "fault") and "row 7" in first["summary"]
    assert any(item["check"] == "duplicates-across-splits" for item in document["findings"])
    folder = next((tmp_path / ".paramedic").glob("*-data_*"))
    assert (folder / "report.html").is_file()
    again = command("report", folder.name, "--fail-on", "never")
    assert again.returncode == 0 and "non-finite-input" in again.stdout


def test_errors_are_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('no')\n")
    assert one_line(command("data", "broken:x")) == "importing broken failed: RuntimeError: no"
    assert "write --split train=... val=..." in one_line(command("data", "empty.csv", "--split", "abc"))
