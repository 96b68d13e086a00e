"""Folders of recordings in the real layouts, whose classes can be learned: actions of the synthetic body."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mksgn_neuro.data import synthetic
from mksgn_neuro.data.skeleton import KINECT_25
from tests.data import pose_files
from tests.data.readers.ntu.skeleton_files import skeleton_text

CLASSES = ("sit down", "stand up", "push with both hands")
FRAMES = 24
FAR = np.float32([1.0, 0.0, 0.3])  # metres, from one person to the other


def two_people(folder: Path):
    """One `.skeleton` file of NTU's layout with two tracked bodies."""
    x = pose_files.as_body(KINECT_25)
    still = x[:1] + FAR
    sightings = [s for t in range(len(x)) for s in ((t, 1, x[t]), (t, 2, still[0] + np.float32(1e-3) * (t % 2)))]
    path = folder / "two.skeleton"
    path.write_bytes(skeleton_text(sightings, len(x)))
    return path, x


LAYOUTS = {  # name -> (writer, options of import, joints, coordinates)
    "two people": (two_people, ("--bodies", 2), 50, 3),
    "kinect25": (pose_files.kinect_2, (), 25, 3),
    "mediapipe33": (pose_files.mediapipe_lines, (), 33, 3),
    "coco17": (pose_files.mmpose, (), 17, 2),
}


def write_folder(folder: Path, writer, clips: int = 6, seed: int = 3) -> Path:
    """FOLDER/CLASS/NUMBER/file, `clips` of each class, every one of its own movement."""
    made = synthetic.generate(10 * clips, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        for name in CLASSES:
            members = np.flatnonzero(made.labels == made.class_names.index(name))
            for n, i in enumerate(members):
                clip = made[i][np.linspace(0, len(made[i]) - 1, FRAMES).astype(int)]
                moved = (clip - clip[0, 0] + np.float32([0, 1, 3])).astype(np.float32)
                patch.setattr(pose_files, "movement", lambda moved=moved: moved)
                patch.setattr(pose_files, "FRAMES", FRAMES)
                (folder / name / str(n)).mkdir(parents=True)
                writer(folder / name / str(n))
    return folder
