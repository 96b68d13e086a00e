"""Frames as a camera delivers them, brought to the rate that a network takes, one by one.

A frame between two recorded ones is known when the second is there, so a network at 30 Hz behind a camera at 30 Hz
waits for nothing, and behind any other camera for at most one of its frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.data.frames import instants, rate_count, sample
from mksgn_neuro.errors import BadInput

LONGEST_GAP = 1.0  # seconds: what a body did for longer than that is not a straight line
STAMP_ERROR = 1e-6  # seconds: a float64 of seconds since 1970 is as exact as that
STAMP_REMEDY = "give rising seconds; an empty line starts a new clip"


class RateConverter:
    """`frames.at_rate` for a recording that goes on: feed (V, 3) metres at `rate` Hz, get what is known at `wanted` Hz.

    All frames together are those that `at_rate` makes of the whole recording, to the bit. Keeps one frame.
    With both rates alike, or None, frames are passed on as they come.
    """

    def __init__(self, rate: float | None, wanted: float | None, bodies: int = 1) -> None:
        self._rate, self._wanted, self._bodies = rate, wanted, bodies
        self._previous: np.ndarray | None = None
        self._recorded = self._delivered = 0

    def __call__(self, frame: np.ndarray) -> list[np.ndarray]:
        """The frames (V, 3) float32, none or several, that the next recorded one completes."""
        now = np.array(frame, dtype=np.float32)
        if self._rate == self._wanted:
            return [now]
        previous = now if self._previous is None else self._previous
        self._previous, self._recorded = now, self._recorded + 1
        new = rate_count(self._recorded, self._rate, self._wanted) - self._delivered
        since = instants(self._delivered, new, self._rate, self._wanted) - (self._recorded - 2)
        self._delivered += new
        return _between(previous, now, since, self._bodies)


@dataclass(frozen=True)
class Converted:
    """`frames` (V, 3) float32 each. `gap`: seconds in which none came before, where that is too long to bridge."""

    frames: list[np.ndarray]
    gap: float | None = None


class StampedConverter:
    """The same for frames that say when they were taken: frame k at `wanted` Hz lies k / `wanted` s after the first.

    After more than `longest_gap` seconds without a frame it starts anew, for nobody knows what was between.
    With `wanted` None frames are passed on as they come.
    """

    def __init__(self, wanted: float | None, bodies: int = 1, longest_gap: float = LONGEST_GAP) -> None:
        self._wanted, self._bodies, self._longest_gap = wanted, bodies, longest_gap
        self._previous: np.ndarray | None = None
        self._start = self._at = 0.0
        self._delivered = 0

    def __call__(self, frame: np.ndarray, seconds: float, location: str = "") -> Converted:
        """What the next frame, taken at `seconds`, completes; raises BadInput unless that is later than the last."""
        now = np.array(frame, dtype=np.float32)
        if self._previous is None:
            if not math.isfinite(seconds):
                raise BadInput(f"taken at {seconds} s", location=location, hint=STAMP_REMEDY)
            return Converted(self._begin(now, seconds))
        passed = seconds - self._at
        if not 0 < passed < math.inf:
            raise BadInput(
                f"taken at {seconds} s, the frame before at {self._at} s", location=location, hint=STAMP_REMEDY
            )
        if passed > self._longest_gap:
            return Converted(self._begin(now, seconds), passed)
        previous, before = self._previous, self._at - self._start
        self._previous, self._at = now, seconds
        return Converted([now] if self._wanted is None else self._up_to(previous, before, now, seconds - self._start))

    def _begin(self, now: np.ndarray, seconds: float) -> list[np.ndarray]:
        self._previous, self._start, self._at, self._delivered = now, seconds, seconds, 1
        return [now]

    def _up_to(self, previous: np.ndarray, before: float, now: np.ndarray, after: float) -> list[np.ndarray]:
        """Frames between one taken `before` and one taken `after` so many seconds since the start."""
        known = int((after + STAMP_ERROR) * self._wanted) + 1
        wanted = np.arange(self._delivered, known, dtype=np.float64) / self._wanted
        self._delivered = known
        share = (wanted - before) / (after - before)
        on_the_frame = wanted > after - STAMP_ERROR
        return _between(previous, now, np.where(on_the_frame, 1.0, share), self._bodies)


def _between(previous: np.ndarray, now: np.ndarray, times: np.ndarray, bodies: int) -> list[np.ndarray]:
    """Frames at `times` (N,) float64, from 0 at the previous frame to 1 now."""
    if not len(times):
        return []
    two = np.stack([previous, now])
    return list(sample(two, np.zeros(1, dtype=np.int64), times[None], np.array([1]), bodies)[0])
