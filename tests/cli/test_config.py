"""[tool.paramedic], and the command line over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic import config
from paramedic.cli.run import merged
from paramedic.config import Config, Ignored, load


def test_the_nearest_file_with_the_table_holds(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.paramedic]\nselect = ['r19']\nbudget = 5\nfail-on = 'never'\ndir = 'runs'\noverhead = 2\n"
        "ignore = ['R06', {check = 'R08', reason = 'known'}]\n"
    )
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert load(inner) == Config(
        select=("R19",),
        ignore=(Ignored("R06"), Ignored("R08", "known")),
        budget=5.0,
        fail_on="never",
        dir=tmp_path / "runs",
        overhead=2.0,
        path=tmp_path / "pyproject.toml",
    )


def test_command_line_over_file() -> None:
    settings = Config(select=("R19",), budget=5.0, fail_on="never")
    result = merged(settings, 0.0, None, ("r06",), None, "fault", None)
    assert (result.budget, result.fail_on, result.select) == (0.0, "fault", ("R19",))
    assert result.ignore == (Ignored("R06"),)


def test_selectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "known_selectors", lambda: ("R19", "A1", "learning-rate-too-high"))
    assert config.checked_selectors(["r19", "a1"], "x") == ("R19", "A1")
    assert config.checked_selectors(["Learning-", "learning-rate-too-high"], "x")[0] == "learning-"
    for wrong in ("R99", "lea", "", "learning-rate-too-hihg"):
        with pytest.raises(config.ConfigError, match="no row or check"):
            config.checked_selectors([wrong], "x")
