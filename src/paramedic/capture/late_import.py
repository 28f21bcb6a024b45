"""Calls a function right after the program's own ``import torch``, and not before.

Importing torch first would make it miss environment variables that the program sets (OMP_NUM_THREADS).
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


class AfterImport(importlib.abc.MetaPathFinder):
    """A finder at the head of ``sys.meta_path`` that steps aside, and calls ``action`` once ``name`` is loaded."""

    def __init__(self, name: str, action: Callable[[], None]) -> None:
        self.name, self.action = name, action

    def install(self) -> None:
        """Call the action now if the module is loaded already, else after its import."""
        if self.name in sys.modules:
            self.action()
        else:
            sys.meta_path.insert(0, self)

    def remove(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None or spec.loader is None:
            return None
        spec.loader = _Loader(spec.loader, self)
        return spec

    def loaded(self) -> None:
        """The module was loaded: some libraries ask for a module's spec to see whether it is there, and load it later."""
        self.remove()
        self.action()


class _Loader(importlib.abc.Loader):
    """Delegates to the real loader, then acts; hands the real loader back to the module."""

    def __init__(self, real: Any, finder: AfterImport) -> None:
        self.real, self.finder = real, finder

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.real
        if module.__spec__ is not None:
            module.__spec__.loader = self.real
        self.real.exec_module(module)
        self.finder.loaded()
