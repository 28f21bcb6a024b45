"""Imports point one way, only the capture patches, and the light commands import no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "paramedic"
# What each part may import of the others: report <- diagnosis <- experiments <- checks <- measurements <- trace.
FORBIDDEN = {
    "trace": {"capture", "measurements", "checks", "experiments", "diagnosis", "report", "cli"},
    "measurements": {"capture", "checks", "experiments", "diagnosis", "report", "cli"},
    "checks": {"capture", "diagnosis", "report", "cli"},
    "experiments": {"capture", "diagnosis", "report", "cli"},
    "remedies": {"capture", "experiments", "diagnosis", "report", "cli"},
    "report": {"capture", "experiments", "cli"},
}


def _imports(path: Path) -> set[str]:
    """Parts of paramedic that a file imports when it is run (not those for type checkers only)."""
    found: set[str] = set()

    class Visitor(ast.NodeVisitor):
        def visit_If(self, node: ast.If) -> None:
            if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
                self.generic_visit(node)

        def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
            if node.module and node.module.startswith("paramedic."):
                found.add(node.module.split(".")[1])

    Visitor().visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("part", sorted(FORBIDDEN))
def test_imports_point_one_way(part: str) -> None:
    for path in (SOURCE / part).rglob("*.py"):
        wrong = _imports(path) & FORBIDDEN[part]
        assert not wrong, f"{path.relative_to(SOURCE)} imports {wrong}"


@pytest.mark.parametrize("arguments", [["--help"], ["checks"], ["explain", "R19"], ["--version"]])
def test_light_commands_import_no_torch(arguments: list[str]) -> None:
    code = (
        "import sys; from paramedic.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
