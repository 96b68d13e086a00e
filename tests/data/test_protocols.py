from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.frames import at_rate, resample
from mksgn_neuro.data.protocols import Timing, streams
from mksgn_neuro.errors import BadInput
from tests.data.make import clips

TIMING = Timing(rate=30.0, window=5, frames=12)


def test_offline_stretches_each_clip_and_asks_at_its_end():
    made = clips((5, 20))
    given_ = streams("offline", made, TIMING)
    assert [x.shape for x in given_.positions] == [(12, 20, 3)] * 2 and given_.window is None
    assert np.array_equal(given_.positions[1], resample(made[1], 12))
    assert given_.end.tolist() == given_.held.tolist() == [12, 12]


def test_clip_gives_frames_as_they_come_and_then_holds_the_last_pose():
    made = clips((5, 20))
    short, long = streams("clip", made, TIMING).positions
    assert np.array_equal(short[:5], made[0]) and len(short) == 12 and (short[5:] == made[0][-1]).all()
    assert np.array_equal(long, made[1])
    assert streams("clip", made, TIMING).end.tolist() == [5, 20]
    assert streams("clip", made, TIMING).held.tolist() == [12, 20]
    assert streams("clip", made, TIMING).window is None and streams("continuous", made, TIMING).window == 5


@given(st.integers(0, 99), st.lists(st.integers(1, 9), min_size=1, max_size=9))
@settings(max_examples=30, deadline=None)
def test_continuous_is_every_clip_once_in_one_stream(seed, lengths):
    made = clips(tuple(lengths))
    given_ = streams("continuous", made, TIMING, seed)
    (x,) = given_.positions
    assert sorted(given_.clip.tolist()) == list(range(len(made))) and len(x) == sum(lengths)
    for clip, first, end in zip(given_.clip, given_.first, given_.end):
        assert np.array_equal(x[first:end], made[clip])


def test_continuous_is_drawn_by_its_seed():
    made = clips((3,) * 20)
    orders = [streams("continuous", made, TIMING, seed).clip.tolist() for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_a_recording_at_another_rate_takes_as_long():
    made = replace(clips((31, 11)), rate=60.0)
    for protocol in ("clip", "continuous"):
        given_ = streams(protocol, made, TIMING)
        assert sorted((given_.end - given_.first).tolist()) == [6, 16]
    assert np.array_equal(streams("clip", made, TIMING).positions[0][:16], at_rate(made[0], 60.0, 30.0))


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(BadInput, match="frame rate"):
        Timing(rate, 5, 12)
    with pytest.raises(BadInput, match="frame rate"):
        replace(clips(), rate=rate)
