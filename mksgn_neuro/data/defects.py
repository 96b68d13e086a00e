"""What can be wrong with clips that parse, and what is done about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.contradictions import moves_against_label
from mksgn_neuro.errors import BadInput

UNUSABLE = "not finite"
HINT = "repair or remove the clip, or leave such clips out with --skip-bad"


def defects(clips: Clips) -> dict[str, np.ndarray]:
    """Bool masks (N,): not finite (unusable); one frame only; constant (more, but no motion); against their label.

    A joint that is absent (NaN) is none; a clip in which nothing is seen is unusable.
    """
    finite = np.array([not np.isinf(clips[i]).any() and not np.isnan(clips[i]).all() for i in range(len(clips))], bool)
    one_frame = clips.lengths == 1
    still = np.array([_constant(clips[i]) for i in range(len(clips))], dtype=bool)
    masks = {UNUSABLE: ~finite, "one frame": one_frame, "constant": still & ~one_frame}
    return {**masks, "moves against its label": moves_against_label(clips)}


def _constant(clip: np.ndarray) -> bool:
    return np.array_equal(clip, np.broadcast_to(clip[:1], clip.shape), equal_nan=True)


def first_not_finite(clip: np.ndarray) -> str:
    """Where the first NaN or infinity of a clip (T, V, 3) is."""
    frame, joint, axis = (int(i) for i in np.argwhere(~np.isfinite(clip))[0])
    return f"frame {frame}, joint {joint}, {'xyz'[axis]}"


def keep_sound(clips: Clips, location: str, skip_bad: bool) -> Clips:
    """The clips, or BadInput for the first with a coordinate that is not finite; `skip_bad` drops and lists them."""
    finite = np.array([bool(np.isfinite(clips[i]).all()) for i in range(len(clips))], dtype=bool)
    if finite.all():
        return clips
    if not skip_bad:
        i = int(np.argmin(finite))
        where = f"{location}, clip {clips.names[i]}, {first_not_finite(clips[i])}"
        raise BadInput("a coordinate is not a finite number", location=where, hint=HINT)
    return _without(clips, ~finite, "a coordinate is not a finite number")


def keep_seen(clips: Clips, location: str, skip_bad: bool) -> Clips:
    """The same for clips in which no joint is there in any frame."""
    nothing = np.array([bool(np.isnan(clips[i]).all()) for i in range(len(clips))], dtype=bool)
    if not nothing.any():
        return clips
    if not skip_bad:
        where = f"{location}, clip {clips.names[int(nothing.argmax())]}"
        raise BadInput("no joint is seen in any frame", location=where, hint=HINT)
    return _without(clips, nothing, "no joint is seen in any frame")


def _without(clips: Clips, bad: np.ndarray, why: str) -> Clips:
    dropped = tuple(f"{clips.names[i]}: {why}" for i in np.flatnonzero(bad))
    return replace(clips.subset(~bad), skipped=clips.skipped + dropped)
