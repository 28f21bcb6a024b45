"""Replaces attributes of other people's classes and modules, and puts every one of them back."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paramedic.capture.observer import Observer

_ABSENT = object()


@dataclass
class _Patch:
    owner: Any
    name: str
    original: Any  # what stood in the owner's own __dict__, or _ABSENT
    replacement: Any


class Patches:
    """A stack of attribute replacements. ``suspend`` and ``resume`` take all of them away for a while."""

    def __init__(self) -> None:
        self._patches: list[_Patch] = []
        self._applied = True

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Set ``owner.name = make(original)``; ``original`` is what attribute look-up gives now."""
        own = vars(owner).get(name, _ABSENT)
        replacement = make(getattr(owner, name) if own is _ABSENT else own)
        self._patches.append(_Patch(owner, name, own, replacement))
        setattr(owner, name, replacement)

    def suspend(self) -> None:
        """Put the originals back until ``resume``; where somebody patched after us, theirs stays."""
        if self._applied:
            self._applied = False
            for patch in reversed(self._patches):
                if vars(patch.owner).get(patch.name) is patch.replacement:
                    if patch.original is _ABSENT:
                        delattr(patch.owner, patch.name)
                    else:
                        setattr(patch.owner, patch.name, patch.original)

    def resume(self) -> None:
        if not self._applied:
            self._applied = True
            for patch in self._patches:
                present = vars(patch.owner).get(patch.name, _ABSENT)
                if present is patch.original:
                    setattr(patch.owner, patch.name, patch.replacement)

    def restore(self) -> None:
        """Put every original back for good."""
        self.suspend()
        self._patches.clear()
        self._applied = True


def noting_construction(observer: Observer) -> Callable[[Any], Any]:
    """Wraps the ``__init__`` of a class of others', so that the observer is told where a thing of it is made."""

    def make(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            observer.constructed(self, sys._getframe(1))

        return wrapper

    return make
