"""Metres are taken as they are; other units, and no motion at all, are said; what no unit can be is refused."""

import numpy as np
import pytest

from mksgn_neuro.data import registry
from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.data.units import doubts_about_units
from mksgn_neuro.errors import BadInput
from tests.data.make import clips


def scaled(factor):
    """A body of 1.7 in `factor` metres, standing elsewhere."""
    body = np.random.default_rng(0).uniform(0, 1.7, (20, 20, 3))
    body[:, 0], body[:, 1] = 0.05, 1.65
    return clips(positions=((body + 3) * factor).astype(np.float32), skeleton=KINECT_20)


@pytest.mark.parametrize(("factor", "said"), [(1, ()), (100, ("centimetres",)), (1000, ("millimetres",))])
def test_other_units_are_named(factor, said):
    found = doubts_about_units(scaled(factor), "x")
    assert len(found) == len(said) and all(word in line for word, line in zip(said, found))


def test_nothing_but_zeros_is_named():
    assert "every coordinate is 0" in doubts_about_units(scaled(0), "x")[0]


def test_what_no_unit_can_be_is_refused():
    with pytest.raises(BadInput, match=r"coordinates of up to .*e\+30; give positions in metres"):
        doubts_about_units(scaled(1e30), "x.npz")


def test_the_reader_says_it(tmp_path):
    npz.save(scaled(1000), tmp_path / "x.npz")
    assert any("millimetres" in line for line in registry.load("npz", tmp_path / "x.npz").assumed)
