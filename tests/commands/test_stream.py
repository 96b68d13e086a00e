import json
import math
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.data.frames import Scaling, at_rate, encode, rate_count
from mksgn_neuro.data.recordings import TORSO
from mksgn_neuro.data.skeleton import from_parents
from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Network, Population, Projection, Source, Task
from mksgn_neuro.ir.store import save
from mksgn_neuro.sim.engine import Emulator
from tests.networks import random_weights

PARENTS = (-1, 0, 1)
JOINTS = ("hip", "knee", "foot")
TASK = Task(
    ("sit", "stand"), JOINTS, PARENTS, 8, ("joint", "bone motion"), (60.0, 250.0), 0, origin="frame", rate=30.0
)  # fmt: skip

SKELETON = from_parents(np.array(PARENTS), JOINTS, 0)


def small_network(task=TASK):
    rng = np.random.default_rng(1)
    source = Source("input", (2, 3, 3), 8, ("modality", "joint", "coordinate"))
    populations = (
        Population.of("encode", "encode", (3, 8), vth=120, v_decay=2458, axes=("joint", "channel")),
        Population.of("readout", "readout", (2, 2), vth=90, v_decay=2458, axes=("class", "copy")),
    )
    projections = (
        Projection("input", "encode", random_weights(rng, 24, 18, 0.3)),
        Projection("encode", "readout", random_weights(rng, 4, 24, 0.9), delay=1),
    )
    return Network(source, populations, projections, readout="readout", transmission_delay=0, task=task)


def said_at(seconds=None):
    """A line of a stream."""
    stamp = {} if seconds is None else {"t": seconds}
    return json.dumps({**stamp, "joints": walk(0, 1)[0].tolist()})


def walk(seed, frames):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(0, 0.15, (frames, 3, 3)), axis=0)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "small.ir.h5"
    save(small_network(), path)
    return path


def run(model, text, *options):
    return CliRunner().invoke(cli, ["stream", str(model), *map(str, options)], input=text)


def lines(frames, seconds=None):
    """Frames (T, 3, 3) as a stream says them, with times where given."""
    if seconds is None:
        return "\n".join(json.dumps(frame.tolist()) for frame in frames)
    return "\n".join(json.dumps({"t": float(t), "joints": x.tolist()}) for t, x in zip(seconds, frames))


def answers_of(result):
    """Answers without their latency."""
    assert result.exit_code == 0, result.exception
    return [{k: v for k, v in json.loads(line).items() if k != "latency_ms"} for line in result.stdout.splitlines()]


def test_each_frame_has_the_scores_that_the_batch_has_then(model):
    network, clips = small_network(), [walk(0, 30), walk(1, 12)]
    result = run(model, "\n\n".join("\n".join(json.dumps(f.tolist()) for f in clip) for clip in clips) + "\n")
    assert result.exit_code == 0, result.output
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(answers) == 42
    scaling = Scaling(TASK.counts_per_metre, 0, TASK.modalities)
    at = 0
    for clip in clips:
        inputs = encode(clip, scaling, SKELETON).reshape(len(clip), -1)
        for t in range(len(clip)):
            expected = Emulator(network, threads=1).run(inputs[: t + 1]).scores[0]
            answer = answers[at]
            assert (answer["frame"], answer["frames"]) == (t, 1) and "gap" not in answer
            assert list(answer["scores"]) == ["sit", "stand"]
            assert list(answer["scores"].values()) == expected.tolist()
            decided = TASK.class_names[int(np.argmax(expected))] if expected.any() else "none"
            assert answer["decision"] == decided
            assert answer["latency_ms"] > 0
            at += 1
    assert any(sum(answer["scores"].values()) for answer in answers)


def test_a_window_decides_on_the_last_frames(model):
    text = lines(walk(0, 30))
    whole, recent = answers_of(run(model, text)), answers_of(run(model, text, "--window", 5))
    expected = {name: whole[-1]["scores"][name] - whole[-6]["scores"][name] for name in TASK.class_names}
    assert recent[-1]["scores"] == expected and sum(expected.values()) > 0


def test_the_window_is_the_networks_own_unless_another_is_given(tmp_path):
    save(small_network(replace(TASK, window=5)), tmp_path / "own.ir.h5")
    save(small_network(), tmp_path / "none.ir.h5")
    text = lines(walk(0, 30)) + "\n\n" + lines(walk(1, 10))
    own, other = (answers_of(run(tmp_path / "own.ir.h5", text, *options)) for options in ((), ("--window", 9)))
    assert own == answers_of(run(tmp_path / "none.ir.h5", text, "--window", 5)) != other
    assert other == answers_of(run(tmp_path / "none.ir.h5", text, "--window", 9))


@pytest.mark.parametrize("rate", [60.0, 25.0, 29.97, 120.0])
def test_a_camera_at_another_rate_is_answered_as_its_recording_brought_to_the_networks(model, rate):
    """To float32 and back: what JSON carries is what the recording holds."""
    recorded = walk(2, 60).astype(np.float32)
    found = answers_of(run(model, lines(recorded), "--rate", rate))
    expected = answers_of(run(model, lines(at_rate(recorded, rate, 30.0))))
    assert len(found) == 60 and sum(answer["frames"] for answer in found) == len(expected)
    for t, answer in enumerate(found):
        last = rate_count(t + 1, rate, 30.0) - 1
        assert {**answer, "frames": 1} == expected[last] and answer["frame"] == last
    if rate == 60:
        assert [answer["frames"] for answer in found] == [1, 0] * 30
    assert sum(found[-1]["scores"].values()) > 0


@pytest.mark.parametrize("rate", [30.0, 60.0, 15.0])
def test_times_say_what_a_rate_says(model, rate):
    recorded, times = walk(3, 30), 12.5 + np.arange(30) / rate
    assert answers_of(run(model, lines(recorded, times))) == answers_of(run(model, lines(recorded), "--rate", rate))


def test_times_may_start_anew_with_a_clip(model):
    clips = [lines(walk(seed, 8), 50 - 10 * seed + np.arange(8) / 30) for seed in range(2)]
    assert answers_of(run(model, "\n\n".join(clips))) == [a for clip in clips for a in answers_of(run(model, clip))]


def test_a_gap_is_said_and_starts_a_new_clip(model):
    clips = [lines(walk(seed, 8), 10 * seed + np.arange(8) / 30) for seed in range(2)]
    found = answers_of(run(model, "\n".join(clips)))
    assert [i for i, answer in enumerate(found) if "gap" in answer] == [8]
    assert found[8].pop("gap") == round(10 - 7 / 30, 3)
    assert found == answers_of(run(model, "\n\n".join(clips)))


def test_joints_may_be_named_in_any_order(model):
    frames = walk(4, 10)
    order = [2, 0, 1]
    text = "\n".join(json.dumps({"joints": {JOINTS[v].upper(): x[v].tolist() for v in order}}) for x in frames)
    assert answers_of(run(model, text)) == answers_of(run(model, lines(frames)))


def test_a_network_without_a_rate_takes_frames_as_they_come_and_says_so(tmp_path):
    old = tmp_path / "old.ir.h5"
    save(small_network(replace(TASK, rate=None, origin="first frame")), old)
    frames = walk(5, 20)
    result = run(old, lines(frames) + "\n\n" + lines(frames))
    assert result.stderr.count("clips stretched to 8 frames; frames are taken as they come\n") == 1
    assert answers_of(run(old, lines(frames, np.arange(20) / 7))) == answers_of(result)[:20]
    assert all(answer["frames"] == 1 for answer in answers_of(result))
    inputs = encode(frames, Scaling(TASK.counts_per_metre, 0, TASK.modalities, origin="first frame"), SKELETON)
    expected = Emulator(small_network(), threads=1).run(inputs.reshape(20, -1)).scores[0]
    assert list(answers_of(result)[19]["scores"].values()) == expected.tolist()
    refused(run(old, lines(frames), "--rate", 60), f"{old}: has no frame rate; leave the camera's rate out")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "stdin line 2: not JSON"),
        ("[[1, 2, 3]]", "stdin line 2: 1 joints, expected 3"),
        ('[[1, 2, "x"], [1, 2, 3], [1, 2, 3]]', "stdin line 2: joint 0 (hip) is not three numbers"),
        ("[[1, 2, NaN], [1, 2, 3], [1, 2, 3]]", "stdin line 2: a coordinate of joint 0 (hip) is not a finite number"),
        ('{"joints": {"hip": [1, 2, 3], "knee": [1, 2, 3]}}', "stdin line 2: no joint 'foot'; name hip, knee, foot"),
        (said_at(0.1), "stdin line 2: says when it was taken, the frames before do not; give every frame"),
    ],
)
def test_a_bad_line_is_named(model, line, message):
    good = json.dumps(walk(0, 1)[0].tolist())
    refused(run(model, good + "\n" + line + "\n", "--strict"), message, answers=1)
    found = answers_of(run(model, "\n".join([good, line, good])))
    assert len(found) == 3 and found[2]["frame"] > found[0]["frame"] and "error" not in found[2]
    assert ("error" in found[1]) != ("held" in found[1])
    assert found[1].get("line", 2) == 2 and found[1].get("error", message).startswith(message)


def refused(result, message, answers=0):
    """One line that says where and what to do, after so many answers."""
    assert isinstance(result.exception, BadInput) and result.exception.exit_code == 2
    assert str(result.exception).startswith(message) and "\n" not in str(result.exception)
    assert len(result.stdout.splitlines()) == answers


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (said_at(1.0), "stdin line 2: taken at 1.0 s, the frame before at 1.0 s; give rising seconds"),
        (said_at(0.9), "stdin line 2: taken at 0.9 s, the frame before at 1.0 s; give rising seconds"),
        (said_at(math.nan), 'stdin line 2: "t" is not a finite number; give t in seconds'),
        (said_at(math.inf), 'stdin line 2: "t" is not a finite number; give t in seconds'),
        (said_at("soon"), 'stdin line 2: "t" is not a finite number; give t in seconds'),
        (said_at(), "stdin line 2: does not say when it was taken, the frames before do; give every frame"),
    ],
)
def test_a_time_that_does_not_fit_is_named(model, line, message):
    refused(run(model, said_at(1.0) + "\n" + line, "--strict"), message, answers=1)
    found = answers_of(run(model, "\n".join([said_at(1.0), line, said_at(1.1)])))
    assert found[1]["error"].startswith(message) and found[2]["frame"] > 0


@pytest.mark.parametrize("rate", ["0", "-30", "nan", "inf", "-inf", "1e-9", "1e300"])
def test_a_rate_that_is_none_is_refused(model, rate):
    refused(run(model, said_at(), f"--rate={rate}"), "--rate: a frame rate of ")


def test_a_rate_and_times_exclude_each_other(model):
    refused(
        run(model, said_at(1.0), "--rate=60", "--strict"),
        "stdin line 1: says when it was taken, although a rate was given; ",
    )


def with_gaps(frames, lost):
    """Frames as a stream says them, null where `lost` (T, V)."""
    return "\n".join(
        json.dumps([None if gone else xyz.tolist() for xyz, gone in zip(*both)]) for both in zip(frames, lost)
    )


def test_a_lost_joint_is_held_and_then_absent_and_the_answer_says_so(model):
    frames, lost = walk(6, 30), np.zeros((30, 3), dtype=bool)
    lost[5:15, 1], lost[20] = True, True
    found = answers_of(run(model, with_gaps(frames, lost), "--hold", "0.1"))
    assert [a.pop("held", []) for a in found] == [
        *[[]] * 5, *[["knee"]] * 3, *[[]] * 12, ["hip", "knee", "foot"], *[[]] * 9
    ]  # fmt: skip
    assert [t for t, a in enumerate(found) if a.pop("absent", [])] == list(range(8, 15))
    held = frames.copy()
    held[5:8, 1], held[20] = frames[4, 1], frames[19]
    held[8:15, 1] = np.nan
    scaling = Scaling(TASK.counts_per_metre, 0, TASK.modalities)
    encoded = encode(held, scaling, SKELETON).reshape(30, -1)
    for t in (7, 14, 29):
        expected = Emulator(small_network(), threads=1).run(encoded[: t + 1]).scores[0]
        assert list(found[t]["scores"].values()) == expected.tolist()


@pytest.mark.parametrize("empty", ["[]", '{"joints": []}', '{"joints": {}}', "[[1, 2, 3]]", "[null, null, null]"])
def test_an_empty_or_short_frame_holds_the_whole_body(model, empty):
    frame = json.dumps(walk(0, 1)[0].tolist())
    found = answers_of(run(model, "\n".join([frame, empty, frame])))
    assert found[1].pop("held") == list(JOINTS)
    assert found == answers_of(run(model, "\n".join([frame] * 3)))


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_a_line(model):
    text = lines(walk(7, 6))
    assert answers_of(run(model, "\ufeff" + text.replace("\n", "\r\n") + "\r\n")) == answers_of(run(model, text))


def test_below_the_evidence_the_decision_is_none(model):
    found = answers_of(run(model, lines(walk(8, 20)), "--evidence", 3))
    assert {a["decision"] == "none" for a in found} == {True, False}
    assert all((a["decision"] == "none") == (max(a["scores"].values()) < 3) for a in found)


LOWER_BODY = ("left hip", "left knee", "left ankle")


def test_mediapipe_landmarks_and_other_named_joints_are_mapped(tmp_path):
    save(small_network(replace(TASK, joint_names=LOWER_BODY)), tmp_path / "n.ir.h5")
    frames = walk(9, 12)
    marks = np.random.default_rng(0).normal(0, 0.3, (12, 33, 3))
    names = BODIES["mediapipe33"].skeleton.joint_names
    for v, name in enumerate(LOWER_BODY):
        marks[:, names.index(name)] = frames[:, v] * [-1, -1, 1]
    seen = [[{"x": x, "y": y, "z": z, "visibility": 1} for x, y, z in frame] for frame in marks.tolist()]
    text = "\n".join(json.dumps({"pose_world_landmarks": [frame]}) for frame in seen)
    expected = answers_of(run(tmp_path / "n.ir.h5", lines(frames)))
    assert answers_of(run(tmp_path / "n.ir.h5", text, "--format", "mediapipe")) == expected
    named = "\n".join(json.dumps({"joints": dict(zip(names, frame))}) for frame in marks.tolist())
    assert answers_of(run(tmp_path / "n.ir.h5", named)) == expected
    picture = json.dumps([[0.5, 0.5, 0.1, 1.0]] * 33)
    (answer,) = answers_of(run(tmp_path / "n.ir.h5", picture, "--format", "mediapipe"))
    assert answer["error"].startswith("stdin line 1: landmarks in a picture")


FLAT_JOINTS = ("nose", "left shoulder", "right shoulder", "left hip", "right hip")
FLAT = replace(TASK, joint_names=FLAT_JOINTS, parents=(-1, 0, 0, 1, 2), coordinates=2)


def network_of(task, shape):
    """As `small_network`, for another input."""
    rng, size = np.random.default_rng(2), int(np.prod(shape))
    source = Source("input", shape, 8, ("modality", "joint", "coordinate"))
    populations = (
        Population.of("encode", "encode", (3, 8), vth=120, v_decay=2458, axes=("joint", "channel")),
        Population.of("readout", "readout", (2, 2), vth=90, v_decay=2458, axes=("class", "copy")),
    )
    projections = (
        Projection("input", "encode", random_weights(rng, 24, size, 0.3)),
        Projection("encode", "readout", random_weights(rng, 4, 24, 0.9), delay=1),
    )
    return Network(source, populations, projections, readout="readout", transmission_delay=0, task=task)


def in_a_picture(frames=25):
    """Somebody whose torso is 100 pixels long, and what that is in metres, y up."""
    rng = np.random.default_rng(4)
    pose = np.array([[0, 30], [-20, 0], [20, 0], [-15, -100], [15, -100]], dtype=np.float32)
    pixels = pose + np.cumsum(rng.normal(0, 3, (frames, 1, 2)), axis=0)
    pixels[:, 0] += np.cumsum(rng.normal(0, 15, (frames, 2)), axis=0)
    pixels = pixels.astype(np.float32)
    metres = np.zeros((frames, 5, 3), dtype=np.float32)
    metres[..., :2] = pixels * (TORSO / 100)
    return pixels, metres


def scores_on(network, metres):
    """Scores after each frame."""
    skeleton = from_parents(np.array(network.task.parents), network.task.joint_names, 0)
    skeleton = replace(skeleton, coordinates=network.task.coordinates)
    scaling = Scaling(network.task.counts_per_metre, 0, network.task.modalities)
    inputs = encode(metres, scaling, skeleton).reshape(len(metres), -1)
    return Emulator(network, threads=1).run(inputs).scores[0].tolist()


def test_a_network_of_two_coordinates_takes_pixels_and_metres(tmp_path):
    network = network_of(FLAT, (2, 5, 2))
    path = tmp_path / "n.ir.h5"
    save(network, path)
    pixels, metres = in_a_picture()
    deep = metres.copy()
    deep[..., 2] = np.random.default_rng(0).normal(0, 1, deep.shape[:2])
    found = answers_of(run(path, lines(deep)))
    assert list(found[-1]["scores"].values()) == scores_on(network, metres) and max(found[-1]["scores"].values()) > 0
    for unit in (1, 10):  # a picture of any size
        close = answers_of(run(path, lines(unit * pixels)))
        told = [abs(a["scores"][c] - b["scores"][c]) for a, b in zip(close, found) for c in TASK.class_names]
        assert len(close) == 25 and max(told) <= 1  # a rounding of a scale is a rounding of an input
    coco = BODIES["coco17"].skeleton.joint_names
    sure = [[[-x, -y, 0.9] for x, y in frame] for frame in pixels.tolist()]
    named = [{name: frame[FLAT_JOINTS.index(name)] for name in FLAT_JOINTS} for frame in sure]
    others = {name: [1.0, 2.0, 0.5] for name in coco if name not in FLAT_JOINTS}
    text = "\n".join(json.dumps({"joints": {name: (frame | others)[name] for name in coco}}) for frame in named)
    assert BODIES["coco17"].signs[:2] == (-1, -1)
    assert answers_of(run(path, text)) == answers_of(run(path, lines(pixels)))
    unsure = json.dumps({"joints": {name: [*(named[0] | others)[name][:2], 0.01] for name in coco}})
    (answer,) = answers_of(run(path, unsure))
    assert answer["absent"] == list(FLAT_JOINTS)


def test_a_picture_without_hips_is_refused(tmp_path):
    task = replace(TASK, coordinates=2)
    save(network_of(task, (2, 3, 2)), tmp_path / "n.ir.h5")
    refused(
        run(tmp_path / "n.ir.h5", "[[1,2],[3,4],[5,6]]", "--strict"), "stdin line 1: the network has no left should"
    )


PAIR = tuple(f"{name} ({b})" for b in (1, 2) for name in JOINTS)
TWO_BODIES = replace(TASK, joint_names=PAIR, parents=(-1, 0, 1, -1, 3, 4))


def test_people_who_come_and_go_are_put_into_a_network_s_places(tmp_path):
    path = tmp_path / "n.ir.h5"
    save(network_of(TWO_BODIES, (2, 6, 3)), path)
    calm, lively = walk(10, 60) * 0.05, walk(11, 60) + 5

    def people(t):
        there = [{"id": "calm", "joints": calm[t].tolist()}] if t < 40 else []
        return there + ([{"id": 2, "joints": lively[t].tolist()}] if t >= 15 else [])

    found = answers_of(run(path, "\n".join(json.dumps({"bodies": people(t)}) for t in range(60))))
    who = [tuple(answer["bodies"]) for answer in found]
    assert who[14] == ("calm", None) and who[15:20] == [("calm", None)] * 5
    assert who[39] == (2, "calm") and who[-1] == (2, None)
    held = [answer.get("held", []) for answer in found]
    assert held[45] == list(PAIR[3:]) and held[-1] == [] and "absent" not in found[-1]
    alone = answers_of(run(path, "\n".join(json.dumps({"bodies": people(t)}) for t in range(14))))
    plain = answers_of(run(path, lines(calm[:14])))
    assert [a["scores"] for a in alone] == [a["scores"] for a in plain]
    assert "frame" in answers_of(run(path, '{"bodies": []}'))[0]


@pytest.mark.parametrize(
    "line", ['{"bodies": 3}', '{"bodies": [[1, 2, 3]]}', '{"bodies": [{"id": [1], "joints": []}]}']
)
def test_people_that_are_none_are_refused(model, line):
    refused(run(model, line, "--strict"), "stdin line 1: ")


def test_of_several_people_a_network_of_one_body_follows_who_moves_most(model):
    people = [{"bodies": [{"joints": x.tolist()}, {"joints": (0.02 * x + 9).tolist()}]} for x in walk(12, 30)]
    text = "\n".join(json.dumps(frame) for frame in people)
    assert answers_of(run(model, text))[-1]["bodies"] == ["person 1"]


def test_a_network_that_does_not_say_what_it_takes_is_refused(tmp_path):
    save(small_network(task=None), tmp_path / "n.ir.h5")
    result = run(tmp_path / "n.ir.h5", "")
    assert isinstance(result.exception, BadInput)
    assert "model.pt" in str(result.exception)


def test_a_body_too_large_for_metres_is_said_with_every_answer_and_once_to_people(model):
    sound, large = walk(0, 3), walk(1, 3) * 10_000
    result = run(model, lines(np.concatenate([sound, large])))
    answers = answers_of(result)
    assert ["note" in answer for answer in answers] == [False] * 3 + [True] * 3
    assert "as if in millimetres, and is taken as metres" in answers[3]["note"]
    assert result.stderr.count("is taken as metres") == 1 and "stdin line 4" in result.stderr
