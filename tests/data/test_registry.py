"""What a data set's reader says of a path that holds something else."""

import numpy as np
import pytest

from mksgn_neuro.data import registry
from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.errors import BadInput
from tests.data import pose_files
from tests.data.readers.ntu.skeleton_files import skeleton_text, walk


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MKSGN_NEURO_CACHE", str(tmp_path / "cache"))


def refusal(dataset, path):
    with pytest.raises(BadInput) as caught:
        registry.load(dataset, path)
    return str(caught.value)


def test_a_folder_of_openpose_is_told_and_how_to_import_it(tmp_path):
    path, _ = pose_files.openpose(tmp_path)
    said = refusal("nw-ucla", path)
    assert "holds another format: OpenPose" in said and f"mksgn-neuro data import {path} OUT.npz" in said
    assert "aAA_sSS" not in said


@pytest.mark.parametrize("dataset", ["nw-ucla", "ntu60-xsub"])
def test_an_npz_is_told_and_by_which_name_it_is_read(tmp_path, dataset):
    npz.save(generate(10), tmp_path / "own.npz")
    said = refusal(dataset, tmp_path / "own.npz")
    assert "holds another format: generic .npz; use --dataset npz" in said and ".json file" not in said


def test_ntu_given_as_nw_ucla_is_told(tmp_path):
    folder = tmp_path / "ntu"
    folder.mkdir()
    (folder / "S001C001P001R001A001.skeleton").write_bytes(skeleton_text(walk(12), 12))
    said = refusal("nw-ucla", folder)
    assert "NTU RGB+D .skeleton files" in said and "use --dataset ntu60-xsub or" in said


def test_a_truncated_skeleton_file_is_said_to_end(tmp_path):
    folder = tmp_path / "ntu"
    folder.mkdir()
    text = skeleton_text(walk(12), 12).rstrip()
    (folder / "S001C001P001R001A001.skeleton").write_bytes(text[: text.rindex(b" ")])
    said = refusal("ntu60-xsub", folder)
    assert "the file is truncated: it ends within joint 24 of frame 11, after 11 of 12 fields" in said


def test_a_defect_of_the_right_format_keeps_its_own_words(tmp_path):
    clips = generate(10)
    npz.save(clips, tmp_path / "own.npz")
    with np.load(tmp_path / "own.npz") as file:
        arrays = {name: file[name] for name in file.files if name != "parents"}
    np.savez(tmp_path / "own.npz", **arrays)
    assert "no array 'parents'" in refusal("npz", tmp_path / "own.npz")


def test_a_file_called_like_a_data_set_is_not_taken_for_it(tmp_path):
    npz.save(generate(10), tmp_path / "synthetic.npz")
    assert registry.load("npz", tmp_path / "synthetic.npz").dataset == "synthetic.npz"


def test_three_roots_in_one_body_are_no_three_bodies(tmp_path):
    clips = generate(10)
    npz.save(clips, tmp_path / "own.npz")
    with np.load(tmp_path / "own.npz") as file:
        arrays = {name: file[name] for name in file.files}
    arrays["parents"][[3, 4]] = -1
    np.savez(tmp_path / "own.npz", **arrays)
    assert registry.load("npz", tmp_path / "own.npz").skeleton.bodies == 1
