"""Some of many, evenly spaced, the first and the last among them: what is looked at where all would take too long."""

from __future__ import annotations

import numpy as np


def evenly(number: int, at_most: int) -> np.ndarray:
    """Indices of at most so many of `number`, ascending, int64; all of them where they are no more."""
    return np.linspace(0, number - 1, min(at_most, number)).astype(np.int64)
