"""BVH files whose joints have positions of their own, which programs mean in two ways."""

import numpy as np
import pytest

from mksgn_neuro.data.formats import recordings
from mksgn_neuro.data.recordings import Wanted, in_metres
from tests.data import pose_files


def with_positions(folder, sign):
    """`pose_files.bvh` with three positions for each joint: its offset (1), or nothing (0), to be added."""
    path = pose_files.bvh(folder)
    head, motion = path.read_text().split("MOTION\n")
    lines, offsets = [], []
    for line in head.splitlines():
        if line.startswith("OFFSET"):
            offset = line.split()[1:]
        if line.startswith("CHANNELS 3"):
            line = "CHANNELS 6 Xposition Yposition Zposition " + line.split(maxsplit=2)[2]
            offsets.append([sign * float(x) for x in offset])
        lines.append(line)
    count, time, *frames = motion.splitlines()
    rows = []
    for frame in frames:
        x = frame.split()
        turns = [x[i : i + 3] for i in range(6, len(x), 3)]
        rows.append(" ".join([*x[:6], *(f"{a} {b} {c} {' '.join(t)}" for (a, b, c), t in zip(offsets, turns))]))
    path.write_text("\n".join([*lines, "MOTION", count, time, *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("sign", "said"), [(1, "they stand for their offsets"), (0, "they are added to their offsets")]
)
def test_positions_of_joints_are_meant_as_they_look(tmp_path, sign, said):
    (expected,), _ = recordings(pose_files.bvh(tmp_path))
    (found,), _ = recordings(with_positions(tmp_path, sign))
    assert np.allclose(found.positions, expected.positions, atol=1e-4)
    assert any(said in note for note in found.notes)


@pytest.mark.parametrize("up", [None, "y"])
def test_a_rig_is_seen_from_the_front(tmp_path, up):
    """It faces +z, its left at +x; in the Kinect's axes whoever faces the camera has the left at −x."""
    (found,), _ = recordings(pose_files.bvh(tmp_path))
    ready = in_metres(found, Wanted(unit="cm", up=up))
    at = {name: v for v, name in enumerate(ready.joint_names)}
    assert (ready.positions[:, at["left hip"], 0] < ready.positions[:, at["right hip"], 0]).all()
    assert found.rate == 30
