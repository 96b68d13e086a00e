"""Text files that Ultralytics writes for frames: with tracks, without visibility, of several clips, and damaged."""

import numpy as np
import pytest

from mksgn_neuro.data.formats import recordings
from mksgn_neuro.errors import BadInput
from tests.data import pose_files


def changed(folder, change):
    path, expected = pose_files.yolo_text(folder)
    for file in path.iterdir():
        file.write_text(" ".join(change(file.read_text().split())) + "\n")
    return path, expected


@pytest.mark.parametrize("more", [["0.93"], ["0.93", "4"]], ids=["confidence", "confidence and track"])
def test_what_follows_the_joints_is_not_one(tmp_path, more):
    path, expected = changed(tmp_path, lambda words: words + more)
    assert np.allclose(recordings(path)[0][0].positions, expected, atol=1e-6, equal_nan=True)


def test_joints_without_visibility_are_seen_unless_at_the_corner(tmp_path):
    def change(words):
        joints = [words[i : i + 3] for i in range(5, len(words), 3)]
        return words[:5] + [x if v != "0.00000000" else "0" for *xy, v in joints for x in xy]

    path, expected = changed(tmp_path, change)
    assert np.allclose(recordings(path)[0][0].positions, expected, atol=1e-6, equal_nan=True)


def test_frames_belong_to_clips_by_name_and_those_left_out_are_counted(tmp_path):
    path, _ = pose_files.yolo_text(tmp_path)
    (path / "sit_9.txt").write_text((path / "walk_1.txt").read_text())
    (path / "classes.txt").write_text("person\n")
    found, left_out = recordings(path)
    assert [clip.name for clip in found] == ["sit", "walk"] and left_out == []
    assert any(note.startswith("1 of 12 frames are missing by their numbers") for note in found[1].notes)
    assert found[1].unit == "shares"


def test_a_damaged_line_is_refused_with_its_place(tmp_path):
    path, _ = pose_files.yolo_text(tmp_path)
    (path / "walk_3.txt").write_text("0 0.5 0.5 0.2\n")
    with pytest.raises(BadInput, match="walk_3.txt, line 1: 4 numbers, expected class, box and 17 joints"):
        recordings(path)
