from dataclasses import replace

import numpy as np
import pytest

from mksgn_neuro.data.mixing import mixed
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.errors import BadInput


def test_clips_of_both_are_there_and_subjects_stay_apart():
    a, b = generate(20, subjects=2), generate(30, seed=1, subjects=3)
    both = mixed(a, replace(b, dataset="b"))
    assert len(both) == 50 and len(set(both.names)) == 50 and both.names[20] == "b: synthetic 0"
    for i in range(20):
        assert np.array_equal(both[i], a[i])
    for i in range(30):
        assert np.array_equal(both[20 + i], b[i])
    assert not set(both.subjects[:20]) & set(both.subjects[20:]) and len(set(both.subjects)) == 5
    assert np.array_equal(both.train, np.concatenate([a.train, b.train]))
    assert (mixed(a, replace(b, subjects=np.full(30, -1))).subjects == -1).all()


def test_the_second_is_brought_to_the_rate_of_the_first():
    a, b = generate(10), generate(10, seed=1)
    both = mixed(a, replace(b, rate=60.0))
    assert both.rate == a.rate and np.array_equal(both[10], b[0][::2])


def test_other_joints_and_classes_are_refused():
    a = generate(10)
    with pytest.raises(BadInput, match="other classes"):
        mixed(a, replace(a, class_names=tuple("abcdefghij")))
    with pytest.raises(BadInput, match="other joints"):
        mixed(a, replace(a, skeleton=replace(a.skeleton, coordinates=2)))
