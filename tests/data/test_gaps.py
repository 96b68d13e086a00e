"""Lost joints: held for a while, then absent; and what the network gets of an absent one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.frames import FrameEncoder, Scaling, at_rate, encode
from mksgn_neuro.data.gaps import GapFiller, filled
from mksgn_neuro.data.skeleton import from_parents

LAYERED = from_parents([-1, 0, 1, 2], ("a", "b", "c", "d"), 0)
SCALING = Scaling((100.0,) * 4, 0)


def walk(frames, seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, (frames, 4, 3)).cumsum(axis=0).astype(np.float32)


@given(st.integers(1, 12), st.integers(0, 9), st.integers(0, 5), st.floats(0, 0.9))
@settings(max_examples=60, deadline=None)
def test_a_joint_is_held_so_long_and_then_absent(frames, seed, hold, share):
    x = walk(frames, seed)
    lost = np.random.default_rng(seed).random((frames, 4)) < share
    x[lost] = np.nan
    found, held, absent = filled(x, 10.0, hold / 10)
    for v in range(4):
        for t in range(frames):
            since = next((s for s in range(t + 1) if not lost[t - s, v]), None)
            gone = since is None or since > hold
            assert absent[t, v] == gone and held[t, v] == (lost[t, v] and not gone)
            assert np.isnan(found[t, v]).all() if gone else np.array_equal(found[t, v], x[t - since, v])
    fill, begin = GapFiller(hold / 10), 1.7e9
    assert np.array_equal(np.stack([fill(x[t], begin + t / 10)[0] for t in range(frames)]), found, equal_nan=True)


@given(st.integers(0, 99), st.floats(0, 0.5))
@settings(max_examples=40, deadline=None)
def test_what_rests_on_an_absent_joint_is_0_and_nothing_else_changes(seed, share):
    x = walk(6, seed)
    gone = np.random.default_rng(seed).random((6, 4)) < share
    there, damaged = ~gone, np.where(gone[..., None], np.float32(np.nan), x)
    joint, bone, joint_motion, bone_motion = encode(x, SCALING, LAYERED).transpose(1, 0, 2, 3)
    found = encode(damaged, SCALING, LAYERED).transpose(1, 0, 2, 3)
    parents = [0, 0, 1, 2]
    before = np.concatenate([there[:1], there[:-1]])
    with_parent = there & there[:, parents]
    for value, expected, seen in zip(
        found,
        (joint, bone, joint_motion, bone_motion),
        (there & there[:, :1], with_parent, there & before, with_parent & before & before[:, parents]),
    ):
        assert np.array_equal(value, expected * seen[..., None])
    encoder = FrameEncoder(SCALING, LAYERED)
    assert np.array_equal(np.stack([encoder(frame) for frame in damaged]), found.transpose(1, 0, 2, 3))


@pytest.mark.parametrize("rate", [25.0, 60.0])
def test_between_a_frame_with_the_joint_and_one_without_the_nearer_one_counts(rate):
    x = walk(8)
    x[2, 2] = np.nan
    found, whole = at_rate(x, 30.0, rate), at_rate(np.nan_to_num(x), 30.0, rate)
    times = np.arange(len(found)) * 30 / rate
    gone = (times > 1.5) & (times <= 2.5)
    assert np.array_equal(np.isnan(found).all(axis=2)[:, 2], gone) and gone.any()
    assert np.isfinite(found[:, [0, 1, 3]]).all()
    far = np.abs(times - 2) >= 1
    assert np.array_equal(found[far], whole[far])


def test_a_body_that_was_not_there_is_not_held_where_it_was_not():
    x = walk(6)
    x[:3] = 0
    x[3, 1] = np.nan
    found, held, absent = filled(x, 30.0)
    assert np.isnan(found[3, 1]).all() and absent.sum() == 1 and not held.any()
    assert np.array_equal(found[:3], x[:3]) and np.array_equal(found[4:], x[4:])
