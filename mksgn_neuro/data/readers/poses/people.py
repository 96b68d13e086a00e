"""What the readers of pose estimators share: people in frames, one of whom is followed; confidence as presence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mksgn_neuro.data.bodies import PIXELS, SHARES
from mksgn_neuro.data.recordings import LEAST_CONFIDENCE
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

WITH_CONFIDENCE = "the third number is a confidence, not metres: two coordinates"
IN_PIXELS = 10.0  # metres from the camera; what lies further off is a picture's
LARGEST_SHARE = 2.0  # of a picture's width or height; joints may lie a little outside
FOLLOWED = "one is followed, who is seen best at first, then whoever is nearest"


def with_confidence(values: object, joints: int, location: str, coordinates: int = 2) -> np.ndarray:
    """Joints (V, C) float32 from (V, C + 1) numbers, flat or nested; NaN where the confidence is too small."""
    table = numbers(values, location)
    if table.size != joints * (coordinates + 1):
        problem = f"{table.size} numbers, expected {joints} joints of {coordinates} coordinates and a confidence"
        raise BadInput(problem, location=location, hint="write the frame again")
    table = table.reshape(joints, coordinates + 1)
    return seen(table[:, :coordinates], table[:, coordinates])


def seen(points: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """`points` (V, C) with NaN where `confidence` (V,) is below LEAST_CONFIDENCE or no number."""
    return np.where((confidence >= LEAST_CONFIDENCE)[:, None], points, np.nan).astype(np.float32)


def numbers(values: object, location: str) -> np.ndarray:
    """An array of floats; null becomes NaN, infinities too. Raises BadInput for anything else."""
    try:
        with np.errstate(over="ignore"):
            table = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadInput(f"not numbers ({shown(error)})", location=location, hint="write the frame again") from error
    return np.where(np.isfinite(table), table, np.nan)


def is_picture(points: np.ndarray, least: float = IN_PIXELS) -> bool:
    """Whether the third number of joints (..., 3) is a share, and the others, from `least` up, are no metres."""
    third, others = points[..., 2], points[..., :2]
    if not np.isfinite(third).any() or not np.isfinite(others).any():
        return False
    shares = np.nanmin(third) >= 0 and np.nanmax(third) <= 1
    return bool(shares and (np.nanmax(np.abs(others)) > least if least else np.nanmin(others) >= 0))


def picture_unit(positions: np.ndarray) -> str:
    """SHARES or PIXELS, whichever a picture's joints (T, V, 2) must be by their size."""
    found = np.abs(positions[np.isfinite(positions)])
    return SHARES if len(found) and found.max() <= LARGEST_SHARE else PIXELS


def followed(
    frames: Sequence[Sequence[np.ndarray]], joints: int, coordinates: int
) -> tuple[np.ndarray, tuple[str, ...]]:  # fmt: skip
    """One person through frames that each list people (V, C): positions (T, V, C), NaN where nobody is; and notes.

    First whoever is seen best, most joints and then largest, in the first frame with anybody; then whoever is nearest
    to where that person was last.
    """
    positions = np.full((len(frames), joints, coordinates), np.nan, dtype=np.float32)
    last, jumps = None, []
    for t, people in enumerate(frames):
        people = [person for person in people if np.isfinite(person).any()]
        if not people:
            continue
        chosen = max(people, key=_prominence) if last is None else min(people, key=lambda p: _distance(p, last))
        if last is not None and _distance(chosen, last) > _extent(last):
            jumps.append(t)
        positions[t], last = chosen, chosen
    most = max(map(len, frames), default=0)
    return positions, (*(f"up to {most} people in a frame: {FOLLOWED}",) * (most > 1), *jumped(jumps))


def jumped(frames: Sequence[int]) -> tuple[str, ...]:
    """What is said of frames in which whoever is followed is further away than their own size."""
    return (f"whoever is followed jumps in frame {frames[0]}: perhaps another person from there on",) if frames else ()


def several_people(people: int) -> list[str]:
    """What is said of a clip with more than two people, of whom two at most are used."""
    return [f"{people} people in it: those beyond the first two are left out"] if people > 2 else []


def _prominence(person: np.ndarray) -> tuple[int, float]:
    return int(np.isfinite(person).all(axis=1).sum()), _extent(person)


def _extent(person: np.ndarray) -> float:
    return float((np.nanmax(person, axis=0) - np.nanmin(person, axis=0)).max())


def _distance(person: np.ndarray, last: np.ndarray) -> float:
    return float(np.linalg.norm(np.nanmean(person, axis=0) - np.nanmean(last, axis=0)))
