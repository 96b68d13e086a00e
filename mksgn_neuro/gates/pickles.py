"""Pickles of plain data. Nothing that a pickle names is called but the few makers that a reader lists.

A maker notes what the pickle says of an array and makes nothing of it: `settled` checks the notes and builds values.
"""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Callable, Mapping
from typing import BinaryIO

MOST_DEPTH = 60
LEAST_NODES = 1_000_000  # a pickle may spell out as many values however small it is
MEMO_STEPS = ("PUT", "LONG_BINPUT")  # they name a place in a table that the unpickler then allocates


class Forbidden(Exception):
    """A pickle asks for something that is no plain data."""


class Refused(ValueError):
    """A pickle's content is no plain data, or more than its bytes account for."""


class Note:
    """Something that a pickle describes; it takes no state and no attributes from the pickle."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise Refused(f"sets the state of a {type(self).__name__}")

    def settle(self) -> object:
        """The value; raises ValueError unless the description is sound."""
        raise NotImplementedError


class Maker(Note):
    """What stands in a pickle for a function: calls `make`, and is no value itself."""

    __slots__ = ("make",)

    def __init__(self, make: Callable) -> None:
        self.make = make

    def __call__(self, *arguments: object) -> object:
        return self.make(*arguments)

    def settle(self) -> object:
        raise Refused("a function among its values")


class Unpickler(pickle.Unpickler):
    """Dicts, lists, tuples, texts, numbers, and what `known` makes."""

    def __init__(
        self, file: BinaryIO, known: Mapping[tuple[str, str], object], persistent: Callable[[object], object] | None
    ) -> None:
        super().__init__(file)
        self.known, self.persistent = known, persistent

    def find_class(self, module: str, name: str) -> object:
        """The maker of that name, or Forbidden."""
        try:
            return self.known[module, name]
        except KeyError:
            asked_for = f"{module}.{name}".encode("unicode_escape").decode()  # a damaged name may hold line breaks
            raise Forbidden(asked_for) from None

    def persistent_load(self, pid: object) -> object:
        """What torch keeps beside the pickle."""
        if self.persistent is None:
            raise Refused("refers to something outside itself")
        return self.persistent(pid)


def load_plain(
    file: BinaryIO,
    known: Mapping[tuple[str, str], object],
    persistent: Callable[[object], object] | None = None,
) -> object:
    """The content of one pickle; raises Forbidden for a name that is not `known`, and anything else where damaged."""
    size = file.seek(0, 2)
    file.seek(0)
    _require_small_memo(file, size)
    file.seek(0)
    content = Unpickler(file, known, persistent).load()
    if file.read(1):
        raise Refused("more bytes after its end")
    return _settled(content, 0, [max(LEAST_NODES, size)])


def _require_small_memo(file: BinaryIO, size: int) -> None:
    for step, argument, _ in pickletools.genops(file):
        if step.name in MEMO_STEPS and argument > size:
            raise Refused(f"memo entry {argument} in {size} bytes")


def _settled(value: object, depth: int, left: list[int]) -> object:
    """Plain values with the notes settled; `left` counts down, for a few bytes can refer to one list for ever."""
    left[0] -= 1
    if left[0] < 0 or depth > MOST_DEPTH:
        raise Refused("is larger than its bytes, or nested too deep")
    if isinstance(value, dict):
        return {_key(k): _settled(v, depth + 1, left) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_settled(v, depth + 1, left) for v in value)
    if isinstance(value, (set, frozenset)):
        return {_key(v) for v in value}
    if isinstance(value, Note):
        return value.settle()
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    raise Refused(f"a {type(value).__name__} among its values")


def _key(key: object) -> object:
    if isinstance(key, (str, int, float, bytes)) or key is None:
        return key
    if isinstance(key, Note):
        return key.settle()
    raise Refused(f"a {type(key).__name__} as a key")
