"""Applies a unified diff, exactly or not at all. Needs nothing but the standard library."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
NO_NEWLINE = "\\ No newline at end of file\n"


class PatchError(ValueError):
    """The patch does not fit the text; the message says where."""


@dataclass
class Hunk:
    """Lines that are replaced, from line ``start`` (counted from 0) on; context lines are in both lists."""

    start: int
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


def lines_of(text: str) -> list[str]:
    """The lines with their ends; a form feed or a line separator within a line ends none (``str.splitlines`` thinks so)."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def file_of(patch: str) -> str:
    """The file that a patch of ours changes."""
    for line in patch.split("\n"):
        if line.startswith("+++ b/"):
            return line[6:].rstrip("\t\r")
    raise PatchError("the patch names no file")


def hunks_of(patch: str) -> list[Hunk]:
    found: list[Hunk] = []
    left = [0, 0]  # lines of the hunk that are still to come: old, new
    last: list[list[str]] = []
    for line in lines_of(patch):
        if not any(left):
            match = HUNK.match(line)
            if match is not None:
                counts = [1 if match.group(number) is None else int(match.group(number)) for number in (2, 4)]
                found.append(Hunk(int(match.group(1)) - (1 if counts[0] else 0)))
                left = counts
                continue
        if not found:
            continue
        if line.startswith("\\"):
            for side in last:
                side[-1] = side[-1].removesuffix("\n")
            continue
        sides = [found[-1].old] * (line[:1] in " -") + [found[-1].new] * (line[:1] in " +")
        for side in sides:
            side.append(line[1:])
        left = [left[0] - (line[:1] in " -"), left[1] - (line[:1] in " +")]
        last = sides
    return found


def apply(patch: str, text: str) -> str:
    """The text with the patch applied. PatchError if a line is not as the patch says.

    Where other patches have moved the lines, a hunk goes to the one place that has all of its lines.
    """
    lines, result, position = lines_of(text), list[str](), 0
    for hunk in hunks_of(patch):
        start = hunk.start if lines[hunk.start : hunk.start + len(hunk.old)] == hunk.old else _elsewhere(lines, hunk)
        if start < position:
            raise PatchError(f"line {start + 1} is changed twice")
        result += lines[position:start]
        result += hunk.new
        position = start + len(hunk.old)
    return "".join([*result, *lines[position:]])


def _elsewhere(lines: list[str], hunk: Hunk) -> int:
    """Where else all old lines of a hunk stand; PatchError if that is nowhere, or at several places."""
    size = len(hunk.old)
    found = [k for k in range(len(lines) - size + 1) if lines[k : k + size] == hunk.old] if size else []
    if len(found) == 1:
        return found[0]
    if any(lines[k : k + len(hunk.new)] == hunk.new for k in range(len(lines) - len(hunk.new) + 1)) and hunk.new:
        same = next((k for k, (old, new) in enumerate(zip(hunk.old, hunk.new, strict=False)) if old != new), 0)
        raise PatchError(f"the file has the change at line {hunk.start + same + 1} already")
    here = lines[hunk.start : hunk.start + size]
    wrong = next((k for k, line in enumerate(hunk.old) if k >= len(here) or here[k] != line), 0)
    raise PatchError(f"line {hunk.start + wrong + 1} is not as it was when the patch was made")


def changed_lines(patch: str) -> set[int]:
    """Lines of the file as it was (counted from 1) that a patch replaces; for added lines, those beside them."""
    found: set[int] = set()
    number = 0
    for line in lines_of(patch):
        match = HUNK.match(line)
        if match is not None:
            number = int(match.group(1))
        elif number and line[:1] == "-":
            found.add(number)
            number += 1
        elif number and line[:1] == "+":
            found.add(number)
        elif number and line[:1] == " ":
            number += 1
    return found
