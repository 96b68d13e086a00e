"""What a file is told by when its first frames are empty."""

import numpy as np
import pytest

from mksgn_neuro.data.formats import recordings
from mksgn_neuro.data.readers.poses.source import Source
from tests.data import pose_files


@pytest.mark.parametrize("writer", [pose_files.ultralytics, pose_files.mediapipe_lines, pose_files.coco_triples])
def test_empty_first_lines_are_frames_with_nobody(tmp_path, writer):
    path, expected = writer(tmp_path)
    path.write_text("[]\n[]\n" + path.read_text())
    (found,), _ = recordings(path)
    assert np.isnan(found.positions[:2]).all() and found.body is not None
    assert np.allclose(found.positions[2:], expected, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize(
    ("text", "first"),
    [("[]\n[1]\n", [1]), ("[]\n[]\n", []), ("[]\n[1\n[2]\n", []), ("[[], [1]]", [[], [1]]), ("x\n[1]\n", None)],
)
def test_the_first_value_that_is_not_empty(tmp_path, text, first):
    (tmp_path / "x.jsonl").write_text(text)
    assert Source(tmp_path / "x.jsonl").first == first
