"""Who is body 1, frame by frame: at a clip's end as in the files."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data import registry
from mksgn_neuro.data.crowd import SHORTEST, Crowd, Seen
from mksgn_neuro.data.gaps import GapFiller
from mksgn_neuro.data.readers import ntu
from mksgn_neuro.data.readers.ntu.bodies import two_bodies
from mksgn_neuro.workflows.frame_lines import FrameLines
from tests.data.readers.ntu.skeleton_files import skeleton_text, walk

RATE, JOINTS = 30.0, 25


def moving(rng, frames, by, where=0.0):
    upright = rng.normal(0, 1, (1, JOINTS, 3)) * (0.2, 1.0, 0.2)  # the files' reader takes what is wide for furniture
    return (where + upright + by * rng.normal(0, 1, (frames, JOINTS, 3))).astype(np.float32)


def after(crowd, frames, first=0):
    """Who is in the places, and the last frame."""
    for t, seen in enumerate(frames, first):
        positions, held, absent = crowd(seen, t / RATE)
    return crowd.who, positions, held, absent


def test_one_person_is_filled_as_without_a_crowd():
    rng = np.random.default_rng(0)
    frames = moving(rng, 40, 0.1)
    frames[rng.random((40, JOINTS)) < 0.3] = np.nan
    frames[12:18] = np.nan
    crowd, filler = Crowd(1, JOINTS, 0.5), GapFiller(0.5)
    for t, frame in enumerate(frames):
        for found, expected in zip(crowd([Seen(frame, 7)], t / RATE), filler(frame, t / RATE)):
            assert np.array_equal(found, expected, equal_nan=found.dtype != bool)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(SHORTEST, 40), st.booleans(), st.booleans())
def test_at_a_clip_s_end_the_places_are_those_of_the_file(seed, frames, swapped, numbered):
    rng = np.random.default_rng(seed)
    tracks = np.stack([moving(rng, frames, by, where) for by, where in ((0.02, 0.0), (0.06, 5.0))])
    tracks = tracks[::-1] if swapped else tracks
    expected = two_bodies(tracks)[-1]
    people = [[Seen(x, n if numbered else None) for n, x in enumerate(now)] for now in tracks.swapaxes(0, 1)]
    for now in people:
        rng.shuffle(now)
    _, positions, _, absent = after(Crowd(2, JOINTS, 0.5), people)
    assert np.array_equal(positions, expected) and not absent.any()


def test_who_comes_and_goes():
    rng = np.random.default_rng(1)
    calm, lively = moving(rng, 90, 0.01), moving(rng, 90, 0.2)
    crowd = Crowd(2, JOINTS, 0.5)
    assert after(crowd, [[Seen(x, "a")] for x in calm[:20]])[0] == ("a", None)
    both = [[Seen(x, "a"), Seen(y, "b")] for x, y in zip(calm[20:40], lively[20:40])]
    assert after(crowd, both[:5], 20)[0] == ("a", None)  # b may be furniture yet
    assert after(crowd, both[5:], 25)[0] == ("b", "a")
    alone = [[Seen(x, "a")] for x in calm[40:]]
    who, positions, held, _ = after(crowd, alone[:15], 40)
    assert who == ("b", "a") and held[:JOINTS].all() and np.array_equal(positions[:JOINTS], lively[39])
    who, positions, *_ = after(crowd, alone[15:20], 55)
    assert who == ("a", None) and np.isnan(positions[JOINTS:]).all()
    who, positions, *_ = after(crowd, [[]] * 30, 90)
    assert who == (None, None) and np.isnan(positions).all()


def test_two_who_move_nearly_alike_keep_their_places():
    rng = np.random.default_rng(2)
    tracks = [moving(rng, 200, 0.1), moving(rng, 200, 0.11, 5.0)]
    crowd, seen = Crowd(2, JOINTS, 0.5), set()
    for t, (x, y) in enumerate(zip(*tracks)):
        crowd([Seen(x, 1), Seen(y, 2)], t / RATE)
        seen.add(crowd.who)
    assert len(seen) <= 2


@pytest.mark.parametrize("places", [1, 2])
def test_somebody_seen_for_a_moment_takes_no_place(places):
    rng = np.random.default_rng(3)
    crowd, calm = Crowd(places, JOINTS, 0.5), moving(rng, 40, 0.01)
    after(crowd, [[Seen(x, "a")] for x in calm[:20]])
    flash = [[Seen(x, "a"), Seen(y, "chair")] for x, y in zip(calm[20:28], moving(rng, 8, 3.0, 2.0))]
    assert after(crowd, flash, 20)[0] == ("a", None)[:places]


def test_furniture_takes_no_place_where_there_is_anybody_else():
    rng = np.random.default_rng(4)
    person, table = moving(rng, 60, 0.01), moving(rng, 60, 0.3) * np.float32((8, 0.3, 1))
    crowd = Crowd(2, JOINTS, 0.5)
    assert after(crowd, [[Seen(x, "table")] for x in table[:20]])[0] == ("table", None)
    both = [[Seen(x, "table"), Seen(y, "a")] for x, y in zip(table[20:], person[20:])]
    assert after(crowd, both, 20)[0] == ("a", None)


def listed(people):
    """A line of a stream: who is in a frame, as a tracker says it."""
    return json.dumps({"bodies": [{"id": number, "joints": xyz.tolist()} for number, xyz in people]})


def as_a_file(sightings, frames, folder, monkeypatch):
    monkeypatch.setenv("MKSGN_NEURO_CACHE", str(folder / "cache"))
    (folder / "clips").mkdir()
    (folder / "clips" / "S001C001P001R001A050.skeleton").write_bytes(skeleton_text(sightings, frames))
    return registry.load("ntu60-xsub", folder / "clips")[0]


def as_a_stream(sightings, frames):
    read = FrameLines(ntu.SKELETON, hold=0.0)
    seen = [[(number, xyz) for frame, number, xyz in sightings if frame == t] for t in range(frames)]
    return [read(listed(people), f"line {t}") for t, people in enumerate(seen)]


CLIPS = {
    "body 1 is there first": [walk(60, 1, size=0.1), walk(60, 2, size=0.01)],
    "body 1 is the second that is named": [walk(60, 1, size=0.01), walk(60, 2, size=0.1)],
    "body 2 appears": [walk(60, 1, size=0.1), walk(30, 2, 30, 0.01)],
    "body 2 leaves": [walk(60, 1, size=0.1), walk(30, 2, 0, 0.01)],
    "body 2 leaves and another comes": [walk(60, 1, size=0.1), walk(20, 2, 0, 0.01), walk(25, 3, 35, 0.01)],
    "a table, too": [walk(60, 1, size=0.1), [(t, n, x * np.float32((8, 0.3, 1))) for t, n, x in walk(60, 2, size=0.3)]],
    "somebody passes": [walk(60, 1, size=0.1), walk(60, 2, size=0.01), walk(5, 3, 20, 2.0)],
}


@pytest.mark.parametrize("name", CLIPS)
def test_a_stream_of_two_bodies_is_the_file(name, tmp_path, monkeypatch):
    """Frame for frame, from when it can be told who is who; body 1 is there from the first frame to the last."""
    sightings, frames = [one for track in CLIPS[name] for one in track], 60
    file, stream = as_a_file(sightings, frames, tmp_path, monkeypatch), as_a_stream(sightings, frames)
    settled = [bool(np.array_equal(x.positions, y)) for x, y in zip(stream, file)]
    unlike = [t for t, same in enumerate(settled) if not same]
    comings = {track[0][0] for track in CLIPS[name]}
    leavings = {track[-1][0] + 1 for track in CLIPS[name]}
    late = [t for t in unlike if not any(t - SHORTEST < moment <= t for moment in comings | leavings)]
    assert len(file) == frames and not late, unlike
