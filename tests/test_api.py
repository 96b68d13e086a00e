"""The public API says and computes what the command line does, and importing it is quick."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest
from click.testing import CliRunner

import mksgn_neuro as mk
from mksgn_neuro.cli import cli
from mksgn_neuro.commands.options import find_model
from mksgn_neuro.export.nir.writer import write_nir
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.ir.compare import first_difference
from mksgn_neuro.ir.store import save
from mksgn_neuro.lowering import balance_delays
from mksgn_neuro.models.store import save_model
from mksgn_neuro.sim import reference
from tests.networks import random_network
from tests.paths import SHIPPED
from tests.sidecars import describe_again
from tests.small_models import small_model, synthetic
from tests.training.runs import WITHOUT_TEACHER, few_clips

HERE = Path(mk.__file__).parent
has_lava = pytest.mark.skipif(find_spec("lava") is None, reason="Lava needs Python 3.10")


def command(*arguments: object) -> dict:
    result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def plain(document: dict) -> dict:
    return json.loads(json.dumps(document, default=str))


def layers(seed: int, transmission_delay: int = 0) -> Network:
    """Two dense layers in frames that fire often, one of them into itself; by `transmission_delay` 1 in time steps."""
    rng = np.random.default_rng(seed)
    populations = (
        Population.of("hidden", "layer", (6,), vth=60, v_decay=1024, bias=5),
        Population.of("out", "layer", (4,), vth=60, v_decay=4096),
    )
    weights = {("input", "hidden"): (6, 5), ("hidden", "out"): (4, 6), ("out", "out"): (4, 4)}
    projections = [
        Projection(pre, post, 2 * rng.integers(-20, 60, shape), 1 if pre == post else 0)
        for (pre, post), shape in weights.items()
    ]
    network = Network(Source("input", (5,), 0), populations, tuple(projections), "out", transmission_delay=0)
    return balance_delays(network) if transmission_delay else network


def binary(network: Network, steps: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (steps, network.source.size))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("api") / "model.pt"
    save_model(small_model(), path)
    return path


@pytest.fixture(scope="module")
def exported(model):
    return mk.load(model).export("loihi2")


@pytest.mark.parametrize("heavy", ["torch", "numpy", "mksgn_neuro.workflows"])
def test_importing_and_listing_the_package_loads_nothing_heavy(heavy):
    program = f"import sys, mksgn_neuro as mk; assert 'load' in dir(mk); print({heavy!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=HERE.parent)
    assert done.stdout.strip() == "False"


def test_every_public_name_is_there_and_others_are_not():
    assert set(mk.__all__) <= set(dir(mk))
    assert all(getattr(mk, name) is not None for name in mk.__all__)
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        mk.laod  # noqa: B018


def test_the_package_is_typed_and_runs_as_a_module():
    assert (HERE / "py.typed").exists()
    line = [sys.executable, "-m", "mksgn_neuro", "--version"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=HERE.parent)
    assert mk.__version__ in done.stdout


@pytest.mark.parametrize("kind", [str, Path])
def test_files_and_shipped_names_are_loaded(kind, model, exported):
    assert mk.load(kind(model)).model.hash() == small_model().hash()
    assert mk.load(kind(exported.main)).networks.kind == "netx"
    assert mk.load(kind("nw-ucla")).network.task.dataset == "nw-ucla"


def test_the_command_line_knows_the_shipped_name_too():
    assert find_model(Path("nw-ucla")) == SHIPPED and find_model(SHIPPED) == SHIPPED


def test_what_is_no_network_is_refused_in_one_line(tmp_path):
    with pytest.raises(mk.BadInput, match=r"nowhere\.nir: no such file; give .*, or nw-ucla"):
        mk.load("nowhere.nir")
    with pytest.raises(mk.BadInput, match="cannot load a int"):
        mk.load(3)
    save(layers(0), tmp_path / "n.ir.h5")
    with pytest.raises(mk.BadInput, match="says itself what input it takes"):
        mk.load(tmp_path / "n.ir.h5", dt=1.0)


@pytest.mark.parametrize("form", ["network", "ir", "nir", "graph"])
def test_a_network_is_the_same_from_memory_and_from_files(form, tmp_path):
    network = layers(1)
    save(network, tmp_path / "n.ir.h5")
    write_nir(network, tmp_path / "n.nir")
    given = {
        "network": network,
        "ir": tmp_path / "n.ir.h5",
        "nir": str(tmp_path / "n.nir"),
        "graph": nir.read(tmp_path / "n.nir"),
    }
    loaded = mk.load(given[form])
    assert first_difference(loaded.network, balance_delays(network)) is None and mk.load(loaded) is loaded


@pytest.mark.parametrize("seed", range(3))
def test_simulate_gives_spikes_and_states_of_the_reference(seed):
    network = random_network(seed, loops=True, message_bits=0)
    inputs = binary(network)
    expected = reference.run(network, inputs, states=True, reset_interval=16)
    run = mk.load(network).simulate(inputs, states=True, reset_interval=16)
    assert run.spikes.keys() == expected.keys()
    for name, trace in expected.items():
        assert np.array_equal(run.spikes[name], trace.spikes) and run.spikes[name].dtype == np.uint8
        assert np.array_equal(run.u[name], trace.u) and np.array_equal(run.v[name], trace.v)


def test_inputs_that_the_network_cannot_take_are_refused():
    loaded = mk.load(layers(0))
    for wrong, what in ((np.ones((3, 4), int), "shape"), (np.full((3, 5), 2), "an input is 2")):
        with pytest.raises(mk.BadInput, match=what):
            loaded.simulate(wrong)


@pytest.mark.parametrize(
    "options", [{"reset_interval": 0}, {"reset_interval": -1}, {"reset_interval": 2.5}, {"backend": "loihi"}]
)
def test_odd_options_are_refused_and_no_kernel_is_given_them(options):
    """A period of -1 read beyond a kernel's arrays, one of 0 was taken for none."""
    network = layers(0, transmission_delay=1)
    with pytest.raises(mk.BadInput, match=next(iter(options))):
        mk.load(network).simulate(binary(network), **options)


def test_clips_are_recognised_as_by_the_command(model):
    found = mk.load(model).recognise(synthetic(), protocol="offline", limit=6)
    document = command("simulate", model, "--protocol", "offline", "--limit", 6)
    assert found.samples == document["samples"] == 6
    assert plain(found.as_json("paper")) == document["protocols"]["offline"]
    assert mk.load(model).recognise(synthetic(), limit=2).given.protocol == "clip"


def test_other_clips_and_networks_without_clips_are_refused(model):
    with pytest.raises(mk.BadInput, match="does not say what clips it takes"):
        mk.load(layers(0)).recognise(synthetic())
    with pytest.raises(mk.BadInput, match="other classes"):
        mk.load("nw-ucla").recognise(synthetic())


def test_a_stream_answers_frame_by_frame(model):
    clips = mk.read_clips("synthetic")
    answers = list(map(mk.load(model).stream(rate=30.0), clips[0][:5]))
    assert [answer.frame for answer in answers] == list(range(5))


def test_a_model_is_exported_and_verified_as_by_the_commands(model, exported, tmp_path):
    written = command("export", model, "--target", "loihi2", "--output", tmp_path / "m.net", "--no-verify")
    said = plain(exported.as_json())
    assert said | {"files": 0} == {key: written[key] for key in said} | {"files": 0}
    with h5py.File(exported.main) as ours, h5py.File(tmp_path / "m.net") as theirs:
        assert ours["layer"].keys() == theirs["layer"].keys()
        assert np.array_equal(ours["layer/2/weight"], theirs["layer/2/weight"])
    verified = mk.load(model).verify(samples=1, lava=False)
    said = command("verify", model, "--samples", 1, "--no-lava")
    assert verified.ok and [check.as_json() for check in verified.checks] == said["checks"]
    assert "equal at every step" in str(verified)


@pytest.mark.parametrize("reset_interval", [None, 64])
@pytest.mark.parametrize("transmission_delay", [0, 1])
@pytest.mark.parametrize("seed", range(2))
def test_any_network_is_exported_and_every_rung_is_equal(seed, transmission_delay, reset_interval, tmp_path):
    loaded = mk.load(layers(seed, transmission_delay))
    written = loaded.export("loihi2", tmp_path / "n", reset_interval=reset_interval)
    verified = loaded.verify(written.main, steps=30, reset_interval=reset_interval, lava=False, seed=seed)
    assert verified.ok and len(verified.checks) == (4 if reset_interval else 5), str(verified)
    assert all(check.spikes and check.populations == 2 for check in verified.checks), str(verified)
    assert [f.name for f in written.files] == ["n.net", "n.net.json", "n_on_loihi2.py"]


@pytest.mark.parametrize("transmission_delay", [0, 1])
def test_a_changed_weight_in_the_file_is_found(transmission_delay, tmp_path):
    loaded = mk.load(layers(0, transmission_delay))
    file = loaded.export("loihi2", tmp_path / "n").main
    with h5py.File(file, "a") as changed:
        changed["layer/0/weight"][...] = -np.abs(changed["layer/0/weight"][...]) - 1
    describe_again(file)
    verified = loaded.verify(file, lava=False)
    assert not verified.ok and verified.checks[-1].mismatches and "differ" in str(verified)


@has_lava
@pytest.mark.parametrize("transmission_delay", [0, 1])
def test_intels_loader_runs_what_is_written_of_any_network(transmission_delay, tmp_path):
    loaded = mk.load(layers(2, transmission_delay))
    file = loaded.export("loihi2", tmp_path / "n").main
    stock = mk.load(file).verify() if transmission_delay else loaded.verify(file)
    assert stock.ok and not stock.not_run and stock.checks[-1].target == "netx file, stock lava-dl loader", str(stock)
    assert stock.checks[-1].spikes


@pytest.mark.parametrize("target", ["nir", "lava"])
def test_any_network_goes_to_other_targets(target, tmp_path):
    loaded = mk.load(layers(0))
    written = loaded.export(target, tmp_path / "n")
    verified = loaded.verify(written.main, target=target, lava=False)
    assert verified.ok and written.main.exists(), str(verified)


def test_nothing_is_overwritten_or_ignored(model, exported):
    with pytest.raises(mk.BadInput, match="no file to write beside"):
        mk.load(layers(0)).export()
    with pytest.raises(mk.BadInput, match="would overwrite the file that it starts from"):
        mk.load(exported.main).export()
    with pytest.raises(mk.BadInput, match="reset_interval is for networks that are not trained models"):
        mk.load(model).export(reset_interval=3)
    with pytest.raises(mk.BadInput, match="dataset is for trained models"):
        mk.load(layers(0)).verify(dataset="synthetic")
    with pytest.raises(mk.BadInput, match="export it first"):
        mk.load(layers(0)).verify("nowhere.net")


def test_inspect_says_what_the_command_says(exported):
    found = mk.load(exported.main).inspect("loihi2")
    document = command("inspect", exported.main)
    assert plain(found.as_json()) == document and found.fit.violations == ()


def test_train_and_tune_write_a_model_that_loads(tmp_path):
    short = vars(WITHOUT_TEACHER) | {"epochs": 1, "integer_epochs": 1}
    trained = mk.train(few_clips(), "tiny", str(tmp_path / "a"), **short)
    assert mk.load(tmp_path / "a" / "model.pt").model.hash() == trained.model.hash()
    last = {"synop_regularisation": 1e-9}  # with it the last epoch stays; without, so few steps improve on nothing
    tuned = trained.tune(few_clips(), "tiny", tmp_path / "b", **short | last)
    assert mk.load(tmp_path / "b" / "model.pt").model.hash() == tuned.model.hash() != trained.model.hash()
    with pytest.raises(mk.BadInput, match="no trained model"):
        mk.load(layers(0)).tune(few_clips())
