"""Rates from rounded stamps, and frames that a file leaves out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mksgn_neuro.data.readers.times import evenly, in_order


def counting(frames):
    return np.arange(frames, dtype=np.float32).reshape(-1, 1, 1).repeat(3, axis=2)


@pytest.mark.parametrize(
    ("rate", "digits"), [(30, 3), (30, 4), (25, 3), (29.97, 5), (60, 3)], ids=["30 ms", "30", "25 ms", "NTSC", "60 ms"]
)
def test_rounded_stamps_give_the_rate_and_lose_no_frame(rate, digits):
    found = evenly(counting(40), [round(t / rate, digits) for t in range(40)])
    assert len(found.positions) == 40 and found.notes == () and found.rate == pytest.approx(round(rate), rel=1e-9)


def test_a_rate_that_differs_over_the_clip_stays_as_it_is():
    assert evenly(counting(2000), [t / 29.97 for t in range(2000)]).rate == pytest.approx(29.97)


@given(st.sets(st.integers(1, 40), min_size=1, max_size=6), st.booleans())
def test_frames_that_are_left_out_are_not_seen(kept, timed):
    """Most neighbours must be there for the step to be known: the first eight frames are."""
    kept, rate, nobody = [*range(-8, 0), *sorted(kept)], None, np.full((1, 3), np.nan, dtype=np.float32)
    if timed:
        found = evenly(counting(len(kept)), [t / 30 for t in kept])
        frames, rate, notes = found.positions, found.rate, found.notes
    else:
        listed, notes = in_order(list(counting(len(kept))), kept, nobody)
        frames = np.stack(listed)
    there = ~np.isnan(frames).any(axis=(1, 2))
    assert np.flatnonzero(there).tolist() == [t - kept[0] for t in kept]
    assert np.array_equal(frames[there], counting(len(kept)))
    assert rate == (pytest.approx(30) if timed else None)
    lacking, by = kept[-1] - kept[0] + 1 - len(kept), "times" if timed else "numbers"
    said = f"{lacking} of {len(frames)} frames are missing by their {by}: nobody is seen there"
    assert notes == ((said,) if lacking else ())


def test_every_second_frame_is_no_gap():
    listed, notes = in_order(list(counting(10)), list(range(0, 20, 2)), counting(1)[0])
    assert len(listed) == 10 and len(notes) == 1 and "only every 2. frame of the video" in notes[0]


def test_a_gap_of_hours_is_said_and_not_filled():
    found = evenly(counting(5), [0.0, 0.1, 0.2, 0.3, 9000.0])
    assert len(found.positions) == 5 and found.rate is None
    assert found.untimed == "by their times 9000 seconds pass in 5 frames"


@pytest.mark.parametrize(("step", "unit"), [(40, "milliseconds"), (4e4, "microseconds"), (4e7, "nanoseconds")])
def test_times_that_are_no_seconds_are_told_by_their_size(step, unit):
    found = evenly(counting(20), [1.7e9 + step * t for t in range(20)])
    assert found.rate == 25 and len(found.positions) == 20
    assert found.notes == (f"its times are {step:.4g} apart: taken as {unit}",)


@pytest.mark.parametrize("times", [[], [0.0], [None, None]])
def test_without_times_nothing_is_known(times):
    found = evenly(counting(len(times)), times)
    assert (len(found.positions), found.rate, found.notes, found.untimed) == (len(times), None, (), "")


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([0.0, None], "1 of 2 frames do not say when they were taken"),
        ([0.0, 0.0, 0.1], "frame 1 was taken at 0 s, the one before at 0 s"),
        ([0.1, 0.0], "frame 1 was taken at 0 s, the one before at 0.1 s"),
        ([0.0, '"t" is not a finite number'], '"t" is not a finite number'),
    ],
)
def test_times_that_cannot_be_used_are_a_problem(times, said):
    found = evenly(counting(len(times)), times)
    assert len(found.positions) == len(times) and found.rate is None and found.untimed.startswith(said)
