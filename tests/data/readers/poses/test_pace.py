"""Rates from rounded stamps, and frames that a file leaves out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mksgn_neuro.data.readers.poses.pace import paced


def counting(frames):
    return np.arange(frames, dtype=np.float32).reshape(-1, 1, 1).repeat(3, axis=2)


@pytest.mark.parametrize(
    ("rate", "digits"), [(30, 3), (30, 4), (25, 3), (29.97, 5), (60, 3)], ids=["30 ms", "30", "25 ms", "NTSC", "60 ms"]
)
def test_rounded_stamps_give_the_rate_and_lose_no_frame(rate, digits):
    frames, found, notes = paced(counting(40), [round(t / rate, digits) for t in range(40)])
    assert len(frames) == 40 and notes == () and found == pytest.approx(round(rate), rel=1e-9)


def test_a_rate_that_differs_over_the_clip_stays_as_it_is():
    assert paced(counting(2000), [t / 29.97 for t in range(2000)])[1] == pytest.approx(29.97)


@given(st.sets(st.integers(1, 40), min_size=1, max_size=6), st.booleans())
def test_frames_that_are_left_out_are_not_seen(kept, timed):
    """Most neighbours must be there for the step to be known: the first eight frames are."""
    kept = [*range(-8, 0), *sorted(kept)]
    times = [(t / 30 if timed else float(t)) for t in kept]
    frames, rate, notes = paced(counting(len(kept)), *((times,) if timed else ([None] * len(kept), times)))
    there = ~np.isnan(frames).any(axis=(1, 2))
    assert np.flatnonzero(there).tolist() == [t - kept[0] for t in kept]
    assert np.array_equal(frames[there], counting(len(kept)))
    assert rate == (pytest.approx(30) if timed else None)
    lacking = kept[-1] - kept[0] + 1 - len(kept)
    assert len(notes) == (lacking > 0) and (not lacking or notes[0].startswith(f"{lacking} frames left out"))


def test_every_second_frame_is_no_gap():
    assert len(paced(counting(10), [None] * 10, list(range(0, 20, 2)))[0]) == 10


def test_a_gap_of_hours_is_said_and_not_filled():
    frames, rate, notes = paced(counting(5), [0.0, 0.1, 0.2, 0.3, 9000.0])
    assert len(frames) == 5 and rate == pytest.approx(10) and "leave out 89996 frames: taken as if" in notes[0]


@pytest.mark.parametrize(("step", "unit"), [(40, "milliseconds"), (4e4, "microseconds"), (4e7, "nanoseconds")])
def test_times_that_are_no_seconds_are_told_by_their_size(step, unit):
    frames, rate, notes = paced(counting(20), [1.7e9 + step * t for t in range(20)])
    assert rate == 25 and len(frames) == 20 and notes == (f"its times are {step:.4g} apart: taken as {unit}",)


@pytest.mark.parametrize("times", [[], [0.0], [0.0, None], [0.0, 0.0, 0.1], [0.1, 0.0], [0.0, float("nan")]])
def test_without_rising_times_nothing_is_known(times):
    frames, rate, notes = paced(counting(len(times)), times)
    assert len(frames) == len(times) and rate is None and notes == ()
