"""Lines of a stream with MediaPipe's landmarks, of the world and of a picture."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mksgn_neuro.data.bodies import BODIES, MEDIAPIPE_33
from mksgn_neuro.data.recordings import TORSO
from mksgn_neuro.errors import BadInput
from mksgn_neuro.workflows.frame_lines import FrameLines
from tests.data import pose_files

TABLE, _ = pose_files._landmarks()
IN_PICTURE = TABLE.copy()
IN_PICTURE[..., :2] = 0.5 + TABLE[..., :2] / 4


def middle(frame, joint):
    at = MEDIAPIPE_33.joint_names.index
    return (frame[at(f"left {joint}")] + frame[at(f"right {joint}")]) / 2


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"landmark": x}, lambda x: {"landmarks": x, "t": 0.0}])
def test_a_network_of_two_coordinates_takes_landmarks_of_a_picture(wrap):
    skeleton = replace(BODIES["mediapipe33"].skeleton, coordinates=2)
    read = FrameLines(skeleton, line_format="mediapipe")
    found = read(json.dumps(wrap(pose_files._named(IN_PICTURE)[0])), "line 1").positions
    assert np.linalg.norm(middle(found, "shoulder") - middle(found, "hip")) == pytest.approx(TORSO, rel=1e-5)
    signed = TABLE[0, :, :2] * [-1, -1]
    factor = TORSO / np.linalg.norm(middle(signed, "shoulder") - middle(signed, "hip"))
    assert np.allclose(found[:, :2] - middle(found[:, :2], "hip"), factor * signed, atol=1e-5)
    assert not found[:, 2].any()


def test_shares_of_a_wide_picture_are_made_square():
    skeleton = replace(BODIES["mediapipe33"].skeleton, coordinates=2)
    wide = IN_PICTURE.copy()
    wide[..., 0] /= 2
    made = FrameLines(skeleton, line_format="mediapipe", aspect=2.0)(json.dumps(wide[0].tolist()), "line 1").positions
    square = FrameLines(skeleton, line_format="mediapipe")(json.dumps(IN_PICTURE[0].tolist()), "line 1").positions
    assert np.allclose(made, square, atol=1e-5)


def test_a_network_of_three_refuses_them_and_says_what_to_send():
    read = FrameLines(BODIES["mediapipe33"].skeleton, line_format="mediapipe")
    with pytest.raises(BadInput, match="line 7: landmarks in a picture.*pose_world_landmarks"):
        read(json.dumps(pose_files._named(IN_PICTURE)[0]), "line 7")
    assert np.isfinite(read(json.dumps(pose_files._named(TABLE)[0]), "line 8").positions).all()


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"pose_world_landmarks": [x]}, lambda x: {"landmark": x}])
def test_objects_of_x_and_y_need_no_format(wrap):
    line = json.dumps(wrap(pose_files._named(TABLE)[0]))
    told, found = (FrameLines(BODIES["mediapipe33"].skeleton, line_format=f) for f in ("mediapipe", "joints"))
    assert np.array_equal(found(line, "line 1").positions, told(line, "line 1").positions)


def test_lists_of_numbers_are_the_networks_own_joints():
    own = FrameLines(BODIES["mediapipe33"].skeleton)(json.dumps(TABLE[0, :, :3].tolist()), "line 1").positions
    assert np.allclose(own, TABLE[0, :, :3], atol=1e-6)


@pytest.mark.parametrize(
    "line", ["[]", "null", "{}", '{"t": 1}', '{"landmarks": []}', '{"pose_landmarks": null, "t": 1}']
)
def test_an_empty_frame_is_nobody(line):
    read = FrameLines(BODIES["mediapipe33"].skeleton, line_format="mediapipe")
    assert np.isnan(read(line, "line 1").positions).all()


@pytest.mark.parametrize("line", ['{"skeleton": [1, 2]}', '{"people": []}', '{"NOSE": {"x": 0, "y": 0, "z": 0}}'])
def test_an_object_of_something_else_is_not_nobody(line):
    read = FrameLines(BODIES["mediapipe33"].skeleton, line_format="mediapipe")
    with pytest.raises(BadInput, match="line 1: no landmarks, but (skeleton|people|NOSE)"):
        read(line, "line 1")
