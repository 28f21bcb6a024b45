"""Text of the observed program, made harmless: one line, no control characters or direction overrides."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

MAX_CHARACTERS = 2_000
# Cc control, Cf format (bidirectional overrides, zero width), Cs surrogates, Co private use, Zl/Zp separators
_UNPRINTABLE = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


LONGEST_TAIL = 14  # characters of a word that is left out rather than cut


def clean(value: Any, limit: int = MAX_CHARACTERS) -> str:
    """One line of printable text: what cannot be printed is shown as its escape, such as \\x1b or \\u202e."""
    text = "".join(map(_visible, str(value)[: limit + 1]))
    if len(text) <= limit:
        return text
    text = text[: limit - 1]
    words_end = text.rfind(" ", limit - 1 - LONGEST_TAIL) if limit > 2 * LONGEST_TAIL else -1  # not within a word
    return (text[:words_end] if words_end > 0 else text) + "…"


def clean_lines(value: Any, limit: int = 20_000) -> str:
    """Several lines, each clean; for code and patches."""
    text = str(value)[:limit].replace("\r\n", "\n").expandtabs(4)
    return "\n".join(clean(line) for line in text.split("\n"))


def _visible(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if unicodedata.category(character) not in _UNPRINTABLE:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def number(value: Any, digits: int = 3) -> str:
    """A measured value for people: 3 significant digits, whole numbers whole, anything else as clean text."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):  # numpy's and torch's single numbers
        value = value.item()
    if isinstance(value, (list, tuple)) and 0 < len(value) <= 8 and not any(isinstance(item, (list, tuple)) for item in value):
        return ", ".join(number(item, digits) for item in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return clean(value, 120)
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e6):
        return str(int(value))
    return f"{value:.{digits}g}"
