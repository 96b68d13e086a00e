"""Recordings in the layouts of their makers, told apart by content and read back."""

import json

import numpy as np
import pytest

from mksgn_neuro.data.formats import format_of, recordings
from mksgn_neuro.data.readers.poses.source import Source
from mksgn_neuro.data.recordings import TORSO, Wanted, for_joints, in_metres
from mksgn_neuro.data.skeleton import KINECT_20, KINECT_25
from mksgn_neuro.errors import BadInput
from tests.data import pose_files
from tests.data.pose_files import EVERY, FRAMES, jsonl, movement


@pytest.mark.parametrize(("form", "writer"), EVERY, ids=[writer.__name__ for _, writer in EVERY])
def test_each_layout_is_recognised_and_read_back(tmp_path, form, writer):
    path, expected = writer(tmp_path)
    assert format_of(Source(path)).name == form
    (found,), left_out = recordings(path)
    assert found.format == form and left_out == [] and found.positions.dtype == np.float32
    assert found.positions.shape == expected.shape
    assert np.allclose(found.positions, expected, atol=1e-5, equal_nan=True)
    assert np.array_equal(np.isnan(found.positions), np.isnan(expected))


def _from_hip(x):
    hip = KINECT_20.joint_names.index("left hip")
    return x - x[:, hip : hip + 1]


@pytest.mark.parametrize(("form", "writer"), EVERY, ids=[writer.__name__ for _, writer in EVERY])
def test_each_becomes_the_kinects_joints_in_metres_and_upright(tmp_path, form, writer):
    path, _ = writer(tmp_path)
    (found,), _ = recordings(path)
    ready = for_joints(in_metres(found, Wanted(flat=found.coordinates == 2)), KINECT_20.joint_names)
    assert ready.positions.shape == (FRAMES, 20, 3) and ready.rate == pytest.approx(
        25 if "tasks" in path.name else 30, rel=1e-3
    )
    kept = [KINECT_20.joint_names.index(name) for name in ("left knee", "right knee", "left elbow", "right elbow")]
    seen, plane = [0, 1, 2, 8], found.coordinates
    made, meant = (_from_hip(x)[seen][:, kept, :plane] for x in (ready.positions, movement()))
    size = 1.0 if plane == 3 else (made * meant).sum() / (made * made).sum()  # in a picture it is a guess
    assert 0.8 < size < 1.6 and np.abs(size * made - meant).max() < (
        0.04 if plane == 3 else 0.15
    )  # and is in perspective
    guessed = [note for note in ready.notes if note.startswith("guessed: ")]
    assert (guessed != []) == (found.body.name != "kinect20")


def test_two_coordinates_are_three_only_where_that_is_asked_for(tmp_path):
    (found,), _ = recordings(pose_files.mmpose(tmp_path)[0])
    with pytest.raises(BadInput, match="two coordinates, in a picture.*--flat"):
        in_metres(found, Wanted())
    flat = in_metres(found, Wanted(flat=True))
    assert any(f"torso is {TORSO} m" in note for note in flat.notes)
    seen = np.isfinite(flat.positions)
    assert not flat.positions[..., 2][seen[..., 2]].any() and seen.all(axis=2).sum() == seen[..., 0].sum()


def test_image_landmarks_are_no_metres(tmp_path):
    table = np.concatenate([np.random.default_rng(0).uniform(0.3, 0.7, (4, 33, 3)), np.ones((4, 33, 1))], axis=-1)
    (found,), _ = recordings(jsonl(tmp_path / "x.jsonl", table.tolist()))
    assert found.coordinates == 2 and found.unit == "shares" and "image landmarks" in found.notes[0]


def test_one_of_several_people_is_followed(tmp_path):
    path, expected = pose_files.mmpose_list(tmp_path)
    frames = json.loads(path.read_text())
    for t, frame in enumerate(frames):
        (own,) = frame["instances"]
        other = {**own, "keypoints": [[x / 3 + 5, y / 3] for x, y in own["keypoints"]]}
        frame["instances"] = [other, own] if t % 2 else [own, other]
    path.write_text(json.dumps(frames))
    (found,), _ = recordings(path)
    assert np.allclose(found.positions, expected, atol=1e-3, equal_nan=True)
    assert found.notes == (
        "up to 2 people in a frame: one is followed, who is seen best at first, then whoever is nearest",
    )


BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT LeftUpLeg
  {
    OFFSET 10 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    JOINT LeftLeg
    {
      OFFSET 0 -40 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 0 -40 0
      }
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.02
0 90 0 0 0 0 0 0 0 0 0 0
1 90 2 90 0 0 0 90 0 0 0 0
"""


def test_bvh_by_forward_kinematics(tmp_path):
    (tmp_path / "x.bvh").write_text(BVH)
    (found,), _ = recordings(tmp_path / "x.bvh")
    assert found.joint_names == ("hip centre", "left hip", "left knee") and found.rate == pytest.approx(50)
    # Frame 1: the root turns x into y; the hip then turns what hangs on it by 90° about x, in its own axes.
    assert np.allclose(found.positions[0], [[0, 90, 0], [10, 90, 0], [10, 50, 0]], atol=1e-4)
    assert np.allclose(found.positions[1], [[1, 90, 2], [1, 100, 2], [1, 100, -38]], atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Frames: 2", "Frames: 3"), "2 frames, 3 announced"),
        (("1 90 2 90", "1 90 2"), "line 25: 11 numbers, the hierarchy has 12 channels"),
        (("OFFSET 10", "OFFSET ten"), "line 8: not a line of a hierarchy"),
        (("Zrotation Xrotation", "irotation Xrotation"), "line 5: not a line of a hierarchy .*xrotation"),
        (("3 Zrotation Xrotation Yrotation", "3 Zrotation Zrotation Yrotation"), "3 different ones"),
        (("MOTION", "MOTIO"), "line 21: unknown word 'MOTIO'"),
    ],
)
def test_what_is_wrong_in_a_bvh_is_said_with_its_line(tmp_path, change, message):
    (tmp_path / "x.bvh").write_text(BVH.replace(*change))
    with pytest.raises(BadInput, match=message):
        recordings(tmp_path / "x.bvh")


@pytest.mark.parametrize(("factor", "unit"), [(100, "cm"), (1000, "mm")])
def test_another_unit_is_refused_or_converted_by_its_option(tmp_path, factor, unit):
    np.save(tmp_path / "x.npy", movement() * factor)
    (found,), _ = recordings(tmp_path / "x.npy")
    with pytest.raises(BadInput, match=rf"a body of \d.* metres; give --unit .*{unit}"):
        in_metres(found, Wanted())
    assert np.allclose(in_metres(found, Wanted(unit=unit)).positions, movement(), atol=1e-4)


@pytest.mark.parametrize(
    ("up", "turn"),
    [
        ("-y", lambda x: x * np.float32([-1, -1, 1])),
        ("z", lambda x: np.stack([x[..., 0], -x[..., 2], x[..., 1]], axis=-1)),
        ("-z", lambda x: np.stack([x[..., 0], x[..., 2], -x[..., 1]], axis=-1)),
        ("x", lambda x: np.stack([x[..., 1], -x[..., 0], x[..., 2]], axis=-1)),
    ],
)
def test_another_up_axis_is_turned_by_its_option(tmp_path, up, turn):
    np.save(tmp_path / "x.npy", turn(movement()))
    (found,), _ = recordings(tmp_path / "x.npy")
    assert np.allclose(in_metres(found, Wanted(up=up)).positions, movement(), atol=1e-6)
    if up == "-y":
        with pytest.raises(BadInput, match="the body is upside down; give the axis that points up: --up"):
            in_metres(found, Wanted())


def test_two_bodies_of_a_network_get_what_is_seen_and_zeros(tmp_path):
    (found,), _ = recordings(pose_files.kinect_2(tmp_path)[0])
    ready = for_joints(in_metres(found, Wanted()), KINECT_25.repeated(2).joint_names, 2)
    assert np.array_equal(ready.positions[:, :25], found.positions) and not ready.positions[:, 25:].any()
    assert "one body seen: the network's other 1 is taken as absent" in ready.notes


def test_a_folder_gives_what_can_be_read_and_says_what_not(tmp_path):
    pose_files.npy(tmp_path)
    pose_files.openpose(tmp_path)
    (tmp_path / "notes.txt").write_text("by hand")
    (tmp_path / "bad.jsonl").write_text("[[1, 2, 3]]\n[[1, 2")
    found, left_out = recordings(tmp_path)
    assert [recording.format for recording in found] == ["openpose", "array"]
    assert len(left_out) == 2 and "bad.jsonl, line 2: not JSON" in left_out[0] and "notes.txt: no known" in left_out[1]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.txt", "text", "holds no known format"),
        ("x.MP4", "video", "is a video; give what a pose estimator writes of it"),
        ("x.npz", "", "holds no known format; a data set .* needs no import: give it to train --data"),
        ("x.tar.gz", "archive", "is an archive of no known data set; unpack it"),
        ("x.json", '{"people": [{"pose_keypoints_2d": [' + ", ".join(["1"] * 54) + "]}]}", "18 joints, those of"),
        ("x.json", '{"people": [{"pose_keypoints_2d": [1, 2]}]}', "2 numbers, expected 25 joints"),
        ("x.json", '{"frames": [{"bodies": [{"joint_positions": [[1, 2, 3]]}]}]}', r"joints of shape \(1, 3\)"),
        ("x.json", '{"instance_info": [{"instances": [{"keypoints": [[1, 2]], "keypoint_scores": [1]}]}]}', "shape"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        recordings(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("turned", [-1, 1])
def test_landmarks_all_to_one_side_of_the_hips_are_metres_still(tmp_path, turned):
    table, _ = pose_files._landmarks()
    table[..., 0] = turned * np.abs(table[..., 0])
    table[:, 23:25, 0] = 0.0
    pose_files.jsonl(tmp_path / "x.jsonl", pose_files._named(table))
    (found,), _ = recordings(tmp_path / "x.jsonl")
    assert found.coordinates == 3 and found.unit == "m"


def test_landmarks_of_a_picture_are_none(tmp_path):
    table, _ = pose_files._landmarks()
    table[..., :2] = 0.5 + table[..., :2] / 4
    pose_files.jsonl(tmp_path / "x.jsonl", pose_files._named(table))
    (found,), _ = recordings(tmp_path / "x.jsonl")
    assert found.coordinates == 2 and found.unit == "shares"
    table[..., :2] *= [1920, 1080]
    pose_files.jsonl(tmp_path / "y.jsonl", pose_files._named(table))
    (found,), _ = recordings(tmp_path / "y.jsonl")
    assert found.coordinates == 2 and found.unit == "px"


@pytest.mark.parametrize(
    ("writer", "change", "message"),
    [
        (pose_files.mediapipe_wide, (b"0.9800000190734863\r\n", b"\x00\r\n"), "line 2: not CSV"),
        (
            pose_files.mediapipe_tasks,
            (b'"timestamp_ms": 40', b'"timestamp_ms": 1' + b"0" * 400),
            '"timestamp_ms" is not a finite',
        ),
        (pose_files.azure, (b'"joint_names": [', b'"joint_names": 3, "x": ['), "joint_names is no list"),
        (pose_files.azure, (b'"PELVIS",', b'"PELVIS", "TAIL",'), "33 joint_names, expected 32"),
        (pose_files.azure, (b'"timestamp_usec": 33333', b'"timestamp_usec": 1' + b"0" * 400), "not numbers"),
        (pose_files.coco_results, (b'"keypoints": [', b'"keypoints": ["' + b"x" * 9000 + b'", '), "not numbers .*…"),
    ],
    ids=["zero byte", "time", "names", "a name more", "stamp", "long word"],
)
def test_what_fuzzing_found_is_one_short_line(tmp_path, writer, change, message):
    path, _ = writer(tmp_path)
    before = path.read_bytes()
    path.write_bytes(before.replace(*change, 1))
    assert path.read_bytes() != before
    with pytest.raises(BadInput, match=message) as caught:
        in_metres(recordings(path)[0][0], Wanted())
    assert len(str(caught.value)) < 600 and "\n" not in str(caught.value)


@pytest.mark.parametrize("number", ["1e400", "nan", "1e30"])
@pytest.mark.parametrize("location", ["OFFSET 10 0 0", "1 90 2 90", "Frame Time: 0.02"])
def test_numbers_in_a_bvh_that_no_motion_has(tmp_path, number, location):
    words = location.split()
    (tmp_path / "x.bvh").write_text(BVH.replace(location, " ".join([*words[:-1], number])))
    if (number, words[0]) == ("1e30", "Frame"):
        return
    with pytest.raises(BadInput, match=r"up to 1e\+06|frame time|frame rate"):
        in_metres(*recordings(tmp_path / "x.bvh")[0], Wanted(unit="cm"))
