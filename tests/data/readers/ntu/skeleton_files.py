"""`.skeleton` files that tests write themselves."""

import numpy as np

STANDING = np.stack([0.2 * np.cos(np.arange(25)), np.linspace(0, 1.7, 25), np.full(25, 3.0)], axis=1)
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
    """Sightings of one body, id 72057594037930000 + seed, straying at random for `frames` frames from `first` on."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, size, (frames, 1, 3)).cumsum(axis=0) + rng.normal(0, 0.02, (frames, 25, 3)) + STANDING
    return [(first + t, 72057594037930000 + seed, steps[t].astype(np.float32)) for t in range(frames)]
