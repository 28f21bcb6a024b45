"""The demo ends in the diagnosis of the fault that its program has."""

from __future__ import annotations

from pathlib import Path

from paramedic.cli import demo
from tests.cli.conftest import Command


def test_demo(command: Command, tmp_path: Path) -> None:
    source = (Path(demo.__file__).parent.parent / "demo" / demo.NAME).read_text().splitlines()
    softmax = 1 + next(number for number, line in enumerate(source) if "softmax" in line)
    result = command("demo")
    assert result.returncode == 0, result
    assert "Wrong      Cross-entropy receives probabilities where it expects logits\n" in result.stdout
    assert f"Where      .paramedic/demo/train.py:{softmax}" in result.stdout
    assert (tmp_path / ".paramedic" / "demo" / "train.py").is_file()
