import numpy as np
import pytest

from mksgn_neuro.data.picture import PictureScale
from mksgn_neuro.data.recordings import TORSO
from mksgn_neuro.errors import BadInput

NAMES = ("nose", "LEFT_SHOULDER", "RIGHT_SHOULDER", "left hip", "RightHip")
POSE = np.array([[5, 9, 0], [0, 7, 0], [10, 7, 0], [2, -3, 0], [8, -3, 0]], dtype=np.float32)


def test_a_torso_has_the_same_length_in_every_picture():
    for unit in (1.0, 1920.0, 1e-3):
        found = PictureScale(NAMES, "x")(unit * POSE)
        assert np.allclose(found, POSE * TORSO / 10, rtol=1e-5) and found.dtype == np.float32


def test_until_a_torso_is_seen_nothing_is():
    scale, hidden = PictureScale(NAMES, "x"), POSE.copy()
    hidden[3] = np.nan
    assert np.isnan(scale(hidden)).all()
    scale(POSE)
    found = scale(hidden)
    assert np.isnan(found[3]).all() and np.allclose(found[0], POSE[0] * TORSO / 10)
    found = [scale(POSE * (2 if t == 5 else 1)) for t in range(9)]  # one bad detection moves nothing
    assert np.allclose(found[-1], POSE * TORSO / 10)


def test_a_network_without_hips_has_no_scale():
    with pytest.raises(BadInput, match="line 1: the network has no left hip"):
        PictureScale(NAMES[:3], "line 1")
