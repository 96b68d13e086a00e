"""Recognition as it unfolds: what the network would have said after each frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Online:
    """`accuracy` float64 (T,) after each frame; `clean` the same without leaked clips, None where there are none.

    `settled` int64 (N,): the frame, from 1, from which on a clip is recognised and stays so; 0 if it is not.
    """

    accuracy: np.ndarray
    clean: np.ndarray | None
    settled: np.ndarray

    @property
    def median_settled(self) -> int | None:
        """Frames until half of the recognised clips are decided for good."""
        right = np.sort(self.settled[self.settled > 0])
        return int(right[(len(right) - 1) // 2]) if len(right) else None


def online(decisions: np.ndarray, labels: np.ndarray, leaked: np.ndarray) -> Online:
    """From decisions (N, T) after each frame, true labels (N,) and which clips are also in training (N,)."""
    right = decisions == labels[:, None]
    frames = right.shape[1]
    last_wrong = np.where(right.all(axis=1), 0, frames - right[:, ::-1].argmin(axis=1))
    settled = np.where(right[:, -1], last_wrong + 1, 0)
    clean = right[~leaked].mean(axis=0) if leaked.any() and not leaked.all() else None
    return Online(right.mean(axis=0), clean, settled)


def confusion(decided: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Clips by true class (rows) and decided class (columns), int64 (classes, classes)."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (labels, decided), 1)
    return counts
