"""Metres are taken as they are; other units, and no motion at all, are said; what no unit can be is refused."""

import numpy as np
import pytest

from mksgn_neuro.data import registry
from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.data.units import doubt_about_frame, doubts_about_units
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


@pytest.mark.parametrize("dataset", ["nw-ucla", "ntu60-xsub", "npz"])
def test_every_reader_says_it(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(f"{registry.READ[dataset].reader}.read", lambda *_, **__: scaled(1000))
    assert any("millimetres" in line for line in registry.load(dataset, tmp_path).assumed)


def test_a_frame_of_a_stream_says_it():
    frame = scaled(1)[0][0]
    frame_with_gaps = np.where(np.arange(20)[:, None] == 5, np.nan, frame * 1000)
    assert doubt_about_frame(frame, "line 1") == "" == doubt_about_frame(frame * np.nan, "line 1")
    assert "millimetres" in doubt_about_frame(frame_with_gaps, "line 1")
    with pytest.raises(BadInput, match="line 1: coordinates of up to"):
        doubt_about_frame(frame * 1e9, "line 1")
