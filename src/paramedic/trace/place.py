"""A place in the user's own code."""

from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

_PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_OUTSIDE: tuple[str, ...] = tuple(
    {
        os.path.abspath(path) + os.sep
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
        if (path := sysconfig.get_paths().get(key))
    }
)


@dataclass(frozen=True)
class Place:
    """File, line and function of one statement of the observed program.

    ``file`` is relative to the working directory where it lies below it, and absolute otherwise.
    """

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


_user_file: dict[str, bool] = {}


def is_user_file(filename: str) -> bool:
    """Whether a code object's file belongs to the user: not the standard library, site-packages or paramedic."""
    known = _user_file.get(filename)
    if known is None:
        path = os.path.abspath(filename)
        known = not (
            filename.startswith("<")
            and not filename.startswith("<ipython")
            or path.startswith(_PACKAGE_ROOT)
            or any(path.startswith(root) for root in _OUTSIDE)
            or f"{os.sep}site-packages{os.sep}" in path
            or f"{os.sep}dist-packages{os.sep}" in path
        )
        _user_file[filename] = known
    return known


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame, from ``frame`` outwards, whose code is the user's own; None if there is none."""
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def relative(filename: str) -> str:
    """``filename`` relative to the working directory if it lies below it."""
    path = os.path.abspath(filename)
    here = os.getcwd() + os.sep
    return path[len(here) :] if path.startswith(here) else path


def place_of(frame: FrameType | None) -> Place | None:
    """The user's place at or outside ``frame``."""
    found = user_frame(frame)
    if found is None:
        return None
    return Place(relative(found.f_code.co_filename), found.f_lineno, found.f_code.co_name)


def here(depth: int = 1) -> Place | None:
    """The user's place that called the caller of this function."""
    return place_of(sys._getframe(depth + 1))
