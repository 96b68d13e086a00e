"""A file or folder that a reader looks into, read once however many formats ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mksgn_neuro.data.recordings import Recording
from mksgn_neuro.gates.text import json_at, parsed_json

LARGEST_JSON = 2**30  # bytes; a file beyond that is no clip


@dataclass(frozen=True)
class Format:
    """`recognises` looks at the content; `read` gives the clips in it, raising BadInput for what is damaged."""

    name: str
    description: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source], list[Recording]]


class Source:
    """A path and what it holds, as text and as JSON."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def suffix(self) -> str:
        """In small letters, with its dot."""
        return self.path.suffix.lower()

    @property
    def name(self) -> str:
        """What a clip in it is called."""
        return self.path.stem if self.path.is_file() else self.path.name

    @cached_property
    def text(self) -> str:
        """The whole file, without a byte-order mark; empty for what is no UTF-8 text."""
        if not self.path.is_file() or self.path.stat().st_size > LARGEST_JSON:
            return ""
        try:
            return self.path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            return ""

    @cached_property
    def lines(self) -> list[tuple[int, str]]:
        """Lines that are not empty, with their numbers from 1."""
        return [(n, line) for n, line in enumerate(self.text.splitlines(), 1) if line.strip()]

    @cached_property
    def document(self) -> object:
        """The file as one JSON value; None where it is not one."""
        if not self._is_json:
            return None
        if len(self.lines) > 1 and self._first_line is not None:
            return None
        try:
            return parsed_json(self.text)
        except ValueError:
            return None

    @cached_property
    def _first_line(self) -> object:
        try:
            return parsed_json(self.lines[0][1]) if self.lines else None
        except ValueError:
            return None

    @cached_property
    def values(self) -> list[tuple[object, str]]:
        """JSON values with their places: one a line, or the elements of a file that is one list. Empty if no JSON.

        Raises BadInput for a line that is none where the first one is.
        """
        if self.document is not None:
            listed = self.document if isinstance(self.document, list) and self.suffix == ".json" else [self.document]
            return [(value, f"{self.path}, element {i}") for i, value in enumerate(listed)]
        if not self._is_json or (self._first_line is None and self.lines[0][1].strip() != "null"):
            return []
        locations = [(f"{self.path}, line {n}", line) for n, line in self.lines]
        return [(json_at(location, line, "repair the line"), location) for location, line in locations]

    @cached_property
    def first(self) -> object:
        """The first of `values` that shows anybody, else the first, without a look at the others; None where none."""
        if self.document is not None:
            listed = [value for value, _ in self.values]
            return next((value for value in listed if shows_anybody(value)), listed[0] if listed else None)
        if not self._is_json:
            return None
        return next(filter(shows_anybody, self.readable()), self._first_line)

    def readable(self) -> Iterator[object]:
        """The values of JSON lines one by one, up to one that is damaged: that is the reader's to say."""
        for _, line in self.lines:
            try:
                yield parsed_json(line)
            except ValueError:
                return

    @property
    def _is_json(self) -> bool:
        begin = self.text.lstrip()[:5]
        return begin[:1] in ("[", "{") or begin.split() == ["null"]


def shows_anybody(frame: object) -> bool:
    """Whether a frame in JSON has something in it; those in which nobody was detected have an empty list, or null."""
    if isinstance(frame, dict):
        return any(isinstance(value, (list, dict)) and value for value in frame.values())
    return isinstance(frame, list) and bool(frame)
