"""Looks at the program that is to be run, without running or importing any of it."""

from __future__ import annotations

import hashlib
import os
import sys
import warnings
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

import click

from paramedic.config import nearest


def check_script(script: str) -> None:
    """UsageError, in one line, if ``script`` cannot be run as a Python program."""
    path = Path(script)
    if not path.exists():
        raise click.UsageError(f"no such file: {script}{_similar(path)}")
    if path.is_dir():
        raise click.UsageError(f"{script} is a directory; name the script in it, or use -m for a package")
    if path.suffix == ".ipynb":
        raise click.UsageError(
            f"{script} is a notebook; in it, use `with paramedic.watch():` around the training"
        )
    try:
        source = path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"cannot read {script}: {error.strerror}") from error
    compile_source(source, script)


def digest(script: Path) -> str | None:
    """SHA-256 of a script's bytes; None if it cannot be read."""
    try:
        return hashlib.sha256(script.read_bytes()).hexdigest()
    except OSError:
        return None


def compile_source(source: bytes, name: str) -> None:
    """UsageError with file and line if ``source`` is not valid Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        if not name.endswith(".py"):
            raise click.UsageError(f"{name} is not a Python program ({error.msg})") from error
        line = f":{error.lineno}" if error.lineno else ""
        raise click.UsageError(f"{name}{line}: {type(error).__name__}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise click.UsageError(f"{name} is not a Python program ({error})") from error


def check_module(module: str) -> None:
    """UsageError if ``python -m module`` would not find the module, or cannot compile it."""
    path: list[str] | None = [os.getcwd(), *sys.path[1:]]
    spec: ModuleSpec | None = None
    parts = module.split(".")
    for position in range(len(parts)):
        name = ".".join(parts[: position + 1])
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            raise click.UsageError(f"no module named {name}{_similar_module(name, path)}")
        path = list(spec.submodule_search_locations) if spec.submodule_search_locations is not None else []
    if spec is not None and spec.submodule_search_locations is not None:
        spec = PathFinder.find_spec(f"{module}.__main__", list(spec.submodule_search_locations))
        if spec is None:
            raise click.UsageError(f"{module} is a package without __main__.py, so -m cannot run it")
    if spec is not None and spec.origin and spec.origin.endswith(".py"):
        try:
            compile_source(Path(spec.origin).read_bytes(), spec.origin)
        except OSError as error:
            raise click.UsageError(f"cannot read {spec.origin}: {error.strerror}") from error


def _similar(path: Path) -> str:
    try:
        return nearest(path.name, sorted(item.name for item in path.parent.iterdir() if item.suffix == ".py"))
    except OSError:
        return ""


def _similar_module(name: str, path: list[str] | None) -> str:
    if name.endswith(".py"):
        return f" (-m takes a module's name: {name.removesuffix('.py')})"
    folder = Path((path or ["."])[0])
    try:
        return nearest(
            name.rpartition(".")[2],
            sorted(item.stem for item in folder.iterdir() if item.suffix in ("", ".py")),
        )
    except OSError:
        return ""
