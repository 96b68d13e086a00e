import numpy as np
import torch

from mksgn_neuro.data.augment import Augmentation, augment
from mksgn_neuro.data.frames import as_tensors, resample_batch
from mksgn_neuro.data.joints import mirror_order
from mksgn_neuro.data.skeleton import KINECT_20, KINECT_25
from tests.data.make import clips

NOTHING = Augmentation(crop=1, turn=0, tilt=0, scale=0, shear=0, noise=0)


def run(made, settings, frames=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return augment(*as_tensors(made), frames, made.skeleton, settings, generator)


def bone_lengths(x, skeleton):
    child, parent = zip(*skeleton.bones)
    return (x[..., child, :] - x[..., parent, :]).norm(dim=-1)


def test_nothing_to_vary_is_resampling():
    made = clips((7, 1, 30))
    assert torch.allclose(run(made, NOTHING), resample_batch(*as_tensors(made), 16), atol=1e-5)


def test_equal_generators_give_equal_clips():
    made, settings = clips(), Augmentation(shear=0.1, mirror=0.5)
    assert torch.equal(run(made, settings, seed=4), run(made, settings, seed=4))
    assert not torch.equal(run(made, settings, seed=4), run(made, settings, seed=5))


def test_turning_keeps_bones_and_heights():
    made = clips((12,) * 6)
    before, after = run(made, NOTHING), run(made, Augmentation(crop=1, turn=40, tilt=0, scale=0, noise=0))
    assert torch.allclose(bone_lengths(after, KINECT_20), bone_lengths(before, KINECT_20), atol=1e-5)
    assert torch.allclose(after[..., 1], before[..., 1], atol=1e-5)
    assert (after - before).abs().amax(dim=(1, 2, 3)).min() > 1e-3


def test_tilt_and_turn_stay_in_their_range():
    made = clips((12,) * 200)
    before, after = run(made, NOTHING), run(made, Augmentation(crop=1, turn=40, tilt=8, scale=0, noise=0))
    a, b = (x[:, 5, 3] - x[:, 0, 1] for x in (before, after))
    angle = torch.rad2deg(torch.arccos((a * b).sum(1) / a.norm(dim=1) / b.norm(dim=1)))
    assert angle.max() <= 40 + 8 + 8 and angle.max() > 25


def test_scale_is_per_axis_and_bounded():
    made = clips((12,) * 50)
    before, after = run(made, NOTHING), run(made, Augmentation(crop=1, turn=0, tilt=0, scale=0.2, noise=0))
    ratio = ((after - after[:, :1, 1:2]) / (before - before[:, :1, 1:2]))[:, 5, 3]
    assert ratio.min() >= 0.8 - 1e-3 and ratio.max() <= 1.2 + 1e-3
    assert ratio.std(dim=1).min() > 0


def test_a_crop_is_an_even_window_of_at_least_the_asked_share():
    ramp = np.arange(41, dtype=np.float32)[:, None, None] * np.ones((1, 20, 3), np.float32)
    made = clips((41,) * 60, positions=np.concatenate([ramp] * 60))
    x = run(made, Augmentation(crop=0.5, turn=0, tilt=0, scale=0, noise=0))[:, :, 4, 0]
    kept = x[:, -1] - x[:, 0]
    assert kept.min() >= 20 - 1e-3 and kept.max() <= 40 + 1e-3 and kept.max() - kept.min() > 15
    assert x.min() >= 0 and x.max() <= 40 and torch.allclose(x.diff(dim=1), (kept / 15)[:, None], atol=1e-3)


def test_noise_has_the_asked_size():
    made = clips((12,) * 50)
    added = run(made, Augmentation(crop=1, turn=0, tilt=0, scale=0, noise=0.02)) - run(made, NOTHING)
    assert abs(float(added.std()) - 0.02) < 0.001


def test_mirroring_exchanges_sides():
    order = mirror_order(KINECT_20.joint_names)
    assert [order[v] for v in (0, 3, 4, 7, 8, 19)] == [0, 3, 8, 11, 4, 15]
    two = mirror_order(KINECT_25.repeated(2).joint_names)
    assert two[25:] == [25 + v for v in mirror_order(KINECT_25.joint_names)]
    made = clips((12,) * 4)
    before = run(made, NOTHING)
    after = run(made, Augmentation(crop=1, turn=0, tilt=0, scale=0, noise=0, mirror=1.0))
    centre = before[:, :1, 1:2]
    flip = torch.tensor([-1.0, 1.0, 1.0])
    assert torch.allclose(after - centre, (before - centre)[:, :, order] * flip, atol=1e-5)


def test_an_absent_body_stays_at_zero():
    made = clips((9,) * 5, skeleton=KINECT_25.repeated(2))
    positions = made.positions.copy()
    positions[:, 25:] = 0
    x = run(clips((9,) * 5, skeleton=KINECT_25.repeated(2), positions=positions), Augmentation(mirror=0.5))
    assert (x[:, :, 25:] == 0).all() and (x[:, :, :25] != 0).any()
