"""Joint names in any spelling, the named skeletons, and one body's joints from another's."""

import numpy as np
import pytest

from mksgn_neuro.data.bodies import BODIES, COCO_17, HIP_CENTRE, MEDIAPIPE_33, SPINE, body_named, body_of, mapping
from mksgn_neuro.data.joints import canonical, mirror_order
from mksgn_neuro.data.skeleton import KINECT_20, KINECT_25
from mksgn_neuro.errors import BadInput


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        *(
            (name, "left shoulder")
            for name in ("left_shoulder", "LeftShoulder", "lshoulder", "LShoulder", "L_Shoulder")
        ),
        *((name, "left shoulder") for name in ("SHOULDER_LEFT", "shoulder.L", "leftshoulder", "LEFT-SHOULDER")),
        *(("RIGHT_HIP", "right hip"), ("RBigToe", "right big toe"), ("HANDTIP_LEFT", "left hand tip")),
        *(("SPINE_NAVAL", "spine navel"), ("hip center", "hip centre"), ("left hand (1)", "left hand 1")),
        *(("ring", "ring"), ("lower back", "lower back"), ("root", "root"), ("joint 7", "joint 7")),
    ],
)
def test_sides_are_found_in_any_usual_spelling(spelled, meant):
    assert canonical(spelled) == meant


def test_mirroring_pairs_joints_of_every_spelling():
    assert mirror_order(("SHOULDER_LEFT", "NECK", "SHOULDER_RIGHT")) == [2, 1, 0]
    assert mirror_order(("lhip", "rhip", "LeftKnee", "RightKnee", "leftover")) == [1, 0, 3, 2, 4]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_each_body_is_one_tree_whose_sides_mirror_each_other(body):
    names, skeleton = body.skeleton.joint_names, body.skeleton
    assert skeleton.parents.count(-1) == 1 and len(set(names)) == len(names) == int(body.name[-2:])
    order = mirror_order(names)
    assert [order[v] for v in order] == list(range(len(names)))
    for v, parent in enumerate(skeleton.parents):
        assert parent < 0 or skeleton.parents[order[v]] == order[parent]
    assert len(body.pairs) == sum(name.startswith("left ") for name in names) > 0
    shuffled = [name.upper().replace(" ", "_") for name in names[::-1]]
    assert body_named(shuffled) is body


def test_a_number_of_joints_names_a_body_only_where_there_is_one():
    assert body_of(25, 3) is BODIES["kinect25"] and body_of(25, 2) is BODIES["body25"]
    assert body_of(17, 2) is BODIES["coco17"] and body_of(17, 3) is None and body_of(21, 3) is None


def random(joints, seed=0):
    return np.random.default_rng(seed).normal(0, 1, (3, joints, 3)).astype(np.float32)


@pytest.mark.parametrize("name", [name for name in BODIES if name != "kinect20"])
def test_every_body_maps_onto_kinect_20_and_joints_that_correspond_are_taken_over(name):
    source, x = BODIES[name].skeleton, random(BODIES[name].skeleton.joints)
    made = mapping(source.joint_names, KINECT_20.joint_names)
    y = made(x)
    assert y.shape == (3, 20, 3) and y.dtype == np.float32
    for v, joint in enumerate(KINECT_20.joint_names):
        if joint in source.joint_names:
            assert np.array_equal(y[:, v], x[:, source.joint_names.index(joint)])
            assert not any(said.startswith(f"{joint} =") for said in made.made)
    assert any(said.startswith("spine =") for said in made.made)


def test_the_spine_lies_between_hips_and_shoulders():
    x, at = random(33), {name: v for v, name in enumerate(MEDIAPIPE_33.joint_names)}
    y = mapping(MEDIAPIPE_33.joint_names, KINECT_20.joint_names)(x)
    hips, shoulders = ((x[:, at[f"left {joint}"]] + x[:, at[f"right {joint}"]]) / 2 for joint in ("hip", "shoulder"))
    for joint, share in (("hip centre", HIP_CENTRE), ("spine", SPINE)):
        expected = hips + share * (shoulders - hips)
        assert np.allclose(y[:, KINECT_20.joint_names.index(joint)], expected, atol=1e-6)


def test_a_body_onto_itself_changes_nothing_and_an_absent_joint_stays_absent():
    x = random(25)
    same = mapping(KINECT_25.joint_names, KINECT_25.joint_names)
    assert np.array_equal(same(x), x) and same.made == ()
    x = random(17)
    x[1, COCO_17.joint_names.index("left wrist")] = np.nan
    y = mapping(COCO_17.joint_names, KINECT_20.joint_names)(x)
    gone = [KINECT_20.joint_names[v] for v in np.flatnonzero(np.isnan(y[1]).any(axis=1))]
    assert gone == ["left wrist", "left hand"] and np.isfinite(y[[0, 2]]).all()


def test_a_joint_that_nothing_corresponds_to_is_refused():
    with pytest.raises(BadInput, match="no joint corresponds to the network's 'left thumb'"):
        mapping(COCO_17.joint_names, (*KINECT_25.joint_names[:20], "left thumb"))
