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
        baseline=tmp_path / "paramedic-baseline.json",
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


def wrong(tmp_path: Path, text: str) -> str:
    (tmp_path / "pyproject.toml").write_text(f"[tool.paramedic]\n{text}\n")
    with pytest.raises(config.ConfigError) as error:
        load(tmp_path)
    return str(error.value)


def test_unknown_settings_name_the_nearest(tmp_path: Path) -> None:
    assert 'no setting "budgit" (did you mean "budget"?)' in wrong(tmp_path, "budgit = 3")
    assert 'ignore has no setting "chek" (did you mean "check"?)' in wrong(tmp_path, "ignore = [{chek = 'R06'}]")
    assert "overhead must be a number from 0 to 100, not 500" in wrong(tmp_path, "overhead = 500")
    assert "format must be one of text, json" in wrong(tmp_path, "format = 'jason'")
    assert '(did you mean "missing-zero-grad"?)' in wrong(tmp_path, "thresholds = {'mising-zero-grad.x' = 1}")
    text = wrong(tmp_path, "thresholds = {'missing-zero-grad' = {least-chare = 1}}")
    assert 'missing-zero-grad has no "least-chare" (did you mean "least-share"?); it has least-intervals' in text


def test_output_format_and_baseline_are_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.paramedic]\nformat = 'sarif'\noutput = 'out/report.sarif'\nbaseline = 'known.json'\n"
        "[tool.paramedic.thresholds]\n'missing-zero-grad' = { least-share = 0.9 }\n"
    )
    found = load(tmp_path)
    assert (found.format, found.output, found.baseline) == (
        "sarif", tmp_path / "out/report.sarif", tmp_path / "known.json",
    )
    assert found.thresholds == {"missing-zero-grad.least-share": 0.9}
