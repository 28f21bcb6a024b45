"""A few of many, at equal distances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` items in their order, the first and the last among them (the last alone where ``count`` is 1)."""
    if len(items) <= count:
        return list(items)
    if count < 2:
        return list(items[len(items) - count :])
    return [items[round(at * (len(items) - 1) / (count - 1))] for at in range(count)]
