"""Odd files that people really have: read rightly and said, or refused with file, place and remedy."""

import json

import numpy as np
import pytest

from mksgn_neuro.data.bodies import COCO_17, MEDIAPIPE_33
from mksgn_neuro.data.formats import recordings
from mksgn_neuro.data.recordings import Wanted, for_joints, in_metres
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.errors import BadInput
from tests.data import pose_files
from tests.data.pose_files import FRAMES, jsonl, movement

NAMES, PLAIN = KINECT_20.joint_names, Wanted()
WIDE = [
    f"{name.replace(' ', '_')}_{axis}" for name in MEDIAPIPE_33.joint_names for axis in ("x", "y", "z", "visibility")
]
TABLE, SEEN = pose_files._landmarks()
ROWS = [list(frame.ravel()) for frame in TABLE]


def read(path):
    (found,), _ = recordings(path)
    return found


def ready(path, wanted=PLAIN, coordinates=3, names=NAMES):
    return for_joints(in_metres(read(path), wanted, coordinates), names)


def table(tmp_path, header, rows, mark=",", point="."):
    path = tmp_path / "x.csv"
    lines = [mark.join(str(cell).replace(".", point) for cell in row) for row in rows]
    path.write_text("\n".join([mark.join(header), *lines]) + "\n")
    return path


def timed(tmp_path, seconds, key="t"):
    return table(tmp_path, [key, *WIDE], [[second, *row] for second, row in zip(seconds, ROWS)])


@pytest.mark.parametrize(
    ("key", "seconds", "message"),
    [
        ("t", [1 - t / 30 for t in range(FRAMES)], "frame 1 was taken at 0.96.* s, the one before at 1 s; .*--rate"),
        ("t", [t // 2 / 30 for t in range(FRAMES)], "frame 1 was taken at 0 s, the one before at 0 s"),
        ("t", ["" if t == 4 else t / 30 for t in range(FRAMES)], "line 6|1 of 12 frames do not say"),
        ("time", [f"frame {t}" for t in range(FRAMES)], '"time" is not a finite number'),
        ("t", [t / 30 if t < 11 else 1e6 for t in range(FRAMES)], "1e[+]06 seconds pass in 12 frames"),
    ],
)
def test_times_that_cannot_be_used_are_refused_unless_the_rate_is_said(tmp_path, key, seconds, message):
    path = timed(tmp_path, seconds, key)
    with pytest.raises(BadInput, match=message):
        ready(path)
    found = ready(path, Wanted(rate=25.0))
    assert found.rate == 25 and any("its times are not used" in note for note in found.notes)


def test_frames_that_come_unevenly_are_brought_to_an_even_rate(tmp_path):
    seconds = [t / 30 if t < 6 else 5 / 30 + (t - 5) / 10 for t in range(FRAMES)]
    found = read(timed(tmp_path, seconds))
    assert found.rate == pytest.approx(10) or found.rate == pytest.approx(30)
    at = np.arange(len(found.positions)) / found.rate
    for joint, axis in ((15, 0), (27, 1)):
        expected = np.interp(at, seconds, TABLE[:, joint, axis])
        assert np.allclose(found.positions[:, joint, axis], expected, atol=1e-5)
    assert any("frames come unevenly" in note for note in found.notes)
    stamps = [t / 30 if t < 6 else 3 + t / 30 for t in range(FRAMES)]
    found = read(timed(tmp_path, stamps))
    empty = np.isnan(found.positions).all(axis=(1, 2))
    assert found.rate == pytest.approx(30) and len(empty) == FRAMES + 90 and 88 <= empty.sum() <= 90
    assert f"90 of {FRAMES + 90} frames are missing by their times: nobody is seen there" in found.notes
    stamps = [t / 30 + 0.012 * (t % 2) if t < 6 else 3 + t / 30 for t in range(FRAMES)]
    found = read(timed(tmp_path, stamps))
    assert any("1 gaps of more than 1 s" in note for note in found.notes)
    assert np.isnan(found.positions).all(axis=(1, 2)).sum() > 60


def test_times_in_milliseconds_are_taken_for_that_and_said(tmp_path):
    found = ready(timed(tmp_path, [33 * t for t in range(FRAMES)], "timestamp"))
    assert found.rate == pytest.approx(1000 / 33) and "its times are 33 apart: taken as milliseconds" in found.notes


@pytest.mark.parametrize("text", ["2026-11-27T03:00:00.{:03d}", "{:.3f}"])
def test_times_of_day_and_times_in_quotes_are_times(tmp_path, text):
    said = [text.format(40 * t) if "T" in text else text.format(0.04 * t) for t in range(FRAMES)]
    lines = [{"timestamp": one, "landmarks": x} for one, x in zip(said, pose_files._named(TABLE))]
    assert read(jsonl(tmp_path / "x.jsonl", lines)).rate == pytest.approx(25)


def test_numbers_of_frames_put_them_in_order_and_show_what_is_missing(tmp_path):
    header, kept = ["frame", "landmark_id", "x", "y", "z", "visibility"], [t for t in range(FRAMES) if t not in (4, 5)]
    rows = [[t, v, *TABLE[t, v]] for t in reversed(kept) for v in range(33)]
    found = read(table(tmp_path, header, rows))
    assert len(found.positions) == FRAMES and np.isnan(found.positions[4:6]).all()
    assert np.allclose(found.positions[kept], SEEN[kept], equal_nan=True)
    assert "frames put in the order of their numbers" in found.notes
    assert "2 of 12 frames are missing by their numbers: nobody is seen there" in found.notes
    with pytest.raises(BadInput, match="landmark 0 of frame 0 twice; keep the rows of one person"):
        read(table(tmp_path, header, [[0, 0, 1, 2, 3, 1], [0, 0, 1, 2, 3, 1]]))


def test_tables_of_european_spreadsheets_and_with_missing_columns(tmp_path):
    expected = read(table(tmp_path, WIDE, ROWS)).positions
    assert np.array_equal(read(table(tmp_path, WIDE, ROWS, ";", ",")).positions, expected, equal_nan=True)
    own = [f"{name.replace(' ', '_')}_{axis}" for name in NAMES for axis in "xyz"]
    found = read(table(tmp_path, own, movement().reshape(FRAMES, -1).tolist(), ";", ","))
    assert np.allclose(found.positions, movement()) and found.body.name == "kinect20"
    with pytest.raises(BadInput, match="line 1: 'nose_x' twice"):
        read(table(tmp_path, [*WIDE, "nose_x"], [[*row, 1.0] for row in ROWS]))
    with pytest.raises(BadInput, match="line 1: 'head_x' twice"):
        read(table(tmp_path, [*own, "head_x"], [[*range(60), 1.0]]))
    with pytest.raises(BadInput, match="the body is upside down"):  # nameless axes of what was MediaPipe's
        ready(table(tmp_path, WIDE[4:], [row[4:] for row in ROWS]))


def test_frames_in_which_nobody_is_seen_may_come_first(tmp_path):
    people = pose_files._named(TABLE)
    for empty in ([], None, {}):
        found = read(jsonl(tmp_path / "x.jsonl", [empty, empty, *people]))
        assert found.format == "mediapipe" and np.isnan(found.positions[:2]).all()
        assert np.allclose(found.positions[2:], SEEN, atol=1e-5, equal_nan=True)
    with pytest.raises(BadInput, match="x.jsonl: no joint in any frame"):
        read(jsonl(tmp_path / "x.jsonl", [[], []]))


def test_other_people_and_further_landmarks_are_said(tmp_path):
    a = pose_files._named(TABLE)
    found = read(jsonl(tmp_path / "x.jsonl", [{"pose_world_landmarks": [x, y]} for x, y in zip(a, a[::-1])]))
    assert "up to 2 people in a frame: the first that MediaPipe lists is taken" in found.notes
    header = [f"{axis}{v}" for v in range(75) for axis in "xyzv"]
    found = read(table(tmp_path, header, [[*row, *[0.5] * 168] for row in ROWS]))
    assert any("168 columns of further landmarks are left out, the first x33" in note for note in found.notes)
    three = np.stack([movement() + k for k in range(3)])
    np.save(tmp_path / "x.npy", three)
    assert any("3 people in it" in note for note in read(tmp_path / "x.npy").notes)


def test_who_is_followed_and_suddenly_elsewhere_is_said(tmp_path):
    path, _ = pose_files.mmpose_list(tmp_path)
    frames = json.loads(path.read_text())
    for frame in frames[6:]:
        (own,) = frame["instances"]
        own["keypoints"] = [[x + 900, y] for x, y in own["keypoints"]]
    path.write_text(json.dumps(frames))
    assert read(path).notes == ("whoever is followed jumps in frame 6: perhaps another person from there on",)


def test_other_files_beside_openpose_s_frames_do_not_make_each_a_clip(tmp_path):
    path, expected = pose_files.openpose(tmp_path)
    (path / "a.json").write_text("{}")
    sorted(path.glob("walk*"))[3].unlink()
    found = read(path)
    expected[3] = np.nan
    assert np.allclose(found.positions, expected, atol=1e-3, equal_nan=True)
    assert "1 files without a frame's number are left out, the first a.json" in found.notes
    assert "1 of 12 frames are missing by their numbers: nobody is seen there" in found.notes


def test_results_of_coco_person_by_person_and_unsorted_are_one_clip(tmp_path):
    path, expected = pose_files.coco_results(tmp_path)
    people = json.loads(path.read_text())
    path.write_text(json.dumps([*people[::-1], *people]))
    found = read(path)
    assert np.allclose(found.positions, expected, atol=1e-3, equal_nan=True)
    assert any("up to 2 people" in note for note in found.notes)


def test_the_whole_body_has_coco_s_joints_first(tmp_path):
    points, confidence, expected = pose_files._coco()
    more = np.random.default_rng(0).uniform(0, 700, (FRAMES, 116, 2))
    whole = np.concatenate([points, more], axis=1)
    scores = np.concatenate([confidence, np.full((FRAMES, 116), 0.9)], axis=1)
    frames = [[{"keypoints": x.tolist(), "keypoint_scores": c.tolist()}] for x, c in zip(whole, scores)]
    found = read(jsonl(tmp_path / "x.jsonl", [{"frame_id": t, "instances": x} for t, x in enumerate(frames)]))
    assert np.allclose(found.positions, expected, atol=1e-3, equal_nan=True)
    assert found.notes == ("133 joints of the whole body: the 17 of COCO are taken",)


def test_corners_of_the_picture_and_zeros_of_a_sensor_are_not_seen(tmp_path):
    points, confidence, expected = pose_files._coco()
    np.save(tmp_path / "x.npy", np.where((confidence > 0)[..., None], points, 0))
    found = read(tmp_path / "x.npy")
    assert np.allclose(found.positions, expected, atol=1e-3, equal_nan=True)
    assert "joints at exactly 0 are taken as not seen: 1 of them, in 1 frames" in found.notes
    rooted = movement() - movement()[:, :1]
    np.save(tmp_path / "y.npy", rooted)
    assert np.array_equal(read(tmp_path / "y.npy").positions, rooted)


def test_a_picture_is_upright_and_its_shares_are_said(tmp_path):
    points, _, _ = pose_files._coco()
    np.save(tmp_path / "x.npy", points * [1, -1] + [0, 720])
    with pytest.raises(BadInput, match="the body is upside down; .*--up y.*-y if that is so"):
        ready(tmp_path / "x.npy", coordinates=2, names=COCO_17.joint_names)
    assert ready(tmp_path / "x.npy", Wanted(up="y"), 2, COCO_17.joint_names)
    np.save(tmp_path / "x.npy", points / [1280, 720])
    notes = ready(tmp_path / "x.npy", coordinates=2, names=COCO_17.joint_names).notes
    assert "shares of the picture's width and height: the picture is taken as square (--aspect)" in notes


@pytest.mark.parametrize(
    ("turn", "message"),
    [
        (lambda x: x[..., [0, 2, 1]] * np.float32([1, -1, 1]), "the body lies, or another axis points up"),
        (lambda x: x * np.float32([-1, -1, 1]), "the body is upside down"),
    ],
)
def test_another_axis_than_y_is_refused_with_and_without_names(tmp_path, turn, message):
    np.save(tmp_path / "x.npy", turn(movement()))
    jsonl(tmp_path / "x.jsonl", turn(movement()).tolist())
    for name in ("x.npy", "x.jsonl"):
        with pytest.raises(BadInput, match=f"x: {message}; give the axis that points up: --up"):
            ready(tmp_path / name)
        assert ready(tmp_path / name, Wanted(up="y")).positions.shape == (FRAMES, 20, 3)


def test_a_mirrored_recording_and_one_frame_are_said(tmp_path):
    def notes(x):
        np.save(tmp_path / "x.npy", x)
        return ready(tmp_path / "x.npy").notes

    said = "looks mirrored: feet or nose point backwards for where left and right are"
    assert said in notes(movement() * np.float32([-1, 1, 1])) and said not in notes(movement())
    assert "one frame: nothing moves in it" in notes(movement()[:1])


def test_people_first_or_frames_first_is_asked(tmp_path):
    np.save(tmp_path / "x.npy", np.stack([movement(), movement() + 1], axis=1))
    with pytest.raises(BadInput, match="12 people in 2 frames; .*people first"):
        read(tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", movement() > 0)
    with pytest.raises(BadInput, match="an array of bool"):
        read(tmp_path / "x.npy")


def test_a_link_that_leads_back_ends(tmp_path):
    pose_files.npy(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "gone.npy").symlink_to(tmp_path / "nowhere.npy")
    assert len(recordings(tmp_path)[0]) == 1


def test_a_visibility_of_null_is_unsaid_and_half_a_joint_none(tmp_path):
    people = [[{**point, "visibility": None} for point in frame] for frame in pose_files._named(TABLE)]
    found = read(jsonl(tmp_path / "x.jsonl", people))
    assert np.allclose(found.positions, TABLE[..., :3], atol=1e-5)
    torn = movement().copy()
    torn[3, 5, 2], torn[4, 6] = np.inf, np.nan
    np.save(tmp_path / "x.npy", torn)
    found = read(tmp_path / "x.npy")
    assert np.argwhere(np.isnan(found.positions).all(axis=2)).tolist() == [[3, 5], [4, 6]]
    assert np.isnan(found.positions).sum() == 6


def test_a_picture_does_not_look_mirrored(tmp_path):
    table = TABLE.copy()
    table[..., :2] = table[..., :2] * 0.25 + 0.5
    found = ready(jsonl(tmp_path / "x.jsonl", pose_files._named(table)), Wanted(flat=True))
    assert not any("mirrored" in note for note in found.notes)


def test_named_joints_of_a_picture_with_confidences_are_no_metres(tmp_path):
    points, confidence, expected = pose_files._coco()
    for scale in ([1, 1], [1280, 720]):
        triples = np.concatenate([points / scale, confidence[..., None]], axis=-1).tolist()
        path = jsonl(tmp_path / "x.jsonl", [{"joints": dict(zip(COCO_17.joint_names, x))} for x in triples])
        found = read(path)
        assert np.allclose(found.positions * scale, expected, atol=1e-2, equal_nan=True)
        assert "the third number is a confidence, not metres: two coordinates" in found.notes
        assert ready(path, coordinates=2, names=COCO_17.joint_names).positions.shape == (FRAMES, 17, 3)
