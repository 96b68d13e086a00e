from dataclasses import replace

import numpy as np
import pytest

from mksgn_neuro.data.contradictions import moves_against_label, rise
from mksgn_neuro.data.skeleton import KINECT_20, KINECT_25, from_parents
from tests.data.make import clips

NAMES = ("sit down", "stand up")


def moving(heights, *, skeleton=KINECT_20, up=1.0, class_names=NAMES):
    """Clips of 9 frames of a body whose every joint goes up by `heights` metres; classes are 0, 0, 1, 1, ..."""
    made = clips((9,) * len(heights), skeleton=skeleton, class_names=class_names)
    body = np.zeros((skeleton.joints, 3), np.float32)
    body[3, 1] = 0.5  # the head, in both of Kinect's orders
    positions = np.concatenate([body + h * np.linspace(0, 1, 9)[:, None, None] * [[0, 1, 0]] for h in heights])
    return replace(made, positions=(up * positions).astype(np.float32))


@pytest.mark.parametrize("skeleton", [KINECT_20, KINECT_25, KINECT_25.repeated(2)])
@pytest.mark.parametrize("up", [1.0, -1.0])
def test_sitting_down_must_sink_and_standing_up_rise(skeleton, up):
    made = moving((-0.4, 0.4, 0.4, -0.4), skeleton=skeleton, up=up)
    assert moves_against_label(made).tolist() == [False, True, False, True]
    assert rise(made, 1) == pytest.approx(0.4 * 6 / 8, abs=1e-5)


def test_small_movements_and_other_classes_prove_nothing():
    assert not moves_against_label(moving((0.08, 0.0, -0.08, 0.0))).any()
    assert not moves_against_label(moving((0.4, 0.4, -0.4, -0.4), class_names=("throw", "carry"))).any()


def test_without_a_head_nobody_knows_what_is_up():
    headless = from_parents(np.array(KINECT_20.parents))
    assert not moves_against_label(clips(skeleton=headless, class_names=NAMES)).any()
