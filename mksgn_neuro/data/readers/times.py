"""When frames were taken, or which of a video's they are: as files and streams say it, and as frames that come evenly.

What a network gets is a fixed number of frames a second. Times that cannot be used are told as a problem, never passed
over: only `--rate` says then how fast a recording goes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np

from mksgn_neuro.data.clips import RATES
from mksgn_neuro.data.frames import sample
from mksgn_neuro.data.resampling import LONGEST_GAP
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

SECONDS = {"t": 1.0, "time": 1.0, "seconds": 1.0, "timestamp": 1.0, "timestamp_ms": 1e-3, "timestamp_us": 1e-6}
NUMBERS = ("frame", "frame_id", "frame_number", "frame_idx", "frame_index")
RATE_NAMES = ("fps", "frame_rate", "rate")  # what frames a second are called beside them
UNEVEN = 0.5  # of the usual step: so far may a frame lie beside its even place
OFF_STEP = 0.25  # of the usual step: so far may steps be from one or several of it where frames were left out
GAP = 1.5  # usual steps; beyond, frames lie between
WHOLE = 0.1  # frames by which a recording may end earlier or later at a whole number of frames a second
UNITS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
SLOWEST = 0.5  # frames a second; a camera is not slower, times in other units look as if
MOST_ADDED = 20  # times as many frames as were recorded, beyond which times and numbers are no clip's
HINT = "give t in seconds, or leave it out of every frame"
Listed = TypeVar("Listed")


def seconds_of(content: object, location: str) -> float | None:
    """When a frame in JSON, or a row by its header, was taken; None where it does not say. Raises BadInput."""
    if not isinstance(content, Mapping):
        return None
    key = next((key for key in SECONDS if key in content and (key == "t" or content[key] not in (None, ""))), None)
    return None if key is None else _seconds(content[key], key, location) * SECONDS[key]


def _seconds(said: object, key: str, location: str) -> float:
    try:
        if isinstance(said, str) and key != "t":
            return _of_text(said)
        seconds = math.nan if isinstance(said, (str, bool)) else float(said)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise BadInput(f'"{key}" is not a finite number', location=location, hint=HINT)
    return seconds


def _of_text(said: str) -> float:
    """A number in quotes or a spreadsheet, or a date with its time; raises ValueError."""
    try:
        number = float(said)
    except ValueError:
        return datetime.fromisoformat(said.strip().replace("Z", "+00:00")).timestamp()
    return number if math.isfinite(number) else math.nan


def number_of(content: object) -> int | None:
    """Which of the video's frames it is; None where it does not say."""
    said = (content[key] for key in NUMBERS if key in content) if isinstance(content, Mapping) else iter(())
    number = next(said, None)
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def row_of(header: Sequence[str], cells: Sequence[str]) -> dict[str, object]:
    """What the row of a table says by its header: numbers where they are some, nothing of empty cells."""
    return {name.strip().lower(): _number_or(cell) for name, cell in zip(header, cells) if cell.strip()}


def _number_or(cell: str) -> object:
    try:
        number = float(cell)
    except ValueError:
        return cell
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def said_of(contents: Sequence[tuple[object, str]]) -> list[float | str | None]:
    """`seconds_of` each frame and its place; the words of what is wrong in place of a time that is none."""
    found: list[float | str | None] = []
    for content, location in contents:
        try:
            found.append(seconds_of(content, location))
        except BadInput as error:
            found.append(f"{error.problem} ({location})")
    return found


@dataclass(frozen=True)
class Timed:
    """`positions` (T, V, C) at `rate` Hz, None where unknown; `untimed`: what keeps the times from being used."""

    positions: np.ndarray
    rate: float | None = None
    notes: tuple[str, ...] = ()
    untimed: str = ""

    @property
    def fields(self) -> dict[str, object]:
        """What a `Recording` is told of it, but for the notes."""
        return {"rate": self.rate, "untimed": self.untimed}


def evenly(positions: np.ndarray, seconds: Sequence[float | str | None]) -> Timed:
    """Frames (T, V, C) that were taken at `seconds` as frames that come evenly, put between those around where needed.

    Where frames of an even rate are missing, or none was taken for longer than LONGEST_GAP, nobody is seen (NaN).
    """
    if all(second is None for second in seconds) or len(seconds) < 2:
        wrong = next((second for second in seconds if isinstance(second, str)), "")
        return Timed(positions, untimed=wrong)
    problem = _problem(seconds)
    if problem:
        return Timed(positions, untimed=problem)
    times = np.array(seconds, dtype=np.float64) - seconds[0]
    usual, said = float(np.median(np.diff(times))), ()
    unit = next((unit for unit, each in UNITS.items() if usual * each * SLOWEST <= 1), "seconds")
    if unit != "seconds":
        said = (f"its times are {usual:.4g} apart: taken as {unit}",)
        times = times * UNITS[unit]
    timed = _timed(positions, times)
    return replace(timed, notes=(*said, *timed.notes))


def _timed(positions: np.ndarray, times: np.ndarray) -> Timed:
    """`evenly` for rising times in seconds, the first of which is 0."""
    steps = np.diff(times)
    mean, usual = float(times[-1] / len(steps)), float(np.median(steps))
    even = np.abs(times - mean * np.arange(len(times))).max() <= UNEVEN * mean
    counted = np.rint(steps / usual)
    left_out = counted.max() > 1 and (counted >= 1).all() and np.abs(steps / usual - counted).max() <= OFF_STEP
    step = float(steps[steps < GAP * usual].mean()) if left_out else mean if even else usual
    rate = whole_rate(1 / step, len(times))
    if not RATES[0] <= rate <= RATES[1]:
        return Timed(positions, untimed=f"by their times its frames are {step:.3g} seconds apart")
    if even and not left_out:
        return Timed(positions, rate)
    count = int(counted.sum() if left_out else times[-1] * rate + 0.5) + 1
    if count > MOST_ADDED * len(times) + 1000:
        return Timed(positions, untimed=f"by their times {times[-1]:.4g} seconds pass in {len(times)} frames")
    if left_out:
        whole = np.full((count, *positions.shape[1:]), np.nan, dtype=positions.dtype)
        whole[np.concatenate([[0], counted.cumsum()]).astype(int)] = positions
        return Timed(whole, rate, (_missing(count - len(times), count, "times"),))
    return _on_the_grid(positions, times, np.minimum(np.arange(count) / rate, times[-1]), rate)


def whole_rate(rate: float, frames: int) -> float:
    """Frames a second: the nearest whole number, where over so many frames nobody could tell them apart."""
    nearest = float(np.rint(rate))
    return nearest if nearest > 0 and abs(rate / nearest - 1) * (frames - 1) < WHOLE else float(rate)


def _missing(frames: int, count: int, by: str) -> str:
    return f"{frames} of {count} frames are missing by their {by}: nobody is seen there"


def _problem(seconds: Sequence[float | str | None]) -> str:
    wrong = next((second for second in seconds if isinstance(second, str)), "")
    if wrong:
        return wrong
    if None in seconds:
        return f"{list(seconds).count(None)} of {len(seconds)} frames do not say when they were taken, the others do"
    late = next((t for t in range(1, len(seconds)) if not seconds[t] > seconds[t - 1]), None)
    if late is None:
        return ""
    return f"frame {late} was taken at {seconds[late]:.10g} s, the one before at {seconds[late - 1]:.10g} s"


def _on_the_grid(positions: np.ndarray, times: np.ndarray, grid: np.ndarray, rate: float) -> Timed:
    steps = np.diff(times)
    at = np.interp(grid, times, np.arange(len(times)))[None]
    found = sample(positions.astype(np.float32), np.zeros(1, np.int64), at, np.array([len(times) - 1]))[0]
    before = np.minimum(np.searchsorted(times, grid, side="right") - 1, len(steps) - 1)
    beside = np.minimum(grid - times[before], times[before + 1] - grid) > UNEVEN / rate
    nobody = (steps[before] > LONGEST_GAP) & beside
    found[nobody] = np.nan
    told = f"frames come unevenly, {steps.min():.3g} to {steps.max():.3g} s apart: brought to {rate:.4g} a second"
    gaps = int((steps > LONGEST_GAP).sum())
    lost = (f"{gaps} gaps of more than {LONGEST_GAP:g} s without a frame: nobody is seen there",) if gaps else ()
    return Timed(found, rate, (told, *lost))


def in_order(
    frames: Sequence[Listed], numbers: Sequence[int | None], nobody: Listed
) -> tuple[list[Listed], tuple[str, ...]]:
    """Frames by their numbers, with `nobody` for each that is missing in between; and what is said of that.

    As they come where one has no number, or two have the same.
    """
    known = len(numbers) > 1 and None not in numbers
    if not known or len(set(numbers)) < len(numbers):
        return list(frames), ("two frames have one number: taken in the order of the file",) if known else ()
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    turned = ("frames put in the order of their numbers",) if order != list(range(len(order))) else ()
    frames, numbers = [frames[i] for i in order], [numbers[i] for i in order]
    steps = np.diff(numbers).tolist()
    step = min(steps) if all(one % min(steps) == 0 for one in steps) else 1
    every = (f"only every {step}. frame of the video is in it: --rate is that of these frames",) if step > 1 else ()
    count = (numbers[-1] - numbers[0]) // step + 1
    if count == len(frames):
        return frames, turned + every
    if count > MOST_ADDED * len(frames) + 1000:
        return frames, (*turned, "the numbers of its frames leave most of a video out: taken as one after the other")
    places = {(number - numbers[0]) // step: frame for number, frame in zip(numbers, frames)}
    lost = _missing(count - len(frames), count, "numbers")
    return [places.get(k, nobody) for k in range(count)], (*turned, *every, lost)


def require_unlike(names: Sequence[str], location: str) -> None:
    """Raise BadInput for a name that stands there twice: nobody knows which of the two is meant."""
    called = [name for name in names if name.strip()]
    twice = next((name for i, name in enumerate(called) if name in called[:i]), None)
    if twice is not None:
        raise BadInput(f"{shown(repr(twice))} twice", location=location, hint="keep one of them")
