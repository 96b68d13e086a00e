"""Arrays that are made when somebody asks for them: those of a hundred thousand clips take no memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Made(Sequence):
    """Array i is `make(i)`, anew whenever it is asked for; its first axis has `lengths[i]` entries, int64 (N,)."""

    lengths: np.ndarray
    make: Callable[[int], np.ndarray]

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int | slice) -> np.ndarray | Made:
        if isinstance(i, slice):
            own = range(len(self))[i]
            return replace(self, lengths=self.lengths[i], make=lambda k: self.make(own[k]))
        return self.make(range(len(self))[i])

    def map(self, change: Callable[[np.ndarray], np.ndarray], times: int = 1) -> Made:
        """Each array changed, to one that is `times` as long."""
        return Made(self.lengths * times, lambda i: change(self.make(i)))


@dataclass(frozen=True)
class Joined:
    """Arrays one after the other as one of `len`: a slice makes only those that it touches."""

    parts: Made
    ends: np.ndarray

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, chosen: slice) -> np.ndarray:
        start, stop, step = chosen.indices(len(self))
        first = min(int(np.searchsorted(self.ends, start, side="right")), len(self.parts) - 1)
        last = min(int(np.searchsorted(self.ends, stop, side="left")), len(self.parts) - 1)
        before = int(self.ends[first] - self.parts.lengths[first])
        touched = np.concatenate([self.parts[i] for i in range(first, max(first, last) + 1)])
        return touched[start - before : max(start, stop) - before : step]

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return np.concatenate(list(self.parts)).astype(dtype or np.float32, copy=False)


def joined(parts: Made) -> Joined:
    """One long array of them."""
    return Joined(parts, np.cumsum(parts.lengths, dtype=np.int64))


def lengths_of(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """How long each of them is, int64 (N,), without making any."""
    return arrays.lengths if isinstance(arrays, Made) else np.array([len(x) for x in arrays], dtype=np.int64)
