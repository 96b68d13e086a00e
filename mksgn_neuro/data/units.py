"""Whether coordinates can be people in metres: the encoder takes them for that, and nothing else says so."""

from __future__ import annotations

import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.errors import BadInput
from mksgn_neuro.evenly import evenly

LOOKED_AT = 200  # clips, evenly spaced
LARGEST = 1e6  # no unit of length makes a recording of that
SMALLEST, UNLIKELY, MILLIMETRES = (
    0.1,
    30.0,
    500.0,
)  # in each frame, from the lowest to the highest coordinate of one axis
HINT = "give positions in metres"


def doubts_about_units(clips: Clips, location: str) -> tuple[str, ...]:
    """What the user is told of coordinates that are no metres, or no motion; raises BadInput beyond any unit.

    Of clips that are mapped from a file only those that are looked at are read.
    """
    if not len(clips):
        return ()
    chosen = evenly(len(clips), LOOKED_AT)
    read = chosen if isinstance(clips.positions, np.memmap) else range(len(clips))
    largest = max(float(np.nan_to_num(np.abs(clips[i])).max()) for i in read)
    if largest > LARGEST:
        raise BadInput(f"coordinates of up to {largest:.1e}", location=location, hint=HINT)
    if largest == 0:
        return ("every coordinate is 0: there is nothing to learn in it",)
    said = _doubt(float(np.median([_span(clips[i]) for i in chosen])))
    return (said,) if said else ()


def doubt_about_frame(positions: np.ndarray, location: str) -> str:
    """The same of one frame (V, 3), NaN where a joint was not seen: empty where nothing is to be said."""
    if not np.isfinite(positions).any():
        return ""
    largest = float(np.nanmax(np.abs(positions)))
    if largest > LARGEST:
        raise BadInput(f"coordinates of up to {largest:.1e}", location=location, hint=HINT)
    span = _span(np.nan_to_num(positions)[None])
    if span < SMALLEST and np.isfinite(positions).all(axis=1).mean() > 0.5:
        return f"a body spans only {span:.2g}, and is taken as metres: {HINT}"
    return _doubt(span)


def _doubt(span: float) -> str:
    if span <= UNLIKELY:
        return ""
    unit = "millimetres" if span >= MILLIMETRES else "centimetres"
    return f"a body spans {span:.0f} as if in {unit}, and is taken as metres: {HINT}"


def _span(clip: np.ndarray) -> float:
    """The largest extent along an axis, median over frames, of joints that are not at exactly 0 or NaN (absent)."""
    absent = ((clip == 0) | np.isnan(clip)).all(axis=2)[:, :, None]
    low, high = (np.where(absent, limit, clip) for limit in (np.inf, -np.inf))
    extent = (high.max(axis=1) - low.min(axis=1)).max(axis=1)
    seen = extent[np.isfinite(extent)]
    return float(np.median(seen)) if len(seen) else 0.0
