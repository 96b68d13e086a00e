"""A class `none of these`: what is in it, and what is counted with it."""

from dataclasses import replace

import numpy as np
import pytest

from mksgn_neuro.data.background import SECONDS, for_classes, with_background
from mksgn_neuro.data.protocols import Streams
from mksgn_neuro.data.recognition import recognition
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.errors import BadInput
from mksgn_neuro.names import NONE_OF_THESE
from tests.data.make import clips as random_clips
from tests.small_models import synthetic

ALL = synthetic()


def test_pauses_and_other_classes_are_the_last_class():
    names = ALL.class_names
    found = with_background(ALL, names[2:4])
    assert found.class_names == (*names[:2], *names[4:], NONE_OF_THESE)
    last = len(found.class_names) - 1
    old = np.array([names.index(found.class_names[k]) if k < last else -1 for k in found.labels[: len(ALL)]])
    others = np.isin(ALL.labels, (2, 3))
    assert np.array_equal(old[~others], ALL.labels[~others]) and (old[others] == -1).all()
    assert all(np.array_equal(found[i], ALL[i]) for i in range(len(ALL)))
    pauses = np.arange(len(ALL), len(found))
    assert (found.labels[pauses] == last).all() and all(found.names[i].startswith("pause ") for i in pauses)
    for side in (True, False):
        made, clips = (found.train[pauses] == side).sum(), (ALL.train == side).sum()
        assert made == round(clips / len(names))
    assert (found.lengths[pauses] >= SECONDS[0] * ALL.rate).all()
    assert (found.lengths[pauses] <= SECONDS[1] * ALL.rate).all()


def test_a_pause_is_calm_ends_near_a_pose_of_its_clip_and_is_the_same_each_time():
    found, again = with_background(ALL), with_background(ALL)
    assert np.array_equal(found.positions, again.positions)
    speed = lambda x: np.linalg.norm(np.diff(x, axis=0), axis=2).mean()
    pauses = [found[i] for i in range(len(ALL), len(found))]
    assert np.mean([speed(x[-15:]) for x in pauses]) < np.mean([speed(ALL[i]) for i in range(len(ALL))])
    for i, x in zip(range(len(ALL), len(found)), pauses):
        source = ALL[found.names.index(found.names[i].split(" of ", 1)[1])]
        off = min(np.abs((x[-1] - x[-1, 0]) - (pose - pose[0])).max() for pose in (source[0], source[-1]))
        assert off < 0.05


def test_a_body_that_is_absent_stays_absent():
    two = random_clips(skeleton=KINECT_20.repeated(2))
    positions = two.positions.copy()
    positions[:, two.skeleton.joints // 2 :] = 0
    found = with_background(replace(two, positions=positions))
    assert len(found) > len(two) and not found.positions[:, two.skeleton.joints // 2 :].any()


def test_data_as_a_network_has_it_and_what_is_refused():
    kept = (*ALL.class_names[:3], NONE_OF_THESE)
    found = for_classes(ALL, kept)
    assert found.class_names == kept and (found.labels[: len(ALL)][ALL.labels >= 3] == 3).all()
    with pytest.raises(BadInput, match="no class 'nap'"):
        with_background(ALL, ["nap"])
    with pytest.raises(BadInput, match="only 1 class beside 'none of these'; name fewer"):
        with_background(ALL, ALL.class_names[1:])
    with pytest.raises(BadInput, match="has a class 'none of these' already"):
        with_background(found)


def test_false_decisions_are_counted_by_the_hour():
    clips = for_classes(ALL, (*ALL.class_names[:2], NONE_OF_THESE))
    clips = clips.subset(np.array([np.flatnonzero(clips.labels == k)[0] for k in (0, 2)]))
    at = np.array([0, 10]), np.array([10, 30])
    order = np.array([0, 1])
    given = Streams("continuous", (np.zeros((30, 1, 3)),), order, np.zeros(2, int), *at, at[1], 1)
    said = np.zeros((30, 3), dtype=np.int64)
    decided = [2] * 3 + [0] * 7 + [0] * 2 + [2] * 8 + [1] * 5 + [0] * 5  # late, 2 false while nothing goes on
    said[np.arange(30), decided] = 1
    found = recognition([said], given, clips, rate=30.0)
    assert found["false_decisions_per_hour"] == 2 / (30 / 30 / 3600)
    assert found["false_decisions_per_hour_of_nothing"] == 2 / (20 / 30 / 3600)
    plain = replace(clips, class_names=(*ALL.class_names[:2], "rest"))
    assert "false_decisions_per_hour" not in recognition([said], given, plain, rate=30.0)
