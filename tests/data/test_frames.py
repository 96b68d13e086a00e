import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.frames import (
    MODALITIES,
    ORIGINS,
    FrameEncoder,
    Scaling,
    as_tensors,
    at_rate,
    encode,
    encode_batch,
    even_times,
    fit_scaling,
    resample,
    resample_batch,
    sample,
)
from mksgn_neuro.data.skeleton import KINECT_20, KINECT_25, from_parents
from mksgn_neuro.errors import BadInput
from tests.data.make import clips

TWO_BODIES = KINECT_25.repeated(2)


def plain_encode(x, scaling, skeleton):
    """The definition in scalar numpy float32, one joint at a time."""
    t, v, _ = x.shape
    low, high = scaling.limits
    per_body = v // skeleton.bodies
    here = np.ones((t, v), bool)
    if skeleton.bodies > 1:
        for i in range(t):
            for b in range(skeleton.bodies):
                here[i, b * per_body : (b + 1) * per_body] = np.any(x[i, b * per_body : (b + 1) * per_body] != 0)
    out = np.zeros((t, len(scaling.modalities), v, 3), np.int32)
    metres = {name: np.zeros((t, v, 3), np.float32) for name in MODALITIES}
    for i in range(t):
        for j in range(v):
            if here[i, j]:
                centre = x[i if scaling.origin == "frame" else 0, scaling.centre_joint]
                metres["joint"][i, j] = x[i, j] - centre
                if skeleton.parents[j] >= 0:
                    metres["bone"][i, j] = x[i, j] - x[i, skeleton.parents[j]]
            if i and here[i, j] and here[i - 1, j]:
                moving = {"joint": x if scaling.origin == "frame" else metres["joint"], "bone": metres["bone"]}
                for name, values in moving.items():
                    metres[f"{name} motion"][i, j] = values[i, j] - values[i - 1, j]
    for m, name in enumerate(scaling.modalities):
        counts = metres[name] * np.float32(scaling.counts_per_metre[m])
        out[:, m] = np.clip(np.rint(counts), low, high)
    return out


@given(
    st.integers(1, 8), st.integers(2, 16), st.integers(0, 2**16),
    st.sampled_from([KINECT_20, TWO_BODIES]), st.sampled_from(ORIGINS),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_all_forms_of_encoding_give_the_same_integers(frames, bits, seed, skeleton, origin):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (frames, skeleton.joints, 3)).astype(np.float32)
    if skeleton.bodies > 1:
        x[rng.random(frames) < 0.4, 25:] = 0
    scaling = Scaling(tuple(rng.uniform(1, 300, 4)), skeleton.centre_joint, bits=bits, origin=origin)
    expected = plain_encode(x, scaling, skeleton)
    assert np.array_equal(encode(x, scaling, skeleton), expected)
    batch = encode_batch(torch.from_numpy(np.stack([x, x])), scaling, skeleton)
    assert batch.dtype == torch.float32 and np.array_equal(batch[1].numpy(), expected)
    stream = FrameEncoder(scaling, skeleton)
    assert np.array_equal(np.stack([stream(frame) for frame in x]), expected)


def walking(frames, speed=0.1):
    """A person who walks on and on, metres."""
    x = np.random.default_rng(0).normal(0, 0.3, (frames, 20, 3)).astype(np.float32)
    return x + speed * np.arange(frames, dtype=np.float32)[:, None, None] * np.float32([1, 0, 0])


def test_input_has_no_beginning():
    scaling, stream = Scaling((60, 200, 300, 500), 1), FrameEncoder(Scaling((60, 200, 300, 500), 1), KINECT_20)
    x = np.random.default_rng(3).normal(0, 0.5, (10_010, 20, 3)).astype(np.float32)
    late = np.stack([stream(frame) for frame in x])[10_000:]
    assert np.array_equal(late[1:], encode(x[10_000:], scaling, KINECT_20)[1:])  # motion needs one frame before


def test_walking_five_metres_does_not_saturate():
    x, scaling = walking(60), Scaling((60, 200, 200, 200), 1)
    joints = np.abs(encode(x, scaling, KINECT_20)[:, 0])
    assert joints[-10:].max() <= joints[:10].max() * 1.5 and joints.max() < 127
    old = Scaling((60, 200, 200, 200), 1, origin="first frame")
    assert (np.abs(encode(x, old, KINECT_20)[-1, 0, :, 0]) >= 127).all()


def test_a_joint_moves_as_it_does_in_the_room():
    x = np.zeros((2, 20, 3), np.float32)
    x[1, :, 0] = 0.1  # all of the body moves by 10 cm
    moved = encode(x, Scaling((100,) * 4, 1), KINECT_20)[1, :, 3]
    assert moved[:, 0].tolist() == [0, 0, 10, 0]


@given(st.integers(1, 40), st.sampled_from([10.0, 15.0, 25.0, 29.97, 50.0, 60.0]), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_another_rate_is_interpolation_at_fixed_instants(frames, rate, seed):
    x = np.random.default_rng(seed).normal(0, 1, (frames, 3, 3)).astype(np.float32)
    out = at_rate(x, rate, 30.0)
    assert len(out) == int((frames - 1) * 30.0 / rate + 1e-6) + 1
    at = np.minimum(np.arange(len(out)) * rate / 30.0, frames - 1)
    expected = np.stack([np.interp(at, np.arange(frames), column) for column in x.reshape(frames, 9).T], axis=1)
    assert np.allclose(out.reshape(-1, 9), expected, atol=1e-5)
    shorter = at_rate(x[: frames // 2 + 1], rate, 30.0)
    assert np.array_equal(shorter, out[: len(shorter)])  # what comes later changes nothing


def test_no_frame_depends_on_a_later_one():
    x = np.random.default_rng(0).normal(0, 1, (9, 20, 3)).astype(np.float32)
    scaling = Scaling((60, 200, 300, 500), 1)
    assert np.array_equal(encode(x[:4], scaling, KINECT_20), encode(x, scaling, KINECT_20)[:4])


def test_halves_round_to_even_and_large_values_clip():
    skeleton = from_parents([-1, 0])
    x = np.zeros((1, 2, 3), np.float32)
    x[0, 1] = [0.5, 1.5, -400]
    assert encode(x, Scaling((1.0,), 0, ("joint",)), skeleton)[0, 0, 1].tolist() == [0, 2, -128]


def test_a_choice_of_modalities_keeps_its_order():
    x = np.random.default_rng(1).normal(0, 1, (5, 20, 3)).astype(np.float32)
    every = encode(x, Scaling((50, 60, 70, 80), 1), KINECT_20)
    two = encode(x, Scaling((80, 60), 1, ("bone motion", "bone")), KINECT_20)
    assert np.array_equal(two, every[:, [3, 1]])
    with pytest.raises(BadInput, match="unknown modality"):
        Scaling((1.0,), 0, ("speed",))


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_resampling_is_linear_interpolation(length, frames, seed):
    x = np.random.default_rng(seed).normal(0, 1, (length, 3, 3)).astype(np.float32)
    at = np.arange(frames) * (length - 1) / max(frames - 1, 1)
    expected = np.stack([np.interp(at, np.arange(length), column) for column in x.reshape(length, 9).T], axis=1)
    assert np.allclose(resample(x, frames).reshape(frames, 9), expected, atol=1e-5)
    if frames == length:
        assert np.array_equal(resample(x, frames), x)


def test_batched_resampling_equals_one_by_one():
    made = clips((7, 1, 30))
    batch = resample_batch(*as_tensors(made), 16).numpy()
    assert np.array_equal(batch, np.stack([resample(made[i], 16) for i in range(3)]))


def test_between_a_body_and_none_the_nearer_frame_is_taken():
    x = np.ones((2, 50, 3), np.float32)
    x[1, 25:] = 0
    flat, start = torch.from_numpy(x), torch.zeros(1, dtype=torch.int64)
    times = torch.tensor([[0.25, 0.75]], dtype=torch.float64)
    out = sample(flat, start, times, torch.tensor([1]), bodies=2)[0]
    assert (out[:, :25] == 1).all() and (out[0, 25:] == 1).all() and (out[1, 25:] == 0).all()
    assert even_times(torch.tensor([2]), 3).tolist() == [[0.0, 0.5, 1.0]]


def test_scaling_fits_training_clips_only():
    made = clips((20, 20, 20, 20))
    positions = made.positions.copy()
    positions[20:40] *= 1000  # a test clip
    louder = clips((20, 20, 20, 20), positions=positions)
    assert fit_scaling(made, 30.0) == fit_scaling(louder, 30.0)
    scaling = fit_scaling(made, 30.0, percentile=100)
    largest = max(np.abs(encode(made[i], scaling, KINECT_20)).max() for i in (0, 2))
    assert largest == 127
    with pytest.raises(BadInput, match="no training clips"):
        fit_scaling(made.subset(~made.train), 30.0)
