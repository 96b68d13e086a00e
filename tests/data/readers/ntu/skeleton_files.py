"""`.skeleton` files that tests write themselves."""

import numpy as np

REST = " 257.1 191.2 1036.2 519.4 0 0 1e-05 0 2"


def skeleton_text(sightings, frames, *, ending="\n", write=repr) -> bytes:
    """`sightings`: [(frame, body id, (25, 3) floats)]; the fields that nobody reads are filled with plausible ones."""
    lines = [str(frames)]
    for t in range(frames):
        here = [(body, xyz) for frame, body, xyz in sightings if frame == t]
        lines.append(str(len(here)))
        for body, xyz in here:
            lines += [f"{body} 0 1 1 1 1 0 0.0123 -0.256 2", "25"]
            lines += [" ".join(write(float(x)) for x in joint) + REST for joint in xyz]
    return (ending.join(lines) + ending).encode()


def walk(frames, seed=0, first=0, size=0.1):
    """Sightings of one body, id 72057594037930000 + seed, moving at random for `frames` frames from `first` on."""
    steps = np.random.default_rng(seed).normal(0, size, (frames, 25, 3)).cumsum(axis=0).astype(np.float32)
    return [(first + t, 72057594037930000 + seed, steps[t]) for t in range(frames)]
