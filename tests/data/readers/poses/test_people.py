"""Joints in a picture that are shares of it, which is said, for its width is not its height."""

import json

import numpy as np
import pytest

from mksgn_neuro.data.formats import recordings
from tests.data import pose_files

SAID = "shares of the picture's width and height: the picture is taken as square"


def ultralytics(folder, size):
    path, _ = pose_files.ultralytics(folder)
    frames = [json.loads(line) for line in path.read_text().splitlines()]
    for (person,) in frames:
        for axis, length in zip("xy", size):
            person["keypoints"][axis] = [x / length for x in person["keypoints"][axis]]
    return pose_files.jsonl(path, frames)


def openpose(folder, size):
    path, _ = pose_files.openpose(folder)
    for file in path.iterdir():
        frame = json.loads(file.read_text())
        for person in frame["people"]:
            triples = np.array(person["pose_keypoints_2d"]).reshape(-1, 3) / [*size, 1]
            person["pose_keypoints_2d"] = triples.ravel().tolist()
        file.write_text(json.dumps(frame))
    return path


def array(folder, size):
    points, _ = pose_files.in_picture(pose_files.COCO_17)
    np.save(folder / "x.npy", points / size)
    return folder / "x.npy"


@pytest.mark.parametrize("write", [ultralytics, openpose, array])
@pytest.mark.parametrize(("size", "said"), [((1280, 720), True), ((1, 1), False)], ids=["shares", "pixels"])
def test_shares_are_told_from_pixels(tmp_path, write, size, said):
    (found,), _ = recordings(write(tmp_path, size))
    assert (SAID in found.notes) == said
