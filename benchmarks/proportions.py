"""Where a Kinect has joints that pose estimators lack: medians over NW-UCLA, for `data.bodies` and `data.recordings`.

And how many of its clips `data.posture` would find odd.

python -m benchmarks.proportions all_sqe.zip
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from mksgn_neuro.data.posture import mirrored, standing
from mksgn_neuro.data.readers import nw_ucla


def main(path: Path) -> None:
    """Print the constants; frames in which hips and shoulders coincide do not count."""
    clips = nw_ucla.load(path)
    at = {name: clips.positions[:, v] for v, name in enumerate(clips.skeleton.joint_names)}
    hips, shoulders = ((at[f"left {joint}"] + at[f"right {joint}"]) / 2 for joint in ("hip", "shoulder"))
    torso = shoulders - hips
    length = np.linalg.norm(torso, axis=1)
    seen = length > 0
    print(f"torso, middle of the hips to middle of the shoulders: {np.median(length[seen]):.3f} m")
    for joint in ("hip centre", "spine", "shoulder centre"):
        share = ((at[joint] - hips) * torso)[seen].sum(axis=1) / length[seen] ** 2
        print(f"{joint}: {np.median(share):.3f} of the way")
    for side in ("left", "right"):
        hand = np.linalg.norm(at[f"{side} hand"] - at[f"{side} wrist"], axis=1)
        forearm = np.linalg.norm(at[f"{side} wrist"] - at[f"{side} elbow"], axis=1)
        print(f"{side} hand: {np.median(hand[forearm > 0] / forearm[forearm > 0]):.3f} of the forearm beyond the wrist")
    names, every = clips.skeleton.joint_names, range(len(clips))
    mirror = np.float32([-1, 1, 1])
    print(
        f"of {len(clips)} clips: {sum(standing(clips[i], names) != '' for i in every)} lie or are upside down, ", end=""
    )
    print(f"{sum(mirrored(clips[i], names) for i in every)} look mirrored, ", end="")
    print(f"{sum(mirrored(clips[i] * mirror, names) for i in every)} of them when they are")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
