"""Clips must have the network's joints, in their order, where both sides know their names."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.made import Made, joined, lengths_of
from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.skeleton import KINECT_20, from_parents
from mksgn_neuro.errors import BadInput
from mksgn_neuro.workflows.inputs import EncodedStream, encoded, fitted
from tests.data.make import clips
from tests.small_models import small_model

NAMES = KINECT_20.joint_names
MIRRORED = tuple(n.replace("left", "?").replace("right", "left").replace("?", "right") for n in NAMES)
SPELLED = tuple(
    "_".join(reversed(name.split())).upper() if "left" in name or "right" in name else name for name in NAMES
)
OTHER = ("tail", *NAMES[1:])


def fitting(joint_names):
    task = small_model().task()
    assert task.joint_names == NAMES
    made = clips(class_names=task.class_names, labels=[0, 1, 0, 1])
    return replace(made, skeleton=replace(KINECT_20, joint_names=joint_names)), task


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (MIRRORED, "has the network's joints in another order: joint 4 is 'right shoulder', the network's 'left shoul"),
        (
            OTHER,
            "has other joints: joint 0 is 'tail', the network's 'hip centre'; give the joints in this order: hip",
        ),
    ],
)
def test_renamed_and_reordered_joints_of_the_same_tree_are_refused(names, problem):
    made, task = fitting(names)
    with pytest.raises(BadInput, match=f"x.npz: {problem}"):
        fitted(made, task, "x.npz")


@pytest.mark.parametrize("names", [NAMES, SPELLED, from_parents(KINECT_20.parents).joint_names])
def test_other_spellings_and_joints_without_names_pass(names):
    fitted(*fitting(names), "x.npz")


def test_that_joints_have_no_names_is_said(tmp_path):
    npz.save(clips(), tmp_path / "x.npz")
    assert npz.load(tmp_path / "x.npz").assumed == ()
    with np.load(tmp_path / "x.npz") as file:
        np.savez(tmp_path / "y.npz", **{name: file[name] for name in file.files if name != "joint_names"})
    assert any("cannot be checked" in line for line in npz.load(tmp_path / "y.npz").assumed)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from(["frame", "first frame"]), st.sampled_from([1, 2]), st.sampled_from([1, 3]),
    st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 60), st.integers(0, 60),
)  # fmt: skip
def test_a_slice_of_a_stream_is_encoded_as_the_whole(seed, origin, bodies, times, lengths, start, stop):
    rng, skeleton = np.random.default_rng(seed), KINECT_20.repeated(bodies)
    there = [rng.normal(0, 1, (n, skeleton.joints, 3)).astype(np.float32) for n in lengths]
    for clip in there:
        clip[rng.random(len(clip)) < 0.3, -20:] = 0  # somebody comes and goes
    task = replace(small_model().task(), origin=origin, steps_per_frame=times)
    whole = encoded(task, 8, skeleton, np.concatenate(there))
    stream = EncodedStream(task, 8, skeleton, joined(Made(lengths_of(there), lambda i: there[i])))
    assert len(stream) == len(whole) and np.array_equal(stream, whole)
    assert np.array_equal(stream[start:stop], whole[start:stop])
    assert np.array_equal(stream[start:], whole[start:]) and np.array_equal(stream[:stop], whole[:stop])
