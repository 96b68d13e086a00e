"""How fast a recording was, and the frames that its file leaves out because nobody was seen in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RATES = ("fps", "frame_rate", "rate")  # what frames a second are called beside them
GAP = 1.5  # usual steps from one frame to the next; beyond, frames lie between them
MOST_PUT_IN = 10  # frames for each one in the file: what has more gaps is no recording with gaps
WHOLE = 0.1  # frames by which a recording may end earlier or later at a whole number of frames a second
SLOWEST = 0.5  # frames a second; a camera is not slower, times in milliseconds look as if
UNITS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}


def paced(
    frames: np.ndarray, seconds: Sequence[float | None], counted: Sequence[float | None] = ()
) -> tuple[np.ndarray, float | None, tuple[str, ...]]:  # fmt: skip
    """Frames (T', V, C), T' ≥ T, with NaN for those that the file leaves out; frames a second, None if unknown; notes.

    `seconds` and `counted`: when each of the T frames was taken, and its number; None where the file does not say.
    """
    times = _rising(seconds)
    if times is not None:
        step = _step(times)
        unit = next((unit for unit, each in UNITS.items() if 1 / (step * each) >= SLOWEST), "seconds")
        said = () if unit == "seconds" else (f"its times are {step:.4g} apart: taken as {unit}",)
        frames, rate, notes = _placed(frames, times * UNITS[unit], timed=True)
        return frames, rate, (*said, *notes)
    numbered = _rising(counted)
    return (frames, None, ()) if numbered is None else _placed(frames, numbered, timed=False)


def _rising(values: Sequence[float | None]) -> np.ndarray | None:
    """As an array, where all are known and each is later than the one before."""
    if len(values) < 2 or any(value is None for value in values):
        return None
    times = np.array(values, dtype=np.float64)
    return times if np.isfinite(times).all() and (np.diff(times) > 0).all() else None


def _step(times: np.ndarray) -> float:
    """From one frame to the next where none lies between: the mean, for stamps are rounded."""
    steps = np.diff(times)
    return float(steps[steps < GAP * np.median(steps)].mean())


def _placed(frames: np.ndarray, times: np.ndarray, *, timed: bool) -> tuple[np.ndarray, float | None, tuple[str, ...]]:
    step, rank = _step(times), np.arange(len(frames))
    rate = whole_rate(1 / step, len(frames)) if timed else None
    slots = np.rint((times - times[0]) / step)
    slots = np.maximum.accumulate(slots - rank) + rank
    lacking = slots[-1] + 1 - len(frames)
    if not lacking:
        return frames, rate, ()
    where = "times" if timed else "numbers"
    if lacking > MOST_PUT_IN * len(frames):
        return frames, rate, (f"its frames' {where} leave out {lacking:.0f} frames: taken as if there were none",)
    whole = np.full((int(slots[-1]) + 1, *frames.shape[1:]), np.nan, dtype=frames.dtype)
    whole[slots.astype(int)] = frames
    return whole, rate, (f"{lacking:.0f} frames left out of the file, by its {where}: nobody was seen in them",)


def whole_rate(rate: float, frames: int) -> float:
    """Frames a second: the nearest whole number, where over so many frames nobody could tell them apart."""
    nearest = float(np.rint(rate))
    return nearest if nearest > 0 and abs(rate / nearest - 1) * (frames - 1) < WHOLE else float(rate)
