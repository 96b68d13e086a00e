"""From files of each layout to a verified .net and a decision, by the commands that a user gives."""

import json

import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.readers import npz
from mksgn_neuro.models.store import load_model
from tests.workflows.own_data import CLASSES, LAYOUTS, write_folder


def run(*arguments):
    result = CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module", params=LAYOUTS)
def imported(request, tmp_path_factory):
    writer, options, joints, coordinates = LAYOUTS[request.param]
    folder = tmp_path_factory.mktemp("own")
    write_folder(folder / "own", writer)
    run("data", "import", folder / "own", folder / "own.npz", *options)
    return folder, joints, coordinates


def test_what_is_imported_has_the_layouts_joints_and_both_people(imported):
    folder, joints, coordinates = imported
    clips = npz.load(folder / "own.npz")
    assert clips.class_names == tuple(sorted(CLASSES)) and len(clips) == 18
    assert (clips.skeleton.joints, clips.skeleton.coordinates) == (joints, coordinates)
    assert clips.skeleton.bodies == (2 if joints == 50 else 1)
    if joints == 50:
        assert all(clips[i][:, 25:].any() for i in range(len(clips)))
    inspected = json.loads(run("data", "inspect", folder / "own.npz", "--json"))["datasets"][0]
    assert inspected["leaked"] == 0 and inspected["suspicions"] == [] and inspected["bodies"] == clips.skeleton.bodies


@pytest.mark.slow
def test_it_trains_exports_verifies_and_recognises_a_file(imported):
    folder, joints, coordinates = imported
    asked, model = ("--dataset", "npz", "--data", folder / "own.npz"), folder / "run" / "model.pt"
    run("train", *asked, "--preset", "tiny", "--epochs", 2, "--no-teacher", "--ptq", "--output", folder / "run")
    task = load_model(model).task()
    assert (len(task.parents), task.coordinates, task.bodies) == (joints, coordinates, 2 if joints == 50 else 1)
    exported = json.loads(run("export", model, "--target", "loihi2", "--no-verify", "--json"))
    assert exported["violations"] == []
    verified = json.loads(run("verify", model, *asked, "--no-lava", "--samples", 1, "--json"))
    assert verified["ok"] and all(check["mismatches"] == 0 for check in verified["checks"] if "mismatches" in check)
    file = folder / "own" / "sit down" / "0"
    for network in (model, folder / "run" / "model.net"):
        (clip,) = json.loads(run("recognise", file, "--model", network, "--json", "--evidence", 0))["clips"]
        assert clip["decision"] in CLASSES and clip["scores"].keys() == set(CLASSES)
    simulated = json.loads(run("simulate", model, *asked, "--json"))
    assert simulated["samples"] == 3 and simulated["leaked"] == 0 and len(simulated["predictions"]) == 3
    assert sum(map(sum, simulated["confusion"])) == 3
