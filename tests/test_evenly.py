"""Some of many, evenly spaced."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mksgn_neuro.evenly import evenly


@given(st.integers(0, 5000), st.integers(0, 3000))
def test_they_are_different_and_begin_and_end_with_the_ends(number, at_most):
    found = evenly(number, at_most)
    assert len(found) == len(set(found.tolist())) == min(number, at_most)
    if number <= at_most:
        assert np.array_equal(found, np.arange(number))
    if len(found) > 1:
        assert (found[0], found[-1]) == (0, number - 1)
        assert np.ptp(np.diff(found)) <= 1
