"""Arrays beside which a file says more, or whose frames are rows."""

import numpy as np
import pytest

from mksgn_neuro.data.formats import recordings
from mksgn_neuro.errors import BadInput
from tests.data.pose_files import FRAMES, movement


@pytest.mark.parametrize("name", ["fps", "rate"])
def test_the_rate_beside_the_array_is_taken(tmp_path, name):
    np.savez(tmp_path / "x.npz", keypoints=movement(), **{name: 25})
    (found,), _ = recordings(tmp_path / "x.npz")
    assert found.rate == 25 and np.array_equal(found.positions, movement())


@pytest.mark.parametrize(
    ("joints", "coordinates", "body"),
    [(17, 2, "coco17"), (20, 3, "kinect20"), (25, 3, "kinect25"), (32, 3, "azure32"), (33, 3, "mediapipe33")],
)
def test_frames_in_rows_are_as_many_joints(tmp_path, joints, coordinates, body):
    x = np.random.default_rng(0).normal(size=(FRAMES, joints, coordinates)).astype(np.float32)
    np.save(tmp_path / "x.npy", x.reshape(FRAMES, -1))
    (found,), _ = recordings(tmp_path / "x.npy")
    assert found.body.name == body and np.array_equal(found.positions, x)


@pytest.mark.parametrize("shape", [(FRAMES, 100), (FRAMES, 20, 4), (0, 20, 3)])
def test_another_shape_is_refused_as_the_file_has_it(tmp_path, shape):
    np.save(tmp_path / "x.npy", np.zeros(shape))
    with pytest.raises(BadInput) as caught:
        recordings(tmp_path / "x.npy")
    assert f"an array of shape {shape}" in str(caught.value)
