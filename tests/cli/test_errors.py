"""A user's error is one line on stderr and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command, one_line


def test_wrong_verb(command: Command) -> None:
    assert one_line(command("runn")) == 'no verb is called "runn" (did you mean "run"?)'
    assert "paramedic run train.py" in one_line(command("train.py"))


def test_wrong_option(command: Command) -> None:
    assert "--bogus" in one_line(command("run", "--bogus", "train.py"))
    assert "R99" in one_line(command("run", "--select", "R19,R99", "train.py"))
    assert "which program" in one_line(command("run"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.py", b"x = 1\ndef f(:\n", "bad.py:2: SyntaxError: invalid syntax"),
        ("tab.py", b"if 1:\n\tx = 1\n        y = 2\n", "tab.py:3: TabError"),
        ("null.bin", b"a\0b", "null.bin is not a Python program"),
        ("image.png", b"\x89PNG\r\n\xff\xfe", "image.png is not a Python program"),
        ("latin.py", b"x = '\xe9'\n", "latin.py"),
        ("n.ipynb", b"{}", "n.ipynb is a notebook"),
    ],
)
def test_not_a_program(command: Command, tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert one_line(command("run", name)).startswith(said)
    assert not (tmp_path / ".paramedic").exists()


def test_missing_file_names_the_nearest(command: Command, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    assert one_line(command("run", "trian.py")) == 'no such file: trian.py (did you mean "train.py"?)'
    assert one_line(command("run", ".")).startswith(". is a directory")


def test_missing_module(command: Command, tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "train.py").write_text("def f(:")
    line = one_line(command("run", "-m", "pakcage.train"))
    assert line == 'no module named pakcage (did you mean "package"?)'
    assert one_line(command("run", "-m", "package.nothing")) == "no module named package.nothing"
    assert "without __main__.py" in one_line(command("run", "-m", "package"))
    assert "train.py:1: SyntaxError" in one_line(command("run", "-m", "package.train"))
    assert one_line(command("run", "-m", "package.py")).endswith("(-m takes a module's name: package)")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("budgett = 1", 'has no setting "budgett" (did you mean "budget"?)'),
        ("budget = 'x'", "budget must be a number"),
        ("select = ['R77']", 'no row or check is called "R77"'),
        (
            "ignore = [{check = 'R06', raeson = 'x'}]",
            'ignore has no setting "raeson" (did you mean "reason"?)',
        ),
        ("fail-on = 'always'", "fail-on must be one of fault, suspect, never"),
        ("thresholds = {'no-check.x' = 1}", 'no check is called "no-check"'),
        ("= 1", "not valid TOML"),
    ],
)
def test_wrong_configuration(command: Command, tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "train.py").write_text("")
    (tmp_path / "pyproject.toml").write_text(f"[tool.paramedic]\n{toml}\n")
    line = one_line(command("run", "train.py"))
    assert "pyproject.toml" in line and said in line


def test_wrong_run(command: Command, tmp_path: Path) -> None:
    assert one_line(command("report")).startswith("no runs in .paramedic")
    folder = tmp_path / ".paramedic" / "20261123-120000-train-ab12"
    folder.mkdir(parents=True)
    (folder / "trace.sqlite").write_bytes(b"no trace" * 100)
    assert "not a readable trace" in one_line(command("report"))
    assert "not a run" in one_line(command("report", "."))
    assert one_line(command("explain", "R99")).startswith('no row or check is called "R99"')
