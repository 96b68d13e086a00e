"""Small clips that tests make up themselves."""

from dataclasses import replace

import numpy as np

from mksgn_neuro.data.clips import Clips, joined
from mksgn_neuro.data.skeleton import KINECT_20


def clips(lengths=(5, 1, 9, 5), *, skeleton=KINECT_20, seed=0, **changes) -> Clips:
    """Random walks of `lengths` frames; two classes, subjects 1 and 2, every second clip for testing."""
    rng = np.random.default_rng(seed)
    n = len(lengths)
    positions, lengths = joined([rng.normal(0, 0.05, (t, skeleton.joints, 3)).cumsum(axis=0) for t in lengths])
    made = Clips(
        positions=positions,
        lengths=lengths,
        labels=np.arange(n) // 2 % 2,
        subjects=1 + np.arange(n) % 2,
        train=np.arange(n) % 2 == 0,
        names=tuple(f"clip {i}" for i in range(n)),
        class_names=("sit", "stand"),
        skeleton=skeleton,
        dataset="made up",
    )
    return replace(made, **changes)
