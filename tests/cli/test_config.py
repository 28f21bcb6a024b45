"""[tool.paramedic], and the command line over it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from paramedic.cli.run import merged
from paramedic.config import Config, Ignored, load, selector


def test_the_nearest_file_with_the_table_holds(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.paramedic]\nselect = ['r19']\nbudget = 5\nfail-on = 'never'\ndir = 'runs'\noverhead = 2\n"
        "ignore = ['R06', {check = 'R08', reason = 'known'}]\n"
    )
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    config = load(inner)
    assert config == Config(
        select=("R19",),
        ignore=(Ignored("R06"), Ignored("R08", "known")),
        budget=5.0,
        fail_on="never",
        dir=tmp_path / "runs",
        overhead=2.0,
        path=tmp_path / "pyproject.toml",
    )


def test_command_line_over_file() -> None:
    config = Config(select=("R19",), budget=5.0, fail_on="never")
    result = merged(config, 0.0, None, ("r06",), None, "fault", None)
    assert (result.budget, result.fail_on, result.select) == (0.0, "fault", ("R19",))
    assert result.ignore == (Ignored("R06"),)


def test_selector() -> None:
    check = SimpleNamespace(name="some-check", reason="R19", also=("R20",))
    assert selector([], [])(check)
    assert selector(["R20"], [])(check) and selector(["Some-Check"], [])(check)
    assert not selector(["R21"], [])(check)
    assert not selector([], ["r19"])(check) and not selector(["R19"], ["some-check"])(check)
    assert selector([], ["R20"])(check)
