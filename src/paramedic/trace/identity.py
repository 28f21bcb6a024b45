"""Notes about other people's objects, by identity: their own ``__hash__`` and ``__eq__`` are never called."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, MutableMapping
from typing import Any


class ByIdentity(MutableMapping[Any, Any]):
    """A mapping whose keys are held weakly and compared by ``is``; an entry goes with its key.

    An object that takes no weak reference is not kept.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def __setitem__(self, key: Any, value: Any) -> None:
        number, entries = id(key), self._entries

        def gone(reference: weakref.ref[Any]) -> None:
            if number in entries and entries[number][0] is reference:
                del entries[number]

        try:
            entries[number] = (weakref.ref(key, gone), value)
        except TypeError:
            pass

    def __getitem__(self, key: Any) -> Any:
        entry = self._entries.get(id(key))
        if entry is None or entry[0]() is not key:
            raise KeyError(id(key))
        return entry[1]

    def get(self, key: Any, default: Any = None) -> Any:
        entry = self._entries.get(id(key))
        return default if entry is None or entry[0]() is not key else entry[1]

    def __contains__(self, key: object) -> bool:
        entry = self._entries.get(id(key))
        return entry is not None and entry[0]() is key

    def __delitem__(self, key: Any) -> None:
        if key in self:
            del self._entries[id(key)]

    def __iter__(self) -> Iterator[Any]:
        for reference, _ in list(self._entries.values()):
            key = reference()
            if key is not None:
                yield key

    def __len__(self) -> int:
        return len(self._entries)
