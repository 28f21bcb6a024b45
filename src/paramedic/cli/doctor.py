"""``paramedic doctor``: is everything here that a run needs?"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from paramedic.checks.registry import plugin_errors, plugin_names
from paramedic.config import ConfigError, load

REQUIRED = ("torch", "numpy", "scipy", "scikit-learn", "rich", "click", "jinja2", "libcst")
OPTIONAL = (
    "cleanlab", "optuna", "lightning", "transformers", "accelerate", "keras", "skorch", "ray", "mcp", "pillow", "pyarrow",
)  # fmt: skip
PROBE = """
import os, torch
cuda = torch.cuda.is_available()
gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if cuda else []
build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for the CPU"
print(f"torch {torch.__version__}, {build}; GPU: {', '.join(gpus) or 'none'}")
print(f"threads: {torch.get_num_threads()} within an operation, {torch.get_num_interop_threads()} between, "
      f"{os.cpu_count()} processors")
print(f"determinism: deterministic algorithms {'on' if torch.are_deterministic_algorithms_enabled() else 'off'}, "
      f"cudnn.benchmark {'on' if torch.backends.cudnn.benchmark else 'off'}, "
      f"float32 products {torch.get_float32_matmul_precision()}, "
      f"PYTHONHASHSEED {os.environ.get('PYTHONHASHSEED', 'not set')}, "
      f"CUBLAS_WORKSPACE_CONFIG {os.environ.get('CUBLAS_WORKSPACE_CONFIG', 'not set')}")
"""
LINES = 3  # that the probe prints
PROBE_TIMEOUT = 120  # seconds: importing torch from a cold disk


@click.command()
def command() -> int:
    """Check the environment: Python, packages, torch, the run folder, the configuration."""
    problems = 0
    click.echo(
        f"ok       Python {platform.python_version()} ({sys.executable}), SQLite {sqlite3.sqlite_version}"
    )
    for package in REQUIRED:
        version = _installed(package)
        click.echo(f"ok       {package} {version}" if version else f"missing  {package}")
        problems += version is None
    for package in OPTIONAL:
        version = _installed(package)
        click.echo(f"ok       {package} {version}" if version else f"absent   {package} (optional)")
    for good, text in (*_torch(), *_plugins(), _configuration()):
        click.echo(f"{'ok' if good else 'problem':<8} {text}")
        problems += not good
    return 2 if problems else 0


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch() -> list[tuple[bool, str]]:
    """Build, GPU, threads and determinism as a program finds them.

    In a process of its own: a broken installation can kill the one that imports it.
    """
    try:
        result = subprocess.run(
            [sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=PROBE_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return [(False, f"import torch takes longer than {PROBE_TIMEOUT} s")]
    if result.returncode:
        lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        return [(False, f"import torch fails: {lines[-1]}")]
    return [(True, line) for line in result.stdout.splitlines()[-LINES:]]


def _plugins() -> list[tuple[bool, str]]:
    """Checks of installed plugins."""
    if not plugin_names() or _installed("torch") is None:
        return []
    broken = plugin_errors()
    return [(name not in broken, broken.get(name, f"check of a plugin: {name}")) for name in plugin_names()]


def _configuration() -> tuple[bool, str]:
    try:
        config = load(Path.cwd())
    except ConfigError as error:
        return False, str(error)
    folder = config.dir if config.dir.is_dir() else config.dir.absolute().parent
    where = f"configuration: {config.path or 'none'}; run folders in {config.dir}"
    if not os.access(folder, os.W_OK):
        return False, f"{where}, which cannot be written (runs go to {tempfile.gettempdir()})"
    return True, where
