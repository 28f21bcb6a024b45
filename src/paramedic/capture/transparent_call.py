"""Calls a function from where the program called it, so that its warnings name the program's line.

A warning names the line that called the function (``stacklevel``), and Python shows it once per such line. With
our frame in between it would name our file, and would be shown once in all. The call is therefore made by a code
object that carries the caller's file, line and globals.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch.overrides

# On one line: its lines are told by the first one alone.
_CALL: CodeType = (lambda function, args, kwargs: function(*args, **kwargs)).__code__
_DISPATCH: CodeType = torch.overrides.handle_torch_function.__code__
_MOST = 2000  # lines of a program that call torch outside of modules; beyond it the oldest go
_codes: dict[tuple[CodeType, int], CodeType] = {}


def undecorated(function: Any, depth: int = 2) -> Any:
    """The function that a call under a function mode was made to; ``depth`` as of ``sys._getframe``.

    A function of torch in Python names itself by looking up its own name. Where the program has put one of its own
    there, which called torch's, that one would be called a second time.
    """
    frame = sys._getframe(depth)
    if frame.f_code is not _DISPATCH or frame.f_back is None:
        return function
    code, scope = frame.f_back.f_code, frame.f_back.f_globals
    if getattr(function, "__code__", None) is code or code.co_freevars or scope.get(code.co_name) is not function:
        return function
    return FunctionType(code, scope)  # no defaults: torch passes every argument on


def caller_of(frame: FrameType | None) -> FrameType | None:
    """The frame that called the torch function which led to ``frame``, the caller of ``__torch_function__``."""
    if frame is not None and frame.f_code is _DISPATCH:  # a function in Python: itself, and its dispatch
        frame = frame.f_back.f_back if frame.f_back is not None else None
    return frame


def call(function: Any, args: Any, kwargs: Any, depth: int = 2) -> Any:
    """``function(*args, **kwargs)`` on the line that called it; ``depth`` as of ``sys._getframe``."""
    frame = caller_of(sys._getframe(depth))
    if frame is None:
        return function(*args, **kwargs)
    key = (frame.f_code, frame.f_lineno)
    code = _codes.get(key)
    if code is None:
        if len(_codes) >= _MOST:
            _codes.clear()
        code = _codes[key] = _CALL.replace(
            co_filename=frame.f_code.co_filename, co_firstlineno=frame.f_lineno,
            co_name=frame.f_code.co_name, co_qualname=frame.f_code.co_qualname,
        )  # fmt: skip
    return FunctionType(code, frame.f_globals)(function, args, kwargs)
