import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.readers.ntu.text import _scan, parse, parse_plain
from mksgn_neuro.errors import BadInput
from tests.data.readers.ntu.skeleton_files import skeleton_text, walk

WRITERS = (repr, "{:.7g}".format, "{:.8f}".format, "{:.9e}".format, "{:.16e}".format)


def scanned(text):
    """Whether the compiled scan takes the text."""
    room = text.count(b"\n") // 27 + 1
    arrays = np.empty(room, np.int32), np.empty(room, np.int64), np.empty((room, 25, 3), np.float32)
    return _scan(np.frombuffer(text, np.uint8), *arrays)[0] >= 0


def same(a, b):
    return a.frames == b.frames and all(np.array_equal(getattr(a, k), getattr(b, k)) for k in ("frame", "body", "xyz"))


@st.composite
def files(draw):
    frames = draw(st.integers(0, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    scale = 10.0 ** rng.integers(-12, 6, (8, 25, 3))
    sightings = []
    for t in range(frames):
        for b in range(draw(st.integers(0, 2))):
            sightings.append((t, 72057594037930000 + b, rng.normal(0, 1, (25, 3)) * scale[2 * t + b]))
    write = draw(st.sampled_from(WRITERS))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    return sightings, frames, write, skeleton_text(sightings, frames, write=write, ending=ending)


@given(files())
@settings(max_examples=60, deadline=None)
def test_the_compiled_scan_reads_what_float_reads(made):
    sightings, frames, write, text = made
    seen = parse(text, "x")
    assert same(seen, parse_plain(text, "x")) and seen.frames == frames
    assert seen.frame.tolist() == [t for t, _, _ in sightings] and seen.body.tolist() == [b for _, b, _ in sightings]
    expected = [[[np.float32(float(write(float(x)))) for x in joint] for joint in xyz] for _, _, xyz in sightings]
    assert np.array_equal(seen.xyz, np.array(expected, np.float32).reshape(-1, 25, 3))


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_damage_never_makes_the_two_readers_differ(noise, at, cut):
    good = skeleton_text(walk(1), 1)
    text = good[:at] + noise + good[at + cut * len(noise) :]
    if scanned(text):
        assert same(parse(text, "x"), parse_plain(text, "x"))


def test_the_files_of_the_data_set_take_the_fast_way():
    for write in WRITERS[1:4]:
        assert scanned(skeleton_text(walk(3), 3, write=write, ending="\r\n"))


LINES = skeleton_text(walk(2), 2).split(b"\n")


def changed(line, content):
    return b"\n".join([*LINES[: line - 1], content, *LINES[line:]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "line 0: the file is truncated: it ends before the frame count"),
        (b"\n".join(LINES[:30]), "line 30: the file is truncated: it ends before a body of frame 1"),
        (b"\n".join(LINES[:20]), "line 20: the file is truncated: it ends before joint 16 of frame 0"),
        (b"\n".join(LINES)[:-3], "line 57: the file is truncated: it ends within joint 24 of frame 1, after 11 of 12"),
        (changed(1, b"two"), "line 1: 'two' is not an integer"),
        (changed(1, b"1"), "line 30: more lines than the frame count asks for"),
        (changed(1, b"-1"), "line 1: the frame count is -1"),
        (changed(4, b"20"), "line 4: 20 joints, expected 25"),
        (changed(6, b"0.1 x 0.2 1 2 3 4 5 6 7 8 9"), "line 6: 'x' is not a number"),
        (changed(6, b"0.1 -1.#IND 0.2 1 2 3 4 5 6 7 8 9"), "line 6: '-1.#IND' is not a number"),
        (changed(6, b"0.1 NaN 0.2 1 2 3 4 5 6 7 8 9"), "line 6: a coordinate of joint 1 of frame 0 is not a finite"),
        (changed(6, b"0.1 1e60 0.2 1 2 3 4 5 6 7 8 9"), "line 6: a coordinate of joint 1 of frame 0 is not a finite"),
    ],
    ids=range(12),
)
def test_what_is_wrong_is_said_with_its_line(text, message):
    with pytest.raises(BadInput) as caught:
        parse(text, "S001.skeleton")
    assert f"S001.skeleton, {message}" in str(caught.value) and "--skip-bad" in str(caught.value)
