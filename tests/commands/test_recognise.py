"""Any recording to a class: the same as the labelled clip gives, for every format, with what was guessed."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.readers import npz
from mksgn_neuro.models.store import save_model
from tests.data import pose_files
from tests.data.pose_files import EVERY
from tests.small_models import small_model, synthetic


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.pt"
    save_model(small_model(), path)
    return path


def run(*arguments):
    return CliRunner().invoke(cli, [*map(str, arguments)])


def document(*arguments):
    result = run("recognise", *arguments, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_an_unlabelled_clip_gets_the_scores_that_simulate_gives_a_labelled_one(tmp_path, model):
    clips = synthetic()
    test = clips.subset(np.flatnonzero(~clips.train)[:3])
    npz.save(test, tmp_path / "clips.npz")
    said = run("simulate", model, "--dataset", "npz", "--data", tmp_path / "clips.npz", "--protocol", "clip", "--json")
    labelled = json.loads(said.stdout)
    for i, expected in enumerate(labelled["predictions"]):
        path = tmp_path / f"{i}.jsonl"
        path.write_text("\n".join(json.dumps(frame.tolist()) for frame in test[i]))
        (clip,) = document(path, "--model", model)["clips"]
        assert list(clip["scores"].values()) == expected["scores"] and sum(expected["scores"]) > 0
        assert clip["decision"] == expected["decision"] and clip["recorded_frames"] == test.lengths[i]
        assert clip["joules"] > 0 and clip["spikes"] == sum(clip["spikes_of_populations"].values()) > 0
        assert "its joints have no names: taken in the network's order" in clip["notes"]
    whole = document(tmp_path / "clips.npz", "--model", model)["clips"]
    assert [list(clip["scores"].values()) for clip in whole] == [p["scores"] for p in labelled["predictions"]]
    confusion = np.array(labelled["confusion"])
    names = list(labelled["accuracy_of_classes"])
    for p in labelled["predictions"]:
        confusion[names.index(p["label"]), names.index(p["decision"])] -= 1
    assert not confusion.any() and np.trace(labelled["confusion"]) == round(3 * labelled["accuracy"])


def test_joints_that_are_absent_from_a_data_set_are_so_in_simulate_and_recognise(tmp_path, model):
    clips = synthetic()
    test = clips.subset(np.flatnonzero(~clips.train)[:3])
    positions = np.concatenate([test[i] for i in range(3)])
    positions[4:, 7] = np.nan
    lost = replace(test, positions=positions, starts=None, part_of=None)
    scores = []
    for name, some in (("whole", test), ("lost", lost)):
        npz.save(some, tmp_path / f"{name}.npz")
        asked = ("--dataset", "npz", "--data", tmp_path / f"{name}.npz", "--protocol", "clip", "--json")
        labelled = json.loads(run("simulate", model, *asked).stdout)["predictions"]
        found = document(tmp_path / f"{name}.npz", "--model", model)["clips"]
        scores.append([p["scores"] for p in labelled])
        assert [list(clip["scores"].values()) for clip in found] == scores[-1]
    assert scores[0] != scores[1] and [clip["joints_held"] for clip in found] == [0, 0, 0]
    assert found[1]["joints_absent"] == pytest.approx(1 / 20)


@pytest.mark.parametrize("writer", [writer for _, writer in EVERY], ids=[writer.__name__ for _, writer in EVERY])
def test_each_format_goes_to_a_class_by_one_command(tmp_path, model, writer):
    path, expected = writer(tmp_path)
    flat = ("--flat",) if expected.shape[2] == 2 else ()
    (clip,) = document(path, "--model", model, *flat)["clips"]
    assert clip["decision"] == max(clip["scores"], key=clip["scores"].get) and sum(clip["scores"].values()) > 0
    assert clip["recorded_frames"] == len(expected)
    assert (clip["joints_held"] > 0) == bool(np.isnan(expected).any()) or not flat
    if flat:
        result = run("recognise", path, "--model", model)
        assert result.exit_code != 0 and "--flat" in str(result.exception)


def test_people_and_spreadsheets_read_the_same(tmp_path, model):
    path, _ = pose_files.mediapipe_lines(tmp_path)
    (clip,) = document(path, "--model", model)["clips"]
    result = run("recognise", path, "--model", model, "--csv", tmp_path / "out.csv")
    assert result.exit_code == 0
    for words in ("mediapipe33 mapped onto the network's 20 joints", "guessed: hip centre =", "joints not seen:"):
        assert words in result.stdout
    assert "simulated on CPU" in result.stdout and clip["decision"].split()[0] in result.stdout
    (row,) = csv.DictReader((tmp_path / "out.csv").open())
    assert row["decision"] == clip["decision"] and float(row["joules"]) == clip["joules"]
    assert {name: int(row[name]) for name in clip["scores"]} == clip["scores"]


def test_below_the_evidence_it_is_none_of_them(tmp_path, model):
    path, _ = pose_files.npy(tmp_path)
    (clip,) = document(path, "--model", model)["clips"]
    most = max(clip["scores"].values())
    assert document(path, "--model", model, "--evidence", most)["clips"][0]["decision"] == clip["decision"] != "none"
    assert document(path, "--model", model, "--evidence", most + 1)["clips"][0]["decision"] == "none"


def test_a_folder_says_what_it_leaves_out_and_one_bad_file_is_an_error(tmp_path, model):
    pose_files.npy(tmp_path)
    np.save(tmp_path / "mm.npy", 1000 * pose_files.movement())
    (tmp_path / "notes.txt").write_text("by hand")
    found = document(tmp_path, "--model", model)
    assert [clip["clip"].split(": ")[1] for clip in found["clips"]] == ["walk"] and len(found["left_out"]) == 2
    result = run("recognise", tmp_path / "mm.npy", "--model", model)
    assert result.exit_code != 0 and "give --unit mm" in str(result.exception)
    assert run("recognise", tmp_path / "mm.npy", "--model", model, "--unit", "mm").exit_code == 0


def test_motion_capture_in_bvh_goes_to_a_class_too(tmp_path, model):
    path = pose_files.bvh(tmp_path)
    result = run("recognise", path, "--model", model)
    assert result.exit_code != 0 and "give --unit cm" in str(result.exception)
    (clip,) = document(path, "--model", model, "--unit", "cm")["clips"]
    assert clip["format"] == "bvh" and clip["decision"] == max(clip["scores"], key=clip["scores"].get)
    assert sum(clip["scores"].values()) > 0 and clip["joints_held"] == clip["joints_absent"] == 0


def test_leaks_are_told_of_any_data_set(tmp_path, model):
    clips = synthetic()
    chosen = np.concatenate([np.flatnonzero(clips.train)[:2], np.flatnonzero(~clips.train)[:2]])
    some = clips.subset(chosen)
    leaky = replace(some, starts=some.starts[[0, 1, 1, 3]], lengths=some.lengths[[0, 1, 1, 3]], part_of=None)
    npz.save(leaky, tmp_path / "own.npz")
    said = run("simulate", model, "--dataset", "npz", "--data", tmp_path / "own.npz", "--protocol", "clip", "--json")
    found = json.loads(said.stdout)
    assert found["leaked"] == 1 and found["samples"] == 2 and found["dataset"] == "own"
    (right,) = (p["decision"] == p["label"] for p in found["predictions"] if p["clip"] == leaky.names[3])
    assert found["accuracy_clean"] == float(right)


def test_a_map_lets_simulate_take_classes_of_other_names(tmp_path, model):
    whole = synthetic()
    clips = whole.subset(np.flatnonzero(~whole.train & np.isin(whole.labels, [0, 3]))[:4])
    npz.save(replace(clips, class_names=("hinsetzen", *clips.class_names[1:])), tmp_path / "own.npz")
    asked = ("--dataset", "npz", "--data", tmp_path / "own.npz", "--split", "all", "--json")
    refused = run("simulate", model, *asked)
    found = json.loads(run("simulate", model, *asked, "--map", "hinsetzen=sit down", "--protocol", "clip").stdout)
    assert found["samples"] == 4 and "hinsetzen" not in found["accuracy_of_classes"]
    named = [clips.class_names[k] for k in clips.labels]
    assert [p["label"] for p in found["predictions"]] == named
    assert "sit down" in named and "--map hinsetzen=" in str(refused.exception)
