"""`export FILE`: any network that we read, written for any target, with what `verify` says of it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.export.nir.writer import write_nir
from mksgn_neuro.export.slayer import from_slayer, to_slayer
from mksgn_neuro.ir.store import load, save
from mksgn_neuro.lowering import as_layered, balance_delays, lower
from mksgn_neuro.models.store import save_model
from mksgn_neuro.sim.reference import run
from mksgn_neuro.workflows.export import write_target
from tests.export.lava import needs_lava
from tests.export.netx.test_reader import dense, write_foreign
from tests.networks import conv_network, random_inputs, random_network
from tests.small_models import STRETCHED, small_model


def even(network):
    """With weights that netx holds exactly beside others of either sign."""
    weights = [2 * (q.matrix.toarray() // 2) for q in network.projections]
    return network.with_(projections=tuple(replace(q, weights=w) for q, w in zip(network.projections, weights)))


DEEP = even(
    random_network(3, transmission_delay=0, subthreshold_bias=True, message_bits=0, threshold=128, source_delays=False)
)


@pytest.fixture(autouse=True)
def without_lava(request, monkeypatch):
    """Our own representations only, which take no seconds, where a test does not need Lava."""
    if not any(mark.name == "skipif" for mark in request.node.iter_markers()):
        monkeypatch.setattr("mksgn_neuro.export.lava_graph.version", raise_not_found)


def no_spike_differs(said: dict) -> bool:
    """Lava is hidden from most tests, so that they are partly verified at most."""
    return said["verdict"].startswith(("verified", "partly verified"))


def raise_not_found(name):
    from importlib.metadata import PackageNotFoundError

    raise PackageNotFoundError(name)


def call(command, *arguments):
    result = CliRunner().invoke(cli, [command, *map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def every_form_of(network, folder):
    """The same network as each kind of file."""
    write_nir(network, folder / "n.nir")
    save(network, folder / "frames.ir.h5")
    save(balance_delays(network), folder / "steps.ir.h5")
    write_netx(as_layered(network), folder / "n.net", reset_interval=None)
    return [folder / name for name in ("n.nir", "frames.ir.h5", "steps.ir.h5", "n.net")]


def test_every_kind_of_file_becomes_the_same_netx_file(tmp_path):
    inputs = random_inputs(5, DEEP, 40)
    for path in every_form_of(DEEP, tmp_path):
        said = call("export", path, "--target", "loihi2", "--output", tmp_path / f"of-{path.name}.net")
        main, sidecar, script = said["files"]
        assert no_spike_differs(said) and main.endswith(".net") and not said["reset"]
        assert sidecar == f"{main}.json" and Path(script).exists()
        layered, findings = read_netx(Path(main))
        expected = run(as_layered(DEEP), inputs)
        found = run(layered, inputs)
        assert not findings
        assert all(np.array_equal(found[name].spikes, trace.spikes) for name, trace in expected.items())
        assert call("verify", main, "--no-lava")["ok"]


@pytest.mark.parametrize("target", ["lava", "nir"])
def test_a_strangers_netx_file_becomes_every_other_form(target, tmp_path):
    path = write_foreign(tmp_path / "n.net", dense([[90, 40], [-20, 60], [8, 16]]), dense([[80, -20, 60]]))
    said = call("export", path, "--target", target)
    assert no_spike_differs(said) and {check["populations"] for check in said["checks"] if not check["not_run"]} == {2}
    assert sum(check["spikes"] for check in said["checks"]) > 0
    assert call("verify", said["files"][0], "--no-lava")["ok"]


def test_a_convolution_stays_one(tmp_path):
    write_nir(conv_network(1), tmp_path / "c.nir")
    said = call("export", tmp_path / "c.nir", "--target", "loihi2", "--steps", 20)
    layered, _ = read_netx(tmp_path / "c.net")
    kernels = [type(q.weights).__name__ for q in layered.projections]
    assert no_spike_differs(said) and kernels == [type(q.weights).__name__ for q in conv_network(1).projections]


def test_resets_are_those_of_the_file_or_of_the_user(tmp_path):
    path = write_netx(as_layered(DEEP), tmp_path / "n.net", reset_interval=32).net
    other = ("--target", "loihi2", "--output", tmp_path / "other", "--no-verify")
    assert call("export", path, *other)["steps_per_sample"] == 32
    assert call("export", path, *other, "--force", "--reset-interval", 64)["steps_per_sample"] == 64
    assert not call("export", path, *other, "--force", "--no-reset")["reset"]
    write_nir(DEEP, tmp_path / "n.nir")
    with pytest.raises(BadInput, match="how long a clip is.*--reset-interval N"):
        call("export", tmp_path / "n.nir", *other, "--force", "--reset")
    model = small_model(STRETCHED)
    lowered = tmp_path / "lowered.ir.h5"
    save(lower(model.student, model.task()), lowered)
    expected = write_target(model, "loihi2", tmp_path / "m").reset_interval
    assert call("export", lowered, *other, "--force")["steps_per_sample"] == expected > 0
    reset = call("export", path, "--target", "loihi2", "--output", tmp_path / "reset")
    assert no_spike_differs(reset) and all(check["steps"] == 0 for check in reset["checks"])


def test_passes_are_dumped_by_the_command_and_pruning_is_said(tmp_path):
    write_nir(DEEP, tmp_path / "n.nir")
    folder = tmp_path / "passes"
    call("export", tmp_path / "n.nir", "--target", "lava", "--dump-passes", folder, "--no-verify")
    names = ["00-read.ir.h5", "01-interleave.ir.h5", "02-prune.ir.h5", "03-balance_delays.ir.h5"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert [load(folder / name).transmission_delay for name in names] == [0, 0, 0, 1]


def test_a_file_is_never_overwritten_by_itself_and_options_are_not_ignored(tmp_path):
    path = write_netx(as_layered(DEEP), tmp_path / "n.net", reset_interval=None).net
    before = path.read_bytes()
    with pytest.raises(BadInput, match=r"n\.net: would overwrite the file that it starts from"):
        call("export", path, "--target", "loihi2")
    assert path.read_bytes() == before
    for option in (["--dataset", "synthetic"], ["--data", "x"], ["--skip-bad"]):
        with pytest.raises(BadInput, match=f"{option[0]} is for a model.pt"):
            call("export", path, "--target", "nir", *option)
    save_model(small_model(), tmp_path / "model.pt")
    for option in (
        ["--steps", 3],
        ["--seed", 1],
        ["--reset-interval", 3],
        ["--input-bits", 3],
        ["--input-shape", "1,2,3"],
    ):
        with pytest.raises(BadInput, match=f"{option[0]} is for a file that is no model"):
            call("export", tmp_path / "model.pt", "--target", "nir", *option)
    with pytest.raises(BadInput, match="3 steps per frame of a file that knows no frames"):
        call("export", path, "--target", "nir", "--steps-per-frame", 3)
    with pytest.raises(BadInput, match="beside --no-reset"):
        call("export", path, "--target", "nir", "--reset-interval", 3, "--no-reset")


def test_simulate_and_inspect_take_nir_and_say_what_was_rounded(tmp_path):
    write_nir(DEEP, tmp_path / "n.nir")
    np.save(tmp_path / "x.npy", random_inputs(5, DEEP, 30).T)
    said = call("simulate", tmp_path / "n.nir", "--input", tmp_path / "x.npy")
    expected = run(balance_delays(DEEP), random_inputs(5, DEEP, 30))
    assert said["spikes"] == {name: int(trace.spikes.sum()) for name, trace in expected.items()}
    assert call("inspect", tmp_path / "n.nir")["kind"] == "nir"


@needs_lava
def test_what_was_a_nir_file_runs_in_the_stock_loader(tmp_path):
    write_nir(DEEP, tmp_path / "n.nir")
    said = call("export", tmp_path / "n.nir", "--target", "loihi2", "--samples", 2, "--steps", 20)
    *_, stock = said["checks"]
    assert said["verified"] and stock["to"] == "netx file, stock lava-dl loader" and not stock["not_run"]
    assert stock["populations"] == len(DEEP.populations) and stock["spikes"] > 0


@needs_lava
def test_a_chain_trained_with_slayer_goes_in_and_out(tmp_path):
    """By from_slayer and by the file that SLAYER itself writes of what we made of it."""
    to_slayer(as_layered(DEEP))  # loads SLAYER without its warning on stdout
    from lava.lib.dl.slayer.block import cuba

    torch.manual_seed(0)
    neuron = {"threshold": 0.8, "current_decay": 0.6, "voltage_decay": 0.2}
    blocks = [cuba.Dense(neuron, 6, 9, weight_scale=3), cuba.Dense(neuron, 9, 4, weight_scale=3)]
    network = from_slayer(blocks, (6,))
    save(network, tmp_path / "chain.ir.h5")
    said = call("export", tmp_path / "chain.ir.h5", "--target", "loihi2", "--samples", 2, "--steps", 20)
    assert said["verified"] and not any(check["not_run"] for check in said["checks"])
    layered, _ = read_netx(Path(said["files"][0]))
    inputs = random_inputs(1, network, 30)
    expected, found = run(network, inputs), run(layered, inputs)
    assert expected["block1"].spikes.any()
    assert all(np.array_equal(found[name].spikes, trace.spikes) for name, trace in expected.items())
