import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.commands.reading import load_clips
from mksgn_neuro.data.readers import npz
from tests.data import pose_files
from tests.data.make import clips
from tests.data.readers.test_nw_ucla import GOOD, write_zip
from tests.paths import NW_UCLA, needs_shared_data


def test_text_names_format_split_and_leaks(tmp_path):
    path = write_zip(tmp_path / "x.zip", GOOD)
    result = CliRunner().invoke(cli, ["data", "inspect", str(path)])
    assert result.exit_code == 0, result.output
    for said in (
        "NW-UCLA JSON files",
        "4 clips, 10 classes, 20 joints, 3 subjects",
        "2 train, 2 test",
        " to 5, median ",
        ", at 30 Hz\n",
    ):
        assert said in result.stdout
    assert "1 leaked of 2; 1 clean (carry 1)" in result.stdout and "left out: none" in result.stdout


def test_json_is_one_document(tmp_path):
    path = write_zip(tmp_path / "x.zip", GOOD)
    result = CliRunner().invoke(cli, ["data", "inspect", str(path), "--json"])
    assert json.loads(result.stdout)["datasets"][0]["leaked"] == 1


def test_bad_input_is_one_line_and_status_2(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"../a01_s01_e00_v01.json": "{}"})
    run = [sys.executable, "-m", "mksgn_neuro.cli", "data", "inspect", str(path)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "entry points outside its folder" in done.stderr


@needs_shared_data
def test_nw_ucla_leaks():
    result = CliRunner().invoke(cli, ["data", "inspect", str(NW_UCLA)])
    assert "95 leaked of 464; 369 clean (pick up with two hands 50, drop trash 45)" in result.stdout


def test_the_frame_rate_and_what_was_assumed_are_shown(tmp_path):
    npz.save(clips(rate=50), tmp_path / "x.npz")
    assert ", at 50 Hz\n" in CliRunner().invoke(cli, ["data", "inspect", str(tmp_path / "x.npz")]).stdout
    with np.load(tmp_path / "x.npz") as file:
        np.savez(tmp_path / "y.npz", **{name: file[name] for name in file.files if name != "rate"})
    shown = CliRunner().invoke(cli, ["data", "inspect", str(tmp_path / "y.npz")]).stdout
    assert ", at 30 Hz\nnote: no frame rate in it: taken as 30 Hz (add an array rate)\n" in shown


def test_what_is_left_out_is_listed_on_stderr(tmp_path, capsys):
    path = write_zip(tmp_path / "x.zip", {**GOOD, "a07_s01_e00_v01.json": "{}"})
    clips = load_clips("nw-ucla", path, skip_bad=True)
    shown = capsys.readouterr()
    assert len(clips) == 4 and shown.out == ""
    assert "left out 1 clips" in shown.err and "unknown action a07" in shown.err


def test_a_folder_tells_its_clips_apart_and_says_each_note_once(tmp_path):
    for name in ("sit", "wave"):
        (tmp_path / "own" / name).mkdir(parents=True)
        pose_files.mediapipe_lines(tmp_path / "own" / name)
    pose_files.npy(tmp_path / "own")
    shown = CliRunner().invoke(cli, ["data", "inspect", str(tmp_path / "own")]).stdout
    assert "\nsit/pose: mediapipe, 12 frames, frame rate unknown" in shown and "\nwave/pose: " in shown
    assert shown.count("note: ") == 2 and "taken as world landmarks, in metres (2 of 3 clips)\n" in shown


@pytest.mark.parametrize("aspect", ["16x9", "0:9", "16:", "1.5"])
def test_an_aspect_is_two_whole_numbers(tmp_path, aspect):
    done = CliRunner().invoke(cli, ["data", "import", str(tmp_path), str(tmp_path / "o.npz"), "--aspect", aspect])
    assert done.exit_code == 2 and "is not W:H, two whole numbers such as 16:9" in done.output


def test_a_given_aspect_makes_bodies_of_shares_as_wide_as_they_are(tmp_path):
    widths = []
    for aspect in ("1:1", "16:9"):
        folder, made = tmp_path / aspect, tmp_path / f"{aspect[:2]}.npz"
        for name in ("sit", "wave"):
            (folder / name).mkdir(parents=True)
            pose_files.yolo_text(folder / name)
        done = CliRunner().invoke(cli, ["data", "import", str(folder), str(made), "--aspect", aspect])
        assert done.exit_code == 0, done.output
        widths.append(np.ptp(npz.load(made).positions[..., 0], axis=1).max())
    assert widths[1] / widths[0] == pytest.approx(16 / 9, rel=0.1)  # the torso, whose length is the unit, leans
