"""Left and right: when clips may be mirrored in training, and that training obeys."""

from dataclasses import replace

import numpy as np
import pytest

from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.data.mirroring import sided_classes, twins_in_the_mirror, why_not_mirrored, without_pairs
from mksgn_neuro.data.readers.ntu.names import ACTIONS
from mksgn_neuro.data.skeleton import from_parents
from mksgn_neuro.data.synthetic import generate

NAMES = tuple("abcdefghij")


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_named_body_has_its_pairs(body):
    assert without_pairs(body.skeleton) is None and without_pairs(body.skeleton.repeated(2)) is None


def test_joints_without_sides_or_partners_are_told():
    assert without_pairs(from_parents([-1, 0])) == "no joint's name says left or right"
    lame = from_parents([-1, 0, 0, 0], ("head", "lhip", "rhip", "LeftHand"))
    assert without_pairs(lame) == "joint 'LeftHand' has no partner on the other side"


@pytest.mark.parametrize("name", ["wave left", "RaiseRightArm", "left_turn", "circle anticlockwise", "turn CCW"])
def test_classes_with_sides_are_told(name):
    assert sided_classes(("sit", name, "wave")) == [name]


def test_no_action_of_ntu_or_walking_has_a_side():
    assert sided_classes((*ACTIONS, "lift", "brightly", "stand upright", "walk", "rise")) == []


def test_the_finding_names_what_is_wrong():
    clips = generate(20)
    assert why_not_mirrored(clips) == (
        "mirroring is off: classes have sides (raise left arm, lower left arm, raise right arm and 3 more)"
    )
    both_sides = clips.subset(np.isin(clips.labels, [0, 1, 6, 7]))
    assert why_not_mirrored(replace(both_sides, class_names=NAMES)) is None
    assert why_not_mirrored(clips, sided=True) is None
    nameless = replace(clips, skeleton=from_parents(clips.skeleton.parents))
    assert why_not_mirrored(nameless, sided=True) == "mirroring is off: no joint's name says left or right"


def test_classes_that_look_like_each_other_in_a_mirror_are_told_whatever_they_are_called():
    clips = generate(100)
    arms = clips.subset(np.isin(clips.labels, [0, 1, 2, 4, 6]))
    named = replace(arms, class_names=("sit", "stand", "raise one", "c", "raise the other", *NAMES[5:]))
    assert twins_in_the_mirror(named) == [("raise one", "raise the other")]
    assert why_not_mirrored(named) == "mirroring is off: in a mirror 'raise one' looks like 'raise the other'"


def test_one_sided_classes_without_their_twin_are_mirrored():
    clips = generate(100)
    assert twins_in_the_mirror(clips.subset(np.isin(clips.labels, [0, 1, 2, 3, 6, 7]))) == []
    assert twins_in_the_mirror(clips.subset(np.zeros(len(clips), dtype=bool))) == []
