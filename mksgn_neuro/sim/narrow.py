"""Weights of 8 bits for one stream: a single step finds its rows in distant caches, and waits half as long for half."""

from __future__ import annotations

import numpy as np

from mksgn_neuro.sim.tables import Tables, aligned
from mksgn_neuro.sim.vector import LANES

INT8 = np.iinfo(np.int8)


def narrowed(tables: Tables) -> Tables:
    """The same network with the rows of all spans whose weights fit 8 bits, divided by a power of 2, in `narrow`.

    A batch, whose weights stay in the nearest cache, would have to widen them again at every step for nothing.
    """
    if not len(tables.span_mask):
        return tables
    widths = LANES * np.repeat(tables.tile_chunks, np.diff(tables.span_ptr))
    lowest = _trailing_zeros(tables.span_mask).astype(np.int64)
    first, end = tables.span_base + lowest * widths, tables.span_base + (tables.span_last + 1) * widths
    bounds = np.stack([first, end], axis=1).ravel()
    weights = np.append(tables.weights, np.int16(0))  # so that the last bound is an index, too
    together, high, low = (f.reduceat(weights, bounds)[::2] for f in (np.bitwise_or, np.maximum, np.minimum))
    shift = _trailing_zeros(together)
    fits = (high >> shift <= INT8.max) & (low >> shift >= INT8.min)
    of_parts = np.append(np.stack([np.zeros_like(shift), shift], axis=1).ravel(), np.int16(0))
    narrow = aligned(len(tables.weights), np.int8)
    sizes = np.diff(bounds, prepend=0, append=len(narrow))
    np.right_shift(tables.weights, np.repeat(of_parts, sizes), out=narrow, casting="unsafe")
    return tables._replace(narrow=narrow, span_shift=np.where(fits, shift, -1).astype(np.int64))


def _trailing_zeros(values: np.ndarray) -> np.ndarray:
    """Of each of some integers, 0 of 0: int16."""
    whole = values.astype(np.int64).view(np.uint64)
    return np.log2(np.maximum(whole & -whole, 1)).astype(np.int16)
