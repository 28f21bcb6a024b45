"""What the shell completes: files, rows and checks, stored runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from paramedic.cli.main import paramedic


def completed(words: list[str], incomplete: str) -> list[tuple[str, str]]:
    found = ShellComplete(paramedic, {}, "paramedic", "_PARAMEDIC_COMPLETE").get_completions(words, incomplete)
    return [(item.type, item.value) for item in found]


def test_completions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".paramedic" / "20261125-1-train").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert completed(["run"], "tr") == [("file", "tr")]
    assert completed(["run", "--select"], "R19,softmax-b") == [("plain", "R19,softmax-before-cross-entropy")]
    assert ("plain", "missing-zero-grad") in completed(["explain"], "missing")
    assert completed(["report"], "2026") == [("plain", "20261125-1-train")]
    assert completed(["run"], "--fail-o") == [("plain", "--fail-on")]
    (tmp_path / "pyproject.toml").write_text("[tool.paramedic]\nwrong = 1\n")
    assert completed(["report"], "2026") == []
