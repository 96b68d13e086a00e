import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.readers.one_clip import HINT, frame_of, read
from mksgn_neuro.data.skeleton import KINECT_20, KINECT_25, from_parents
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.text import json_at

TWO = KINECT_25.repeated(2)
NAMES = KINECT_20.joint_names


def clip(frames=4, joints=20, seed=0):
    return np.random.default_rng(seed).normal(0, 1, (frames, joints, 3)).astype(np.float32)


def cells(x):
    return ",".join(repr(float(v)) for v in x.ravel())


def header(names):
    return ",".join(f"{name.replace(' ', '_')}_{axis}" for name in names for axis in "xyz")


def as_text(x, form):
    if form == "json lists":
        return [json.dumps(frame.tolist()) for frame in x]
    if form == "json joints":
        return [json.dumps({"time": t / 30, "joints": frame.tolist()}) for t, frame in enumerate(x)]
    if form == "json names":
        return [json.dumps({"joints": dict(zip(NAMES[::-1], frame[::-1].tolist()))}) for frame in x]
    if form == "csv":
        return [cells(frame) for frame in x]
    if form == "csv names":
        return ["frame," + header(NAMES[::-1]), *(f"{t},{cells(frame[::-1])}" for t, frame in enumerate(x))]
    return [header([str(v) for v in range(20)]), *(cells(frame) for frame in x)]


REPRESENTATIONS = ("json lists", "json joints", "json names", "csv", "csv names", "csv numbers")


@given(st.integers(1, 5), st.integers(0, 99), st.sampled_from(REPRESENTATIONS), st.sampled_from(["\n", "\r\n", "\n\n"]))
@settings(max_examples=40, deadline=None)
def test_round_trip(tmp_path_factory, frames, seed, form, ending):
    x = clip(frames, seed=seed)
    path = tmp_path_factory.mktemp("clip") / ("x.csv" if form.startswith("csv") else "x.jsonl")
    path.write_text(ending.join(as_text(x, form)) + ending)
    read_back = read(path, KINECT_20)
    assert read_back.dtype == np.float32 and np.array_equal(read_back, x)
    anonymous = read(path)
    assert anonymous.shape == x.shape


def test_one_body_leaves_the_second_absent(tmp_path):
    x = clip(2, 25)
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(frame.tolist()) for frame in x))
    (tmp_path / "b.csv").write_text("\n".join([header(KINECT_25.joint_names), *map(cells, x)]))
    names = [json.dumps({"joints": dict(zip(KINECT_25.joint_names, frame.tolist()))}) for frame in x]
    (tmp_path / "c.jsonl").write_text("\n".join(names))
    for path in sorted(tmp_path.iterdir()):
        read_back = read(path, TWO)
        assert np.array_equal(read_back[:, :25], x) and not read_back[:, 25:].any()
    both = clip(2, 50)
    (tmp_path / "d.csv").write_text("\n".join([header(TWO.joint_names), *map(cells, both)]))
    assert np.array_equal(read(tmp_path / "d.csv", TWO), both)


LINES = [json.dumps(frame.tolist()) for frame in clip(2, 2)]
ROWS = [cells(frame) for frame in clip(2, 2)]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "no frame in it"),
        (["a_x,a_y,a_z,b_x,b_y,b_z"], "a header but no frame"),
        ([LINES[0], "[[1, 2"], "line 2: not JSON"),
        ([LINES[0], "[[1, 2, 3]]"], "line 2: 1 joints, expected 2"),
        ([LINES[0], "[[1, 2, 3], [1, 2]]"], r"line 2: joint 1 \(b\) is not three numbers"),
        ([LINES[0], '[[1, 2, 3], [1, "x", 2]]'], r"line 2: joint 1 \(b\) is not three numbers"),
        ([LINES[0], "[[1, 2, 3], [1, NaN, 2]]"], r"line 2: a coordinate of joint 1 \(b\) is not a finite"),
        ([LINES[0], '{"pose": 1}'], 'line 2: no "joints"'),
        ([LINES[0], '{"joints": {"a": [1, 2, 3]}}'], "line 2: no joint 'b'"),
        ([LINES[0], '{"joints": 3}'], "line 2: joints is neither"),
        ([ROWS[0], "1,2,3"], "line 2: 3 columns, the first frame has 6"),
        (["1,2,3,4,5"], r"line 1: joint 1 \(b\) is not three numbers"),
        ([ROWS[0], "1,2,3,4,,6"], r"line 2: joint 1 \(b\) is not three numbers"),
        (["a_x,a_y,a_z,b_x,b_y", "1,2,3,4,5"], "line 1: no column b_z"),
        (["a_x,a_y,a_z,b_x,b_y,b_z", "1,2,3,4,5"], "line 2: 5 columns, the header has more"),
    ],
    ids=range(15),
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, lines, message):
    (tmp_path / "x.csv").write_text("\n".join(lines))
    with pytest.raises(BadInput, match=message) as caught:
        read(tmp_path / "x.csv", from_parents([-1, 0], ("a", "b")))
    assert "x.csv" in str(caught.value) and "\n" not in str(caught.value)


SKELETON = from_parents([-1, 0], ("a", "b"))


def stamped(line, skeleton, location):
    """A line of a stream: its frame and when it was taken."""
    return frame_of(json_at(location, line, HINT), skeleton, location)


def test_a_frame_may_say_when_it_was_taken():
    assert stamped(LINES[0], SKELETON, "line 1")[1] is None
    frame, seconds = stamped(f'{{"t": 3, "joints": {LINES[0]}}}', SKELETON, "line 1")
    assert seconds == 3.0 and np.array_equal(frame, clip(2, 2)[0])


NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "null", "true", '"3"', "[3]", "1" + "0" * 400]


@pytest.mark.parametrize("said", NO_NUMBERS)
def test_a_time_that_is_no_number_is_refused(said):
    with pytest.raises(BadInput, match='line 7: "t" is not a finite number; give t in seconds'):
        stamped(f'{{"t": {said}, "joints": {LINES[0]}}}', SKELETON, "line 7")


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(BadInput, match="not a readable text|no such file"):
        read(tmp_path / "x.csv", KINECT_20)
    with pytest.raises(BadInput, match="not a readable text|no such file"):
        read(tmp_path / "nowhere.csv", KINECT_20)
