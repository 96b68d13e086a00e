"""Recognition as it unfolds: what the network would have said after each frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Online:
    """`accuracy` float64 (T,) after each frame; `clean` the same without leaked clips, None where there are none.

    `ended` (T,): share of the clips that were over before the frame, their last pose held.
    """

    accuracy: np.ndarray
    clean: np.ndarray | None
    ended: np.ndarray


def online(decisions: np.ndarray, labels: np.ndarray, leaked: np.ndarray, ends: np.ndarray) -> Online:
    """From decisions (N, T) after each frame; (N,) each: true labels, which clips are also in training, frames."""
    right = decisions == labels[:, None]
    clean = right[~leaked].mean(axis=0) if leaked.any() and not leaked.all() else None
    ended = (ends[:, None] <= np.arange(right.shape[1])).mean(axis=0)
    return Online(right.mean(axis=0), clean, ended)


def confusion(decided: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Clips by true class (rows) and decided class (columns), int64 (classes, classes)."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels, decided), 1)
    return counts
