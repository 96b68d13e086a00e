"""Whatever a file holds, a reader of recordings reads it or refuses it in one line."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.formats import recordings
from mksgn_neuro.errors import BadInput
from tests.data.pose_files import EVERY

scalar = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(), st.text(max_size=3))
WORDS = (
    "people pose_keypoints_2d keypoints keypoint_scores instances instance_info image_id x y z landmarks skeletons "
    "pose_world_landmarks frames bodies joint_positions joint_names joints t visible"
)
KEYS = st.sampled_from(WORDS.split())
nested = st.recursive(scalar, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3))


def survives(path):
    try:
        found, _ = recordings(path)
    except BadInput as error:
        assert "\n" not in str(error)
        return
    for recording in found:
        assert recording.positions.ndim == 3 and recording.positions.shape[2] in (2, 3) and len(recording.positions)
        assert not np.isinf(recording.positions).any()


@given(st.lists(nested, min_size=1, max_size=3), st.sampled_from((".json", ".jsonl")))
@settings(max_examples=300, deadline=None)
@example([None, True], ".json")
def test_any_json(tmp_path_factory, values, ending):
    path = tmp_path_factory.mktemp("any") / f"x{ending}"
    path.write_text("\n".join(map(json.dumps, values)))
    survives(path)


@pytest.mark.parametrize("writer", [writer for _, writer in EVERY], ids=[writer.__name__ for _, writer in EVERY])
def test_changed_and_missing_bytes(tmp_path, writer):
    rng = np.random.default_rng(0)
    path, _ = writer(tmp_path)
    file = sorted(path.iterdir())[1] if path.is_dir() else path
    whole = file.read_bytes()
    for _ in range(25):
        damaged = bytearray(whole[: rng.integers(1, len(whole) + 1)] if rng.random() < 0.3 else whole)
        for at in rng.integers(0, len(damaged), 3):
            damaged[at] = rng.integers(256)
        file.write_bytes(bytes(damaged))
        survives(path)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
