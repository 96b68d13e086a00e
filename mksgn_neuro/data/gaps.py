"""Joints that a camera loses: the last position is held for a while, then the joint is absent (NaN)."""

from __future__ import annotations

import numpy as np

HOLD = 0.5  # seconds; what a joint did for longer than that is not known from where it was


STAMP_ERROR = 1e-6  # seconds; see `resampling`


class GapFiller:
    """Frames (V, C) with NaN where a joint was not seen: holds each joint's last position for `hold` seconds.

    No frame depends on a later one, so a stream and its recording are filled alike.
    """

    def __init__(self, hold: float = HOLD) -> None:
        self._hold = hold
        self._last: np.ndarray | None = None
        self._seen_at: np.ndarray | None = None

    def __call__(self, frame: np.ndarray, seconds: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The frame, taken at `seconds`, and which joints are held and which absent: bool (V,) each."""
        lost = np.isnan(frame).any(axis=1)
        if self._last is None:
            self._last, self._seen_at = np.full_like(frame, np.nan), np.full(len(frame), -np.inf)
        nowhere = (frame == 0).all(axis=1)  # of a body that is not there: nothing to be held
        self._seen_at = np.where(lost, self._seen_at, np.where(nowhere, -np.inf, seconds))
        self._last = np.where(lost[:, None], self._last, frame)
        absent = lost & (seconds - self._seen_at > self._hold + STAMP_ERROR)
        return np.where(absent[:, None], np.float32(np.nan), self._last), lost & ~absent, absent


def filled(positions: np.ndarray, rate: float, hold: float = HOLD) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A recording (T, V, C) as `GapFiller` fills it, and what is held and absent: bool (T, V) each."""
    if not np.isnan(positions).any():
        none = np.zeros(positions.shape[:2], dtype=bool)
        return positions, none, none
    fill = GapFiller(hold)
    found, held, absent = zip(*(fill(frame, t / rate) for t, frame in enumerate(positions)))
    return np.stack(found), np.stack(held), np.stack(absent)
