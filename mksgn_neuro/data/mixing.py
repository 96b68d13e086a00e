"""Two data sets of one task as one, to train on both."""

from __future__ import annotations

import numpy as np

from mksgn_neuro.data.clips import Clips, joined
from mksgn_neuro.data.frames import at_rate
from mksgn_neuro.errors import BadInput


def mixed(clips: Clips, more: Clips) -> Clips:
    """Clips of both at the first one's frame rate, called by their data set where two names would be equal.

    Subjects stay apart; unknown, as a whole, where one of the two does not know them. Raises BadInput for other joints
    or classes.
    """
    one, other = clips.skeleton, more.skeleton
    if (one.parents, one.coordinates, one.bodies) != (other.parents, other.coordinates, other.bodies):
        raise BadInput("has other joints", location=more.dataset, hint=f"give data like {clips.dataset}")
    if clips.class_names != more.class_names:
        raise BadInput("has other classes", location=more.dataset, hint=f"give data like {clips.dataset}")
    arrays = [clips[i] for i in range(len(clips))]
    arrays += [at_rate(more[i], more.rate, clips.rate, other.bodies) for i in range(len(more))]
    positions, lengths = joined(arrays)
    known = len(clips) and len(more) and min(clips.subjects.min(), more.subjects.min()) >= 0
    shifted = more.subjects + (clips.subjects.max(initial=-1) + 1)
    subjects = np.concatenate([clips.subjects, shifted]) if known else np.full(len(lengths), -1)
    taken = set(clips.names)
    return Clips(
        positions=positions,
        lengths=lengths,
        labels=np.concatenate([clips.labels, more.labels]),
        subjects=subjects,
        train=np.concatenate([clips.train, more.train]),
        names=(*clips.names, *(f"{more.dataset}: {name}" if name in taken else name for name in more.names)),
        class_names=clips.class_names,
        skeleton=one,
        dataset=clips.dataset,
        rate=clips.rate,
        assumed=tuple(dict.fromkeys((*clips.assumed, *more.assumed))),
    )
