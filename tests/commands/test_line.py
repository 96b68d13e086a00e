"""The whole line as a user walks it, on a very small network: train, export, verify, simulate."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.protocols import PROTOCOLS
from mksgn_neuro.data.readers.npz import save as save_clips
from mksgn_neuro.data.registry import load
from mksgn_neuro.errors import BadInput, WorkFailed
from mksgn_neuro.models.store import load_model, save_model
from tests.sidecars import describe_again
from tests.small_models import STRETCHED, small_model

has_lava = pytest.mark.skipif(find_spec("lava") is None, reason="Lava needs Python 3.10")


def run(*arguments: object) -> dict:
    result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A quantized student of stretched clips, whose network is reset between them."""
    path = tmp_path_factory.mktemp("model") / "model.pt"
    save_model(small_model(STRETCHED), path)
    return path


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    """The same student on a camera's frames."""
    path = tmp_path_factory.mktemp("camera") / "model.pt"
    save_model(small_model(), path)
    return path


@has_lava
def test_export_is_run_by_the_stock_loader_with_equal_spikes(model, tmp_path):
    document = run("export", model, "--target", "loihi2", "--output", tmp_path / "out.net")
    assert document["verified"] and document["violations"] == [] and document["cores"] > 0
    stock = document["checks"][-1]
    assert stock["to"] == "netx file, stock lava-dl loader" and not stock["not_run"]
    assert stock["mismatches"] == 0 and stock["samples"] == 3 and stock["populations"] == 8
    assert (tmp_path / "out.net").exists()


def test_a_flipped_weight_in_the_file_is_found_and_the_neuron_named(model, tmp_path):
    copy, spikes = tmp_path / "model.pt", tmp_path / "spikes.npz"
    shutil.copy(model, copy)
    run("export", copy, "--target", "loihi2", "--no-verify")
    run("simulate", copy, "--limit", 3, "--save-spikes", spikes)
    with np.load(spikes) as recorded:
        busiest = int(recorded["b1.graph"].sum(axis=(0, 1)).argmax())
    with h5py.File(tmp_path / "model.net", "a") as file:
        weight = file["layer/2/weight"]
        weight[busiest] = -np.abs(weight[busiest])
    describe_again(tmp_path / "model.net")
    with pytest.raises(WorkFailed, match=r"block 1, graph, joint \d+ \(.+\), channel \d+: sample \d+, frame \d+"):
        CliRunner().invoke(cli, ["verify", str(copy)], catch_exceptions=False)


@pytest.mark.parametrize(("kind", "protocols"), [("model", {"offline"}), ("camera", set(PROTOCOLS))])
def test_simulate_says_the_same_of_the_model_and_of_its_file(kind, protocols, request, tmp_path):
    model = request.getfixturevalue(kind)
    document = run("export", model, "--target", "loihi2", "--output", tmp_path / "out.net", "--no-verify")
    own = run("simulate", model, "--limit", 12)
    layered = run("simulate", document["files"][0], "--limit", 12)
    slow = run("simulate", model, "--limit", 12, "--backend", "reference")
    assert own["protocols"].keys() == layered["protocols"].keys() == protocols
    for key in ("accuracy", "accuracy_clean", "accuracy_of_classes", "samples", "rate", "window", "leaked"):
        assert own[key] == layered[key]
    for name, found in own["protocols"].items():
        same = found.keys() - {"joules_per_clip", "milliwatts"}
        assert {key: found[key] for key in same} == {key: layered["protocols"][name][key] for key in same}
    timed = {"backend", "throughput"}
    assert {k: v for k, v in own.items() if k not in timed} == {k: v for k, v in slow.items() if k not in timed}
    assert all(population["spikes"] > 0 for population in own["populations"])
    assert own["synaptic_operations"]["Effective_MACs"] == layered["synaptic_operations"]["Effective_MACs"] > 0
    assert own["synaptic_operations"]["Effective_ACs"] < layered["synaptic_operations"]["Effective_ACs"]


def test_a_model_of_named_npz_data_is_simulated_without_saying_npz_again(model, tmp_path):
    named = replace(load_model(model), dataset="ward 7")
    save_model(named, tmp_path / "model.pt")
    save_clips(replace(load("synthetic", None).subset(range(12)), part_of=None), tmp_path / "x.npz")
    document = run("simulate", tmp_path / "model.pt", "--data", tmp_path / "x.npz", "--split", "all")
    assert document["samples"] == 12 and set(document["accuracy_of_classes"]) == set(named.class_names)


def test_verify_without_lava_takes_our_own_forms_on_many_clips(model):
    document = run("verify", model, "--samples", 40, "--no-lava")
    names = [check["to"] for check in document["checks"]]
    assert names == ["reference", "reference in time steps", "emulator", "layered network", "netx file, our reader"]
    assert document["ok"] and all(check["samples"] == 40 for check in document["checks"])


@pytest.mark.parametrize(
    ("kind", "option", "resets"),
    [("model", (), True), ("model", ("--no-reset",), False), ("camera", (), False), ("camera", ("--reset",), True)],
)
def test_a_model_of_stretched_clips_is_reset_one_of_frames_is_not_unless_asked(kind, option, resets, request, tmp_path):
    model = request.getfixturevalue(kind)
    document = run("export", model, "--target", "loihi2", "--output", tmp_path / "m", "--no-verify", *option)
    about = json.loads((tmp_path / "m.net.json").read_text())
    script = (tmp_path / "m_on_loihi2.py").read_text()
    assert document["reset"] == about["reset"] == ("reset_interval" in about["loader"]) == resets
    assert (document["steps_per_sample"] is None) == (about["steps_per_sample"] is None) == (not resets)
    assert ("Nothing is ever reset" in script) != resets
    assert document["memory"]["latency_steps"] == about["latency_steps"] == len(about["levels"])


@pytest.mark.parametrize(("kind", "option"), [("model", ("--no-reset",)), ("camera", ())])
def test_a_file_without_resets_is_verified_on_one_long_stream(kind, option, request, tmp_path):
    model = request.getfixturevalue(kind)
    exported = run("export", model, "--target", "loihi2", "--output", tmp_path / "n", "--no-verify", *option)
    net = exported["files"][0]
    document = run("verify", model, "--file", net, "--no-lava")
    assert document["ok"] and all(check["steps"] >= 1000 and check["samples"] == 1 for check in document["checks"])
    assert "emulator, frame by frame" in [check["to"] for check in document["checks"]]
    assert "without a reset" in document["inputs"]


def test_export_without_resets_says_so_in_words(model, tmp_path):
    arguments = ["export", str(model), "--target", "slayer", "--output", str(tmp_path / "n"), "--no-verify"]
    if find_spec("lava") is None:
        pytest.skip("Lava needs Python 3.10")
    result = CliRunner().invoke(cli, [*arguments, "--no-reset"], catch_exceptions=False)
    assert "one time step per frame, never reset" in result.stdout and "memory: " in result.stdout


def test_arrays_go_in_and_spikes_come_out(model, tmp_path):
    document = run("export", model, "--target", "loihi2", "--output", tmp_path / "out.net", "--no-verify")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(-50, 50, (240, 20)))
    arguments = ("simulate", document["files"][0], "--input", tmp_path / "x.npy", "--states")
    fast = run(*arguments, "--save-spikes", tmp_path / "fast.npz")
    slow = run(*arguments, "--save-spikes", tmp_path / "slow.npz", "--backend", "reference")
    assert fast["spikes"] == slow["spikes"] and sum(fast["spikes"].values()) > 0
    with np.load(tmp_path / "fast.npz") as a, np.load(tmp_path / "slow.npz") as b:
        assert set(a) == set(b) and "level1.u" in a
        assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["simulate", "no.pt"], "no such file"),
        (["simulate", "text.pt"], "text.pt"),
        (["simulate", "MODEL", "--dataset", "nw-ucla"], "--data"),
        (["simulate", "MODEL", "--energy-profile", "loihi2"], "no energy per event"),
        (["train", "--preset", "huge"], "'tiny', 'own', 'base', 'large'"),
        (["simulat"], "did you mean simulate?"),
        (["simulate", "nw-ucl"], "did you mean nw-ucla?"),
        (["export", "MODEL"], "--target"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(model, tmp_path, arguments, message):
    (tmp_path / "text.pt").write_text("not a model")
    command = [str(model) if a == "MODEL" else a for a in arguments]
    process = subprocess.run(
        [sys.executable, "-m", "mksgn_neuro.cli", *command], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert process.returncode == 2, process.stderr
    assert message in process.stderr and process.stderr.count("\n") == 1
    assert process.stdout == "" and not (tmp_path / "runs").exists()


def test_other_joints_are_refused(model, tmp_path):
    positions = np.zeros((4, 3, 3), np.float32) + np.arange(4)[:, None, None]
    fields = {"positions": positions, "lengths": [2, 2], "labels": [0, 0], "subjects": [1, 2], "train": [True, False]}
    np.savez(tmp_path / "small.npz", **fields, parents=[-1, 0, 1], class_names=["wave"])
    with pytest.raises(BadInput, match="3 joints in another tree"):
        arguments = ["simulate", str(model), "--dataset", "npz", "--data", str(tmp_path / "small.npz")]
        CliRunner().invoke(cli, arguments, catch_exceptions=False)
