"""Joints in a picture that are shares of it, whose width is not its height."""

import json

import numpy as np
import pytest

from mksgn_neuro.data.formats import recordings
from mksgn_neuro.data.recordings import Wanted, in_metres
from tests.data import pose_files


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
    assert found.unit == ("shares" if said else "px")
    notes = in_metres(found, Wanted(), coordinates=2).notes
    assert any("taken as square (--aspect)" in note for note in notes) == said


def test_with_the_pictures_aspect_shares_are_as_good_as_pixels(tmp_path):
    """Up to one factor, which a body's size takes away."""
    (folder_a, folder_b) = (tmp_path / "a", tmp_path / "b")
    folder_a.mkdir(), folder_b.mkdir()
    (shares,), _ = recordings(array(folder_a, (1280, 720)))
    (pixels,), _ = recordings(array(folder_b, (1, 1)))
    ready = in_metres(shares, Wanted(aspect=1280 / 720), coordinates=2)
    assert np.allclose(ready.positions, in_metres(pixels, Wanted(), coordinates=2).positions, atol=1e-4)
    assert not any("square" in note for note in ready.notes)
    assert any("changes nothing" in note for note in in_metres(pixels, Wanted(aspect=2.0), coordinates=2).notes)
