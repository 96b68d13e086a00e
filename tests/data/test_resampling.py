"""Frames one by one at another rate: the same as the whole recording at that rate."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.frames import at_rate, rate_count
from mksgn_neuro.data.resampling import RateConverter, StampedConverter
from mksgn_neuro.errors import BadInput

rates = st.one_of(st.sampled_from([10.0, 15.0, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0, 120.0]), st.floats(10, 120))


def recording(seed, frames, bodies):
    """(T, 2 · bodies, 3); bodies but the first are absent at times."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (frames, 2 * bodies, 3)).astype(np.float32)
    for body in range(1, bodies):
        x[rng.random(frames) < 0.4, 2 * body : 2 * body + 2] = 0
    return x


def one_by_one(x, rate, wanted, bodies=1):
    """All frames, and how many there were after each recorded one."""
    converter, found, known = RateConverter(rate, wanted, bodies), [], []
    for frame in x:
        found += converter(frame)
        known.append(len(found))
    return np.stack(found), known


@given(st.integers(0, 99), st.integers(1, 60), rates, rates, st.integers(1, 2))
@settings(max_examples=150, deadline=None)
def test_frame_by_frame_is_the_whole_recording(seed, frames, rate, wanted, bodies):
    x = recording(seed, frames, bodies)
    found, known = one_by_one(x, rate, wanted, bodies)
    assert found.dtype == np.float32 and np.array_equal(found, at_rate(x, rate, wanted, bodies))
    assert known == [rate_count(t + 1, rate, wanted) for t in range(frames)]
    before = at_rate(x[: frames // 2 + 1], rate, wanted, bodies)
    assert np.array_equal(before, found[: len(before)])


@pytest.mark.parametrize(("rate", "wanted"), [(29.97, 30.0), (30.0, 29.97), (59.94, 30.0), (60.0, 30.0), (25.0, 30.0)])
def test_a_long_recording_does_not_drift(rate, wanted):
    """Positions that are the recorded frame's number, near 0 where a shift of 10^-12 frames shows."""
    x = np.zeros((40_001, 1, 3), np.float32)
    x[:, 0, 0] = np.arange(len(x)) % 1000
    found, _ = one_by_one(x, rate, wanted)
    assert np.array_equal(found, at_rate(x, rate, wanted))
    assert len(found) == int((len(x) - 1) * wanted / rate + 1e-6) + 1
    at = np.arange(len(found)) * rate / wanted
    steady = (at % 1000) < 999  # not where the number falls back to 0
    assert np.allclose(found[steady, 0, 0], at[steady] % 1000, atol=1e-3)


def stamped(x, seconds, wanted, bodies=1):
    converter = StampedConverter(wanted, bodies)
    return [converter(frame, t) for frame, t in zip(x, seconds)]


def all_frames(answers):
    return np.stack([frame for answer in answers for frame in answer.frames])


@given(st.integers(0, 99), st.integers(1, 60), rates, rates, st.sampled_from([0.0, 12.5, 1.7e9]))
@settings(max_examples=100, deadline=None)
def test_regular_stamps_say_what_a_rate_says(seed, frames, rate, wanted, start):
    places = np.arange(frames * wanted / rate + 2) * rate / wanted  # of the wanted frames between those recorded
    beside = np.abs(places - np.rint(places))
    assume(((beside < 1e-9) | (beside > 1e-4)).all())  # stamps are taken for equal up to a microsecond
    x = recording(seed, frames, 1)
    answers = stamped(x, start + np.arange(frames) / rate, wanted)
    expected, found = at_rate(x, rate, wanted), all_frames(answers)
    assert abs(len(found) - len(expected)) <= (start > 1e6)  # the last may wait for a stamp's last bit
    both = min(len(found), len(expected))
    assert np.allclose(found[:both], expected[:both], atol=1e-3 if start > 1e6 else 1e-5)
    assert not any(answer.gap for answer in answers)


@given(st.integers(0, 99), st.integers(1, 40), rates)
@settings(max_examples=60, deadline=None)
def test_irregular_stamps_are_interpolated_at_regular_instants(seed, frames, wanted):
    rng = np.random.default_rng(seed)
    x, seconds = recording(seed, frames, 1), np.cumsum(rng.uniform(0.001, 0.2, frames))
    found = all_frames(stamped(x, seconds, wanted))
    at = seconds[0] + np.arange(len(found)) / wanted
    expected = np.stack([np.interp(at, seconds, column) for column in x.reshape(frames, 6).T], axis=1)
    assert np.allclose(found.reshape(-1, 6), expected, atol=1e-3)
    assert seconds[-1] - at[-1] < 1 / wanted + 1e-6


def test_an_absent_body_stays_where_the_nearer_frame_has_it():
    x = np.ones((2, 4, 3), np.float32)
    x[1, 2:] = 0
    found = all_frames(stamped(x, [0.0, 0.1], 30.0, bodies=2))
    assert len(found) == 4 and [bool(frame[2:].any()) for frame in found] == [True, True, False, False]


def test_after_a_gap_it_starts_anew_and_says_so():
    x = recording(0, 5, 1)
    answers = stamped(x, [0.0, 0.1, 1.11, 1.21, 2.2], 20.0)
    assert [answer.gap is not None for answer in answers] == [False, False, True, False, False]
    assert answers[2].gap == pytest.approx(1.01) and np.array_equal(answers[2].frames, x[2:3])
    assert [len(answer.frames) for answer in answers[:4]] == [1, 2, 1, 2]
    anew = stamped(x[2:], [1.11, 1.21, 2.2], 20.0)
    assert np.array_equal(all_frames(anew), all_frames(answers[2:]))


@pytest.mark.parametrize("seconds", [0.1, 0.09, float("nan")])
def test_a_stamp_that_does_not_rise_is_refused(seconds):
    converter = StampedConverter(30.0)
    converter(np.zeros((2, 3)), 0.1, "line 1")
    with pytest.raises(BadInput, match=r"line 2: taken at .+ s, the frame before at 0\.1 s; give rising seconds"):
        converter(np.zeros((2, 3)), seconds, "line 2")


def test_without_a_wanted_rate_frames_pass_as_they_come():
    x = recording(1, 4, 1)
    answers = stamped(x, [0.0, 0.5, 0.51, 3.0], None)
    assert np.array_equal(all_frames(answers), x) and [bool(a.gap) for a in answers] == [False, False, False, True]


def test_the_caller_may_write_into_its_frame_afterwards():
    for converter in (RateConverter(30.0, 30.0), RateConverter(15.0, 30.0)):
        frame = np.ones((2, 3), np.float32)
        (first,) = converter(frame)
        frame[:] = 5
        assert (first == 1).all() and (converter(np.ones((2, 3)))[0] == 1).all()
