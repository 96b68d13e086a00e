"""COCO's joints as a table: gaps, no confidence, and what is none."""

import numpy as np
import pytest

from mksgn_neuro.data.formats import recordings
from mksgn_neuro.errors import BadInput
from tests.data import pose_files
from tests.data.pose_files import FRAMES


def rewritten(folder, change):
    path, expected = pose_files.coco_table(folder)
    rows = [line.split(",") for line in path.read_text("utf-8-sig").splitlines()]
    path.write_text("\n".join(",".join(row) for row in change(rows)) + "\n")
    return path, expected


def test_frames_left_out_are_not_seen(tmp_path):
    path, expected = rewritten(tmp_path, lambda rows: rows[:4] + rows[6:])
    (found,), _ = recordings(path)
    assert np.isnan(found.positions[[3, 4]]).all() and len(found.positions) == FRAMES
    assert np.allclose(found.positions[5:], expected[5:], atol=1e-3, equal_nan=True)


def test_without_confidence_all_that_is_there_is_seen(tmp_path):
    def change(rows):
        kept = [i for i, cell in enumerate(rows[0]) if not cell.endswith("confidence")]
        return [[row[i] for i in kept] for row in rows]

    (found,), _ = recordings(rewritten(tmp_path, change)[0])
    points, _ = pose_files.in_picture(pose_files.COCO_17)
    assert found.format == "coco-table" and np.allclose(found.positions, points, atol=1e-3)


def test_with_depth_it_is_another_table(tmp_path):
    def change(rows):
        return [[cell.replace("_confidence", "_z") for cell in rows[0]], *rows[1:]]

    (found,), _ = recordings(rewritten(tmp_path, change)[0])
    assert found.format == "plain" and found.coordinates == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:1], "a header but no frame"),
        (lambda rows: [*rows[:2], rows[2][:-1], *rows[3:]], "line 3: 51 columns, the header has 52"),
        (lambda rows: [*rows[:2], ["2", "?", *rows[2][2:]], *rows[3:]], "line 3: not numbers"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, change, message):
    with pytest.raises(BadInput, match=message):
        recordings(rewritten(tmp_path, change)[0])
