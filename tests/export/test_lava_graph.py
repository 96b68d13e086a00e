import os
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from mksgn_neuro.errors import BadInput, Unsupported
from mksgn_neuro.export import lava_graph
from mksgn_neuro.export.child import ChildFailed
from mksgn_neuro.export.lava_graph import run_lava, write_lava_bundle
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.sim.reference import run
from tests.export.carried import legal_network, weight_grid_network
from tests.export.lava_batch import needs_lava_nc, run_lava_batch
from tests.networks import conv_network, random_inputs


def assert_lava_equals_reference(*cases):
    for spikes, (network, inputs, reset_interval) in zip(run_lava_batch(cases), cases):
        expected = run(network, inputs, reset_interval=reset_interval)
        assert spikes.keys() == expected.keys()
        for name, trace in expected.items():
            assert spikes[name].dtype == np.uint8
            assert np.array_equal(spikes[name], trace.spikes), name
        assert any(trace.spikes.any() for trace in expected.values())


def random_case(seed, reset_interval=None, steps=50, **options):
    network = legal_network(seed, loops=True, **options)
    return network, random_inputs(seed, network, steps), reset_interval


@needs_lava_nc
def test_lava_gives_the_references_spikes():
    """Skips, delays, self-loops, per-neuron decays, biases and graded input, restarts at the right step per level."""
    reset_intervals = (None, 13, 1, None, 8)
    assert_lava_equals_reference(
        *(random_case(seed, reset_interval) for seed, reset_interval in enumerate(reset_intervals))
    )


@needs_lava_nc
def test_lava_leaves_every_legal_weight_as_it_is():
    network = weight_grid_network()
    inputs = np.array([[1], [0], [0], [0], [0], [0]])
    spikes = run_lava(network, inputs, limit=120)
    for name, fired in spikes.items():
        arrival = 4 if "delayed" in name else 1
        assert np.array_equal(fired[arrival], np.tile([0, 1], fired.shape[1] // 2)), name
        assert np.array_equal(fired, run(network, inputs)[name].spikes)


@needs_lava_nc
def test_convolutions_and_weight_exponents_equal_the_reference():
    """A convolution stays one (strided, padded, dilated, grouped); an exponent shifts the sum, rounding down."""
    rng = np.random.default_rng(3)
    p = Population.of("p", "layer", (6,), vth=300, v_decay=1000)
    weights = [2 * rng.integers(-40, 40, (6, 2)) for _ in range(4)]
    exponents = ((2, 0), (-3, 0), (1, 2), (-1, 1))
    projections = [Projection("input", "p", w, delay, exp) for w, (exp, delay) in zip(weights, exponents)]
    shifted = Network(Source("input", (2,), 7), (p,), tuple(projections), "p")
    cases = [(network, random_inputs(4, network, 25), None) for network in (conv_network(1), shifted)]
    assert_lava_equals_reference(*cases)


@needs_lava_nc
def test_only_the_recorded_populations_come_back():
    network = legal_network(5)
    inputs = random_inputs(5, network, 12)
    spikes = run_lava(network, inputs, record=["p1"], limit=120)
    assert list(spikes) == ["p1"]
    assert np.array_equal(spikes["p1"], run(network, inputs)["p1"].spikes)


@needs_lava_nc
def test_hanging_lava_process_is_killed_with_its_group(monkeypatch, tmp_path):
    monkeypatch.setattr(lava_graph, "CHILD", "tests.export.lava_faults")
    monkeypatch.setattr("mksgn_neuro.processes.watch.IDLE_SECONDS", 4.0)
    monkeypatch.setenv("FAULT", "hang")
    monkeypatch.setenv("FAULT_GROUP", str(tmp_path / "group"))
    network = legal_network(5)
    began = time.monotonic()
    with pytest.raises(ChildFailed, match="hangs: it did nothing for 4 s"):
        run_lava(network, random_inputs(5, network, 5), limit=1000)
    assert time.monotonic() - began < 60
    group, deadline = (tmp_path / "group").read_text(), time.monotonic() + 10
    while group in groups_alive():  # a killed process needs a moment to go
        assert time.monotonic() < deadline
        time.sleep(0.1)


def groups_alive():
    """Process groups with a member that is no zombie."""
    fields = [stat.rsplit(")", 1)[1].split() for stat in map(read, Path("/proc").glob("[0-9]*/stat")) if stat]
    return {group for state, _, group, *_ in fields if state != "Z"}


def read(path):
    try:
        return path.read_text()
    except OSError:  # ended meanwhile
        return ""


@needs_lava_nc
def test_traceback_of_a_lava_process_is_in_the_error(monkeypatch):
    monkeypatch.setattr(lava_graph, "CHILD", "tests.export.lava_faults")
    monkeypatch.setattr("mksgn_neuro.export.child.GRACE_AFTER_TRACEBACK", 0.5)
    monkeypatch.setenv("FAULT", "raise")
    monkeypatch.setenv("FAULT_GROUP", os.devnull)
    network = legal_network(5)
    with pytest.raises(ChildFailed, match="ArithmeticError: in a Lava process"):
        run_lava(network, random_inputs(5, network, 5), limit=200)


@needs_lava_nc
def test_bundle_runs_by_itself(tmp_path):
    network = legal_network(8)
    inputs = random_inputs(8, network, 20)
    files = write_lava_bundle(network, tmp_path / "bundle")
    assert sorted(p.name for p in (tmp_path / "bundle").iterdir()) == sorted(f.name for f in files)
    np.save(tmp_path / "inputs.npy", inputs)
    command = [sys.executable, str(files[1]), str(tmp_path / "inputs.npy"), str(tmp_path / "spikes.npy"), "9"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(command, check=True, timeout=120, env=environment, stdin=subprocess.DEVNULL)
    expected = run(network, inputs, reset_interval=9)[network.readout].spikes
    assert np.array_equal(np.load(tmp_path / "spikes.npy"), expected)


@needs_lava_nc
def test_bad_requests_are_refused_in_one_line():
    network = legal_network(5)
    inputs = random_inputs(5, network, 5)
    with pytest.raises(Unsupported, match="balance"):
        run_lava(legal_network(5, transmission_delay=0), inputs)
    with pytest.raises(BadInput, match="no population nobody"):
        run_lava(network, inputs, record=["nobody"])
    with pytest.raises(BadInput, match=r"shape \(5, 9\)"):
        run_lava(network, np.zeros((5, 9)))
    with pytest.raises(BadInput, match="128"):
        run_lava(network, np.full_like(inputs, 128))


def test_bundle_of_a_network_in_frames_is_refused(tmp_path):
    with pytest.raises(Unsupported, match="balance"):
        write_lava_bundle(legal_network(5, transmission_delay=0), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_without_lava_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setattr("mksgn_neuro.export.lava_graph.version", missing)
    network = legal_network(5)
    with pytest.raises(Unsupported, match="Python 3.10") as caught:
        run_lava(network, random_inputs(5, network, 5))
    assert "\n" not in str(caught.value) and caught.value.exit_code == 2


def missing(name):
    raise PackageNotFoundError(name)


@needs_lava_nc
@pytest.mark.slow
@pytest.mark.parametrize("start", range(100, 120, 5))
def test_lava_equals_reference_on_many_networks(start):
    reset_intervals = (None, 17, 32)
    size = {"populations": 6, "max_size": 16, "max_delay": 7}
    cases = (random_case(seed, reset_intervals[seed % 3], 80, **size) for seed in range(start, start + 4))
    longest = random_case(start + 4, None, 150, max_delay=62)
    assert_lava_equals_reference(*cases, longest)
