"""Odd lines that cameras really send: answered with an error or a note, never with a wrong decision in silence."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mksgn_neuro.data.bodies import BODIES, COCO_17, MEDIAPIPE_33
from mksgn_neuro.ir.store import save
from tests.commands.test_stream import FLAT, TASK, answers_of, lines, network_of, run, small_network, walk
from tests.data import pose_files

STANDING = ("left hip", "right hip", "head")
POSE = np.float32([[0.1, 0, 3], [-0.1, 0, 3], [0, 0.7, 3]])


@pytest.fixture
def standing(tmp_path):
    path = tmp_path / "standing.ir.h5"
    save(small_network(replace(TASK, joint_names=STANDING)), path)
    return path


def notes_of(model, frames, *options):
    return [answer.get("note", "") for answer in answers_of(run(model, lines(frames), *options))]


@pytest.mark.parametrize(
    ("turn", "message"),
    [
        (lambda x: x * np.float32([1, -1, 1]), "the body is upside down"),
        (lambda x: x[..., [0, 2, 1]], "the body is lying"),
        (lambda x: x / 50, "a body spans only 0.01"),
        (lambda x: x * 0, "a body spans only 0"),
        (lambda x: x, ""),
    ],
)
def test_a_body_that_stands_as_nobody_does_is_said(standing, turn, message):
    notes = notes_of(standing, turn(np.stack([POSE] * 20)))
    assert message in notes[-1] and bool(notes[-1]) == bool(message)


def test_times_that_are_no_seconds_are_said(standing):
    ms = "\n".join(json.dumps({"timestamp": 33 * t, "joints": POSE.tolist()}) for t in range(6))
    found = answers_of(run(standing, ms))
    assert [a.get("gap") for a in found] == [None, *[33.0] * 5]
    assert ["begins a new clip: are its times in seconds" in a.get("note", "") for a in found] == [False] * 3 + [
        True
    ] * 3


@pytest.mark.parametrize("key", ["timestamp", "time", "timestamp_ms"])
def test_every_usual_key_says_the_time(standing, key):
    factor, frames = {"timestamp_ms": 1000}.get(key, 1), walk(3, 12) + POSE
    text = "\n".join(json.dumps({key: t / 10 * factor, "joints": x.tolist()}) for t, x in enumerate(frames))
    assert answers_of(run(standing, text)) == answers_of(run(standing, lines(frames, np.arange(12) / 10)))
    wrong = json.dumps({key: "soon", "joints": POSE.tolist()})
    assert f'"{key}" is not a finite number' in answers_of(run(standing, wrong))[0]["error"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            {"joints": {"left hip": [0, 0, 3], "LEFT_HIP": [1, 0, 3], "right hip": [0, 0, 3], "head": [0, 1, 3]}},
            "twice",
        ),
        (
            {"bodies": [{"id": 1, "joints": POSE.tolist()}, {"id": 1, "joints": POSE.tolist()}]},
            'two people have one "id"',
        ),
    ],
)
def test_what_is_there_twice_is_refused(standing, line, message):
    assert message in answers_of(run(standing, json.dumps(line)))[0]["error"]


def test_a_picture_is_no_metres_whatever_its_unit(tmp_path):
    path = tmp_path / "n.ir.h5"
    joints = ("left hip", "left knee", "left ankle")
    save(small_network(replace(TASK, joint_names=joints)), path)
    points, confidence, _ = pose_files._coco()
    for scale in ([1, 1], [1280, 720]):
        triples = np.concatenate([points / scale, confidence[..., None]], axis=-1)
        text = "\n".join(json.dumps({"joints": dict(zip(COCO_17.joint_names, x))}) for x in triples.tolist())
        answers = answers_of(run(path, text))
        assert all("joints in a picture, [x, y, confidence]" in answer["error"] for answer in answers)


def test_mediapipe_s_picture_is_taken_by_a_network_of_two_coordinates(tmp_path):
    path = tmp_path / "n.ir.h5"
    save(network_of(FLAT, (2, 5, 2)), path)
    table, _ = pose_files._landmarks()
    table[..., :2] = table[..., :2] * 0.25 + 0.5
    frames = pose_files._named(table)
    text = "\n".join(json.dumps({"pose_landmarks": frame}) for frame in frames)
    found = answers_of(run(path, text, "--format", "mediapipe"))
    assert all("error" not in answer for answer in found) and max(found[-1]["scores"].values()) > 0
    names = MEDIAPIPE_33.joint_names
    own = table[:, [names.index(name) for name in FLAT.joint_names], :2] * np.float32(BODIES["mediapipe33"].signs[:2])
    assert [a["scores"] for a in answers_of(run(path, lines(own)))] == [a["scores"] for a in found]


def test_further_people_of_mediapipe_are_said(tmp_path):
    path = tmp_path / "n.ir.h5"
    save(network_of(replace(FLAT, coordinates=3), (2, 5, 3)), path)
    a, _ = pose_files._landmarks()
    frames = pose_files._named(a)
    two = "\n".join(json.dumps({"pose_world_landmarks": [x, y]}) for x, y in zip(frames, frames[::-1]))
    found = answers_of(run(path, two, "--format", "mediapipe"))
    assert all("up to 2 people in a frame: the first" in answer["note"] for answer in found)


def test_a_hold_that_is_no_number_of_seconds_is_refused(standing):
    result = run(standing, "", "--hold", "nan")
    assert result.exit_code == 2 and "nan is not a finite number" in result.stderr


def test_named_joints_are_in_their_makers_axes_whatever_joints_the_network_has(tmp_path):
    legs = {"mediapipe33": MEDIAPIPE_33.joint_names, "own": ("left hip", "left knee", "left ankle")}
    table, _ = pose_files._landmarks()
    named = [dict(zip(MEDIAPIPE_33.joint_names, frame)) for frame in table[..., :3].tolist()]
    text = "\n".join(json.dumps({"joints": frame}) for frame in named)
    for name, joints in legs.items():
        path = tmp_path / f"{name}.ir.h5"
        parents = (-1, *range(len(joints) - 1))
        save(network_of(replace(TASK, joint_names=joints, parents=parents), (2, len(joints), 3)), path)
        at = [MEDIAPIPE_33.joint_names.index(joint) for joint in joints]
        upright = table[:, at, :3] * np.float32([-1, -1, 1])
        assert answers_of(run(path, text)) == answers_of(run(path, lines(upright.astype(np.float32).astype(float))))
    path = tmp_path / "own.ir.h5"
    metres = pose_files.as_body(COCO_17)
    text = "\n".join(json.dumps({"joints": dict(zip(COCO_17.joint_names, frame))}) for frame in metres.tolist())
    own = metres[:, [COCO_17.joint_names.index(joint) for joint in legs["own"]]]
    assert answers_of(run(path, text)) == answers_of(run(path, lines(own)))
