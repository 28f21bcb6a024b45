"""Runs somebody's program as ``python script.py`` or ``python -m module`` would, and says how it ended."""

from __future__ import annotations

import io
import os
import runpy
import sys
import traceback
from dataclasses import asdict, dataclass
from importlib.machinery import SourceFileLoader
from types import ModuleType, TracebackType
from typing import Any

from paramedic.trace.place import Place, is_user_file, relative

OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    kind: "finished", "exit" (sys.exit), "crashed", "interrupted", "steps-reached" (``--steps``) or "fault-found"
    (``--fail-fast``).
    """

    kind: str
    exit_code: int = 0
    error: str | None = None
    message: str | None = None
    place: Place | None = None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "place": self.place.to_json() if self.place else None}


def run_program(script: str | None, module: str | None, arguments: list[str]) -> Ended:
    """Run to the end; a crash prints the program's own traceback, as Python does."""
    from paramedic.capture.stop import is_stop

    try:
        if script is not None:
            _run_script(script, arguments)
        else:
            assert module is not None
            _run_module(module, arguments)
    except SystemExit as error:
        code = error.code
        if code is None or isinstance(code, int):
            return Ended("exit", int(code or 0))
        print(code, file=sys.stderr)
        return Ended("exit", 1, message=str(code))
    except KeyboardInterrupt as error:
        place = place_of_error(error.__traceback__)
        _print_traceback(error)
        return Ended("interrupted", 130, "KeyboardInterrupt", "", place)
    except BaseException as error:
        if is_stop(error):
            return Ended(error.why)  # type: ignore[attr-defined]
        place = place_of_error(error.__traceback__)
        _print_traceback(error)
        return Ended("crashed", 1, type(error).__name__, str(error)[:2000], place)
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass
    return Ended("finished")


def _run_script(script: str, arguments: list[str]) -> None:
    """Like ``python script.py``: a fresh ``__main__`` that stays in place afterwards, for replays.

    As with Python since 3.9, ``__file__`` and the paths in tracebacks are absolute.
    """
    path = os.path.abspath(script)
    sys.argv = [script, *arguments]
    sys.orig_argv[1:] = sys.argv
    sys.path[0] = os.path.dirname(os.path.realpath(path))
    with io.open_code(path) as stream:
        source = stream.read()
    main = ModuleType("__main__")
    main.__dict__.update(
        __file__=path,
        __builtins__=__builtins__,
        __cached__=None,
        __doc__=None,
        __loader__=SourceFileLoader("__main__", path),
        __spec__=None,
    )
    sys.modules["__main__"] = main
    exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)


def _run_module(module: str, arguments: list[str]) -> None:
    """Like ``python -m module``."""
    sys.argv = ["-m", *arguments]
    sys.orig_argv[1:] = ["-m", module, *arguments]
    sys.path[0] = os.getcwd()
    main = ModuleType("__main__")
    sys.modules["__main__"] = main
    name, spec, code = runpy._get_module_details(module)  # type: ignore[attr-defined]
    sys.argv[0] = spec.origin or module
    main.__dict__.update(
        __file__=spec.origin,
        __builtins__=__builtins__,
        __cached__=spec.cached,
        __doc__=None,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
    )
    exec(code, main.__dict__)


def own_traceback(trace: TracebackType | None) -> TracebackType | None:
    """The traceback as Python would print it without us: from the user's first frame on, and no frame of ours.

    A function of torch that is called under our function mode goes through ``handle_torch_function`` first: those
    two frames are taken out as well, wherever one of ours follows. So is the copy of the user's frame from which
    ``transparent_call`` calls the function.
    """
    while trace is not None and not is_user_file(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    links = []
    while trace is not None:
        links.append(trace)
        trace = trace.tb_next
    kept: list[TracebackType] = []
    behind_ours = False
    for link in links:
        if link.tb_frame.f_code.co_filename.startswith(OWN_FOLDER):
            if kept and kept[-1].tb_frame.f_code.co_name == "handle_torch_function":
                del kept[-2:]
            behind_ours = True
        elif not (behind_ours and kept and _is_copy(link, kept[-1])):
            kept.append(link)
            behind_ours = False
    result: TracebackType | None = None
    for link in reversed(kept):
        result = TracebackType(result, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return result


def _is_copy(link: TracebackType, other: TracebackType) -> bool:
    """Whether two frames say the same place by different code objects."""
    own, before = link.tb_frame.f_code, other.tb_frame.f_code
    return (
        own is not before
        and (own.co_filename, own.co_qualname) == (before.co_filename, before.co_qualname)
        and link.tb_lineno == other.tb_lineno
    )


def _print_traceback(error: BaseException) -> None:
    seen: set[int] = set()
    chain: BaseException | None = error
    while chain is not None and id(chain) not in seen:
        seen.add(id(chain))
        chain.__traceback__ = own_traceback(chain.__traceback__)
        chain = chain.__cause__ or chain.__context__
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except Exception:
        traceback.print_exception(type(error), error, error.__traceback__)


def place_of_error(trace: TracebackType | None) -> Place | None:
    """The innermost place of the user's in a traceback."""
    place = None
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if is_user_file(filename):
            place = Place(relative(filename), trace.tb_lineno, trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    return place
