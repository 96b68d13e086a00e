"""MediaPipe's landmarks as people really save them: each layout gives the same recording."""

import json

import numpy as np
import pytest

from mksgn_neuro.data.bodies import COCO_17, MEDIAPIPE_33
from mksgn_neuro.data.formats import recordings
from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.recordings import Wanted, in_metres
from mksgn_neuro.errors import BadInput
from tests.data import pose_files
from tests.data.pose_files import FRAMES, jsonl

TABLE, EXPECTED = pose_files._landmarks()
NAMED = pose_files._named(TABLE)
NAMES = [name.replace(" ", "_").upper() for name in MEDIAPIPE_33.joint_names]
COCO = {canonical(name) for name in COCO_17.joint_names}
BY_NAME = [dict(zip(NAMES, frame)) for frame in NAMED]


def document(value):
    return lambda folder: _write(folder / "walk.json", json.dumps(value, indent=1))


def lines(values):
    return lambda folder: jsonl(folder / "walk.jsonl", values)


def table(header, rows):
    return lambda folder: pose_files._csv(folder / "walk.csv", header, rows)


def array(values):
    def save(folder):
        np.save(folder / "walk.npy", values)
        return folder / "walk.npy"

    return save


def _write(path, text):
    path.write_text(text)
    return path


FLAT = TABLE.reshape(FRAMES, -1)
AXIS_FIRST = [f"{axis}_{name.lower()}" for name in NAMES for axis in ("x", "y", "z", "visibility")]
LAYOUTS = {
    "message to dict": lines([{"landmark": frame} for frame in NAMED]),
    "a list of lists": document(TABLE.tolist()),
    "a list of frames": document([{"frame": t, "landmarks": frame} for t, frame in enumerate(NAMED)]),
    "frames of an object": document({"fps": 30, "frames": [{"landmarks": frame} for frame in NAMED]}),
    "landmarks of an object": document({"landmarks": NAMED}),
    "by name": lines(BY_NAME),
    "by name, inside": lines([{"landmarks": frame} for frame in BY_NAME]),
    "people of a frame": document([{"poseLandmarks": [], "worldLandmarks": [frame]} for frame in NAMED]),
    "132 numbers": lines(FLAT.tolist()),
    "132 numbers, document": document(FLAT.tolist()),
    "axis first": table(AXIS_FIRST, FLAT.tolist()),
    "no header": lambda folder: _write(
        folder / "x.csv", "\n".join(",".join(f"{x:.8f}" for x in row) for row in FLAT) + "\n"
    ),
    "array of four": array(TABLE),
    "array of rows": array(FLAT),
}


@pytest.mark.parametrize("write", LAYOUTS.values(), ids=LAYOUTS)
def test_each_layout_gives_every_frame(tmp_path, write):
    (found,), left_out = recordings(write(tmp_path))
    assert left_out == [] and found.body.name == "mediapipe33" and found.coordinates == 3
    assert found.positions.shape == EXPECTED.shape
    assert np.allclose(found.positions, EXPECTED, atol=1e-5, equal_nan=True)


def test_what_an_object_says_of_its_rate_is_taken(tmp_path):
    (found,), _ = recordings(document({"fps": 24, "frames": [{"landmarks": frame} for frame in NAMED]})(tmp_path))
    assert found.rate == 24


def test_the_names_of_another_body_are_its_own(tmp_path):
    coco = [{"joints": {name: frame[name] for name in NAMES if canonical(name) in COCO}} for frame in BY_NAME]
    coco = [{"joints": {k: [v["x"], v["y"], v["z"]] for k, v in frame["joints"].items()}} for frame in coco]
    (found,), _ = recordings(jsonl(tmp_path / "x.jsonl", coco))
    assert found.format == "plain" and len(found.joint_names) == len(COCO) == 17


def test_the_first_frames_may_be_empty(tmp_path):
    (found,), _ = recordings(jsonl(tmp_path / "x.jsonl", [[], None, {"landmarks": None}, *NAMED]))
    assert found.format == "mediapipe" and len(found.positions) == FRAMES + 3
    assert np.isnan(found.positions[:3]).all() and np.allclose(found.positions[3:], EXPECTED, 1e-5, equal_nan=True)


KEPT = [t for t in range(FRAMES) if t not in (4, 5)]
SKIPPED = {
    "list": document([{"frame": t, "landmarks": NAMED[t]} for t in KEPT]),
    "tall": table(
        ["frame", "landmark", "x", "y", "z", "visibility"], [[t, v, *TABLE[t, v]] for t in KEPT for v in range(33)]
    ),
    "wide": table(["frame", *AXIS_FIRST], [[t, *FLAT[t]] for t in KEPT]),
    "times": table(["timestamp_ms", *AXIS_FIRST], [[40 * t, *FLAT[t]] for t in KEPT]),
}


@pytest.mark.parametrize("write", SKIPPED.values(), ids=SKIPPED)
def test_frames_that_a_program_skipped_are_put_back_as_not_seen(tmp_path, write):
    (found,), _ = recordings(write(tmp_path))
    assert len(found.positions) == FRAMES and np.isnan(found.positions[[4, 5]]).all()
    assert np.allclose(found.positions[KEPT], EXPECTED[KEPT], atol=1e-5, equal_nan=True)
    assert any(note.startswith("2 of 12 frames are missing by their") for note in found.notes)


def test_a_tall_table_says_its_rate(tmp_path):
    rows = [[t, 40 * t, v, *TABLE[t, v]] for t in range(FRAMES) for v in range(33)]
    header = ["frame", "timestamp_ms", "landmark", "x", "y", "z", "visibility"]
    (found,), _ = recordings(table(header, rows)(tmp_path))
    assert found.rate == 25


def test_an_array_in_a_picture_is_no_metres(tmp_path):
    picture = TABLE[..., :3] / 2 + [0.5, 0.5, 0]
    (found,), _ = recordings(array(picture)(tmp_path))
    assert found.coordinates == 2 and any("image landmarks" in note for note in found.notes)


def test_fewer_landmarks_are_refused_with_their_number(tmp_path):
    with pytest.raises(BadInput, match="line 1: 21 landmarks, expected 33"):
        recordings(jsonl(tmp_path / "hand.jsonl", [{"landmarks": frame[:21]} for frame in NAMED]))


def test_a_line_that_is_cut_off_is_refused_with_its_number(tmp_path):
    path = jsonl(tmp_path / "x.jsonl", [[], *NAMED])
    path.write_text(path.read_text()[:-500])
    with pytest.raises(BadInput, match=f"line {FRAMES + 1}: not JSON"):
        recordings(path)


def test_landmarks_without_a_face_that_stand_on_their_head_are_refused(tmp_path):
    """They are no known skeleton, so that nothing says that y points down."""
    header = ["frame", *(f"{name.lower()}_{axis}" for name in NAMES[11:] for axis in "xyz")]
    rows = [[t, *frame[11:, :3].ravel()] for t, frame in enumerate(TABLE)]
    (found,), _ = recordings(table(header, rows)(tmp_path))
    with pytest.raises(BadInput, match="the body is upside down; give the axis that points up: --up -y"):
        in_metres(found, Wanted())
    assert np.isfinite(in_metres(found, Wanted(up="-y")).positions).all()
