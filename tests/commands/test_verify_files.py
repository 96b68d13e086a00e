"""`verify FILE.net`: any netx file in our reader and in lava-dl's own loader."""

import json

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.errors import BadInput, WorkFailed
from mksgn_neuro.export.netx.stock_loader import StockTrace
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.workflows import verify_file
from tests.export.lava import needs_lava
from tests.export.netx.test_reader import CUBA, conv, dense, image, write_foreign
from tests.export.netx.test_writer import GOOD

SHORT = ("--samples", 2, "--steps", 15)


def verify(*arguments):
    result = CliRunner().invoke(cli, ["verify", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def document(*arguments):
    return json.loads(verify(*arguments, "--json"))


@needs_lava
def test_a_strangers_chain_runs_as_in_the_stock_loader_layer_by_layer(tmp_path):
    """A convolution without an input layer, a weight beyond the range, an unknown type, a last average."""
    kernel = 4 * np.arange(-4, 12).reshape(2, 2, 2, 2)
    layers = (conv(kernel, [2, 2, 2], stride=[1, 2]), {"type": "flatten"}, {"type": "sorcery"})
    readout = dense(np.resize([300, -90, 70], (3, 8)))
    path = write_foreign(tmp_path / "n.net", *layers, readout, {"type": "average"})
    said = document(path, *SHORT, "--input-shape", "2,3,5")
    assert said["ok"] and said["inputs"] == "2 samples of 15 random inputs, seed 0"
    assert any("runs 254 instead of 300" in finding for finding in said["findings"])
    assert any("'sorcery' is unknown" in finding for finding in said["findings"])
    emulator, stock = said["checks"]
    assert stock["to"] == "netx file, stock lava-dl loader" and not stock["not_run"]
    for check in (emulator, stock):
        assert (check["populations"], check["samples"], check["steps"]) == (2, 2, 30) and check["spikes"] > 10


@needs_lava
def test_an_input_block_is_held_and_a_file_of_ours_is_reset(tmp_path):
    block = {**image(5), "neuron": {**CUBA, "vDecay": 0, "vThMant": 40}}
    path = write_foreign(tmp_path / "held.net", block, dense([[90, -20, 60, 30, 80]]))
    held = document(path, "--samples", 1, "--steps", 15, "--reset-interval", 4)
    assert held["ok"] and held["checks"][1]["spikes"] > 5 and not held["checks"][1]["not_run"]
    ours = document(write_netx(GOOD, tmp_path / "ours.net", reset_interval=6).net, *SHORT)
    assert ours["ok"] and ours["inputs"].endswith("reset every 6") and ours["findings"] == []
    assert ours["checks"][1]["steps"] == 0 and not ours["checks"][1]["not_run"]


@needs_lava
def test_a_file_that_the_stock_loader_cannot_run_is_said_to_be_so(tmp_path):
    layers = (image(1, 2, 2), conv(np.full((1, 1, 2, 2), 90), [1, 1, 1]), dense([[80]]))
    stock = document(write_foreign(tmp_path / "n.net", *layers), *SHORT)["checks"][1]
    assert stock["not_run"].startswith("not run: the stock loader cannot run this file (")
    assert "Error" in stock["not_run"] and "\n" not in stock["not_run"]


@needs_lava
def test_without_the_memory_the_stock_loader_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr("mksgn_neuro.processes.memory.free_memory", lambda: 10**8)
    monkeypatch.setattr("mksgn_neuro.export.netx.stock_loader.run_child", None)
    emulator, stock = document(write_foreign(tmp_path / "n.net", dense([[90, 40]])), *SHORT)["checks"]
    assert stock["not_run"].startswith("not run: the stock loader: needs about 0.4 GB of memory, 0.1 GB are free; ")
    assert not emulator["not_run"]


def test_without_lava_the_stock_loader_is_not_run(tmp_path, monkeypatch):
    path = write_foreign(tmp_path / "n.net", dense([[90, 40]]))
    assert [check["to"] for check in document(path, *SHORT, "--no-lava")["checks"]] == ["emulator"]
    monkeypatch.setattr("mksgn_neuro.export.lava_graph.version", raise_not_found)
    found = document(path, *SHORT)
    emulator, stock = found["checks"]
    assert stock["not_run"].startswith("not run: needs lava-dl on Python 3.10; install") and not emulator["not_run"]
    said = "partly verified: 1 of 2, netx file, stock lava-dl loader not run (needs lava-dl on Python 3.10)"
    assert found["ok"] and found["verified"] is False and found["verdict"] == said
    rows, told = verify(path, *SHORT).split("└")
    assert rows.count("not run") == 1 and "install" not in rows  # a narrow column would break it into many lines
    assert f"netx file, stock lava-dl loader: {stock['not_run']}\n" in told


def raise_not_found(name):
    from importlib.metadata import PackageNotFoundError

    raise PackageNotFoundError(name)


def test_a_difference_names_layer_neuron_and_step(tmp_path, monkeypatch):
    path = write_foreign(tmp_path / "n.net", dense([[90], [40]]), dense([[80, -20]]))

    def other(path, inputs, **options):
        return {0: StockTrace(np.ones((len(inputs), 2), np.uint8)), 1: StockTrace(np.ones((len(inputs), 1), np.uint8))}

    monkeypatch.setattr(verify_file, "run_stock_loader", other)
    monkeypatch.setattr("mksgn_neuro.workflows.checks.require_lava", lambda name: None)
    with pytest.raises(WorkFailed, match=r"first layer0, neuron 0: sample 0, frame 0: .* 0, .* 1; do not deploy"):
        verify(path, *SHORT)


def test_inputs_are_drawn_from_the_seed_and_silence_is_told(tmp_path):
    path = write_foreign(tmp_path / "n.net", dense([[90, 40], [-20, 60]]))
    first, again, other = (document(path, "--no-lava", "--seed", seed)["checks"][0]["spikes"] for seed in (1, 1, 2))
    assert first == again != other
    graded = document(path, "--no-lava", "--input-bits", 6)["checks"][0]
    assert graded["spikes"] > 0 and graded["mismatches"] == 0
    silent = write_foreign(tmp_path / "s.net", dense([[20]], neuron={**CUBA, "vThMant": 9999}))
    result = CliRunner().invoke(cli, ["verify", str(silent), "--no-lava"], catch_exceptions=False)
    assert "nothing fired on these inputs" in result.stderr and "can never fire" in result.stdout


def test_what_cannot_be_verified_is_refused_by_what_it_is(tmp_path):
    pointer = tmp_path / "pointer.net"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(BadInput, match=r"pointer\.net: is a git-LFS pointer"):
        verify(pointer)
    resonate = write_foreign(tmp_path / "rf.net", {"shape": [1], "neuron": {**CUBA, "type": "RF_PHASE"}})
    with h5py.File(resonate, "a") as file:
        file["layer/0/weight/real"] = file["layer/0/weight/imag"] = np.ones((1, 1))
    with pytest.raises(BadInput, match=r"resonate-and-fire neurons \(RF_PHASE\) are not supported"):
        verify(resonate)
    for option in (["--file", "x.net"], ["--dataset", "synthetic"], ["--data", "x"], ["--skip-bad"]):
        with pytest.raises(BadInput, match=f"{option[0]} is for a model.pt, not for a .net file"):
            verify(pointer, *option)
    for option in (
        ["--steps", 3],
        ["--reset-interval", 3],
        ["--input-bits", 3],
        ["--input-shape", "1,2,3"],
        ["--seed", 1],
    ):
        with pytest.raises(BadInput, match=f"{option[0]} is for a .net, .nir or .ir.h5 file"):
            verify(tmp_path / "model.pt", *option)
