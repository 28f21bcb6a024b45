"""Applies a unified diff, exactly or not at all. Needs nothing but the standard library."""

from __future__ import annotations

import re

HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class PatchError(ValueError):
    """The patch does not fit the text; the message says where."""


def file_of(patch: str) -> str:
    """The file that a patch of ours changes."""
    for line in patch.splitlines():
        if line.startswith("+++ b/"):
            return line[6:].rstrip("\t")
    raise PatchError("the patch names no file")


def apply(patch: str, text: str) -> str:
    """The text with the patch applied. PatchError if a line is not as the patch says."""
    lines, result, position = text.splitlines(keepends=True), [], 0
    wanted: list[str] | None = None
    for line in patch.splitlines(keepends=True):
        hunk = HUNK.match(line)
        if hunk is not None:
            start = int(hunk.group(1)) - (0 if hunk.group(2) == "0" else 1)
            result += lines[position:start]
            position, wanted = start, result
        elif wanted is None or line.startswith(("--- ", "+++ ")) and position == 0 and not result:
            continue
        elif line.startswith("\\"):  # no newline at the end of the file
            if result and not lines[position:]:
                result[-1] = result[-1].rstrip("\n")
        elif line[:1] in (" ", "-"):
            if position >= len(lines) or lines[position].rstrip("\n") != line[1:].rstrip("\n"):
                raise PatchError(f"line {position + 1} is not as it was when the patch was made")
            if line[0] == " ":
                result.append(lines[position])
            position += 1
        elif line[:1] == "+":
            result.append(line[1:])
    return "".join([*result, *lines[position:]])
