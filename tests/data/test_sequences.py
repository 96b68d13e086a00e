import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.augment import NO_VARIATION, Augmentation
from mksgn_neuro.data.frames import as_tensors, at_rate
from mksgn_neuro.data.sequences import draw_plan, play
from mksgn_neuro.data.skeleton import KINECT_25
from tests.data.make import clips

VARIED = Augmentation(crop=0.7, mirror=0.5, shear=0.1, tempo=1.5, stretched=0.3, hold=0.5, hold_until=20)


def planned(made, variation=VARIED, *, rows=6, frames=30, rate=30.0, seed=0):
    return draw_plan(made, rate, rows, frames, variation, torch.Generator().manual_seed(seed))


def played(made, plan, variation, seed=1):
    return play(*as_tensors(made), plan, made, variation, torch.Generator().manual_seed(seed))


@given(st.integers(0, 999), st.lists(st.integers(1, 60), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_rows_are_clips_back_to_back(seed, lengths):
    made = clips(tuple(lengths))
    plan = planned(made, seed=seed)
    assert (plan.time >= 0).all() and (plan.time <= made.lengths[plan.clip] - 1).all()
    starts = plan.since == 0
    assert starts[:, 0].all() and np.array_equal(np.cumsum(starts, axis=1) - 1, plan.segment)
    assert (plan.since[:, 1:][~starts[:, 1:]] == (plan.since[:, :-1] + 1)[~starts[:, 1:]]).all()
    going_on = ~starts[:, 1:]
    assert (plan.clip[:, 1:][going_on] == plan.clip[:, :-1][going_on]).all()
    assert (np.diff(plan.time, axis=1)[going_on] >= 0).all()


def test_without_variation_frames_are_those_that_were_recorded():
    made = clips((7, 12, 3, 30))
    plan = planned(made, NO_VARIATION)
    x = played(made, plan, NO_VARIATION)
    expected = np.stack([made.positions[made.starts[c] + t.astype(int)] for c, t in zip(plan.clip, plan.time)])
    assert np.array_equal(plan.time, plan.time.round()) and np.array_equal(plan.time, plan.since)
    assert np.allclose(x, expected, atol=1e-5)


def test_every_clip_is_drawn_before_one_comes_again():
    made = clips((10,) * 9)
    plan = planned(made, NO_VARIATION, rows=3, frames=30)
    assert sorted(plan.clip[:, ::10].ravel().tolist()) == list(range(9))


def test_tempo_and_held_poses_stay_in_their_range():
    made = clips((30,) * 5)
    plan = planned(made, Augmentation(crop=1, tempo=1.5, stretched=0, hold=1, hold_until=60), rows=200, frames=90)
    step, same = np.diff(plan.time, axis=1), plan.segment[:, 1:] == plan.segment[:, :-1]
    moving = same & (plan.since[:, 1:] < plan.length[:, 1:])
    assert step[moving].min() >= 1 / 1.5 - 1e-9 and step[moving].max() <= 1.5 + 1e-9 and np.ptp(step[moving]) > 0.5
    held = same & (plan.since[:, 1:] >= plan.length[:, 1:])
    assert held.any() and (step[held] == 0).all() and plan.since.max() < 60


def test_a_stretched_clip_is_as_an_offline_protocol_has_it():
    made = clips((25,) * 4)
    plan = planned(made, Augmentation(crop=1, stretched=1, hold=0, hold_until=40), rows=2, frames=40)
    assert np.allclose(plan.time, np.arange(40) * 24 / 39)


def test_another_rate_is_the_same_motion_in_other_steps():
    made = clips((31,))
    plan = planned(made, NO_VARIATION, rows=1, frames=61, rate=60.0)
    assert np.allclose(played(made, plan, NO_VARIATION)[0], at_rate(made[0], 30.0, 60.0), atol=1e-5)


def test_each_clip_of_a_row_is_seen_from_its_own_side_and_a_held_pose_is_still():
    made = clips((8,) * 6)
    variation = Augmentation(turn=180, noise=0.01, tempo=1, stretched=0, hold=1, hold_until=20, crop=1)
    plan = planned(made, variation)
    x = played(made, plan, variation)
    assert torch.equal(x, played(made, plan, variation)) and not torch.equal(x, played(made, plan, variation, seed=2))
    held = (plan.since[:, 1:] >= plan.length[:, 1:]) & (plan.segment[:, 1:] == plan.segment[:, :-1])
    still = (x[:, 1:] == x[:, :-1]).all(-1).all(-1).numpy()
    assert held.any() and still[held].all() and not still[~held].any()


@pytest.mark.parametrize("present", [True, False])
def test_an_absent_body_stays_at_zero(present):
    made = clips((9,) * 3, skeleton=KINECT_25.repeated(2))
    positions = made.positions.copy()
    positions[:, 25:] *= present
    made = clips((9,) * 3, skeleton=KINECT_25.repeated(2), positions=positions)
    x = played(made, planned(made), VARIED)
    assert (x[:, :, 25:] != 0).any() == present and (x[:, :, :25] != 0).any()
