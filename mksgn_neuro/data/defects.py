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
    """Bool masks (N,): not finite (unusable); one frame only; constant (more, but no motion); against their label."""
    finite = np.array([bool(np.isfinite(clips[i]).all()) for i in range(len(clips))], dtype=bool)
    one_frame = clips.lengths == 1
    still = np.array([bool((clips[i] == clips[i][:1]).all()) for i in range(len(clips))], dtype=bool)
    masks = {UNUSABLE: ~finite, "one frame": one_frame, "constant": still & ~one_frame}
    return {**masks, "moves against its label": moves_against_label(clips)}


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
    dropped = tuple(f"{clips.names[i]}: a coordinate is not a finite number" for i in np.flatnonzero(~finite))
    return replace(clips.subset(finite), skipped=clips.skipped + dropped)
