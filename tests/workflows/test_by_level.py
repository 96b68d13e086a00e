"""A file run level by level in Intel's loader: equal to the whole file, and whatever is wrong with a level is found."""

from dataclasses import replace
from functools import cache

import h5py
import numpy as np
import pytest
import scipy.sparse as sp

from mksgn_neuro.export.netx.stock_levels import run_by_level
from mksgn_neuro.export.netx.stock_loader import run_stock_loader
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.workflows import by_level
from mksgn_neuro.workflows.by_level import parameters_check
from mksgn_neuro.workflows.checks import HELD, STOCK, netx_checks
from mksgn_neuro.workflows.equivalence import ReferenceRun
from mksgn_neuro.workflows.load import Port
from mksgn_neuro.workflows.simulators import by_reference
from mksgn_neuro.workflows.targets import build
from mksgn_neuro.workflows.verdict import Verdict
from mksgn_neuro.workflows.verify_file import check_file, read_for_check
from tests.export.lava import needs_lava
from tests.networks import random_inputs

pytestmark = needs_lava
RESET, STEPS, FEW_PAIRS = 13, 60, 30


def three_levels():
    """Dense, with delays, and dense again; a decay, a bias for each neuron; the weights of none go by 8 bits alike."""
    rng = np.random.default_rng(0)
    sparse = lambda rows, columns, low, high: (
        rng.integers(low, high, (rows, columns)) * 2 * (rng.random((rows, columns)) < 0.4)
    )
    delayed, delays = sparse(12, 9, 4, 40), rng.integers(0, 3, (12, 9)) * 2
    level = lambda name, size, **more: Population.of(name, "layer", (size,), **{"vth": 60, "v_decay": 2458, **more})
    populations = (
        level("level1", 9, bias=rng.integers(-9, 30, 9)),
        level("level2", 12, i_decay=rng.integers(3000, 4097, 12)),
        level("level3", 7, v_decay=rng.integers(0, 4097, 7)),
    )
    projections = (
        Projection("input", "level1", sparse(9, 5, -20, 20)),
        *(Projection("level1", "level2", np.where(delays == d, delayed, 0), d) for d in (0, 2, 4)),
        Projection("level2", "level3", sparse(7, 12, -20, 60)),
    )
    return Network(Source("input", (5,), 8), populations, projections, "level3")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The network, its file, inputs and what the reference fires with resets."""
    network, path = three_levels(), tmp_path_factory.mktemp("levels") / "n.net"
    write_netx(network, path, reset_interval=RESET)
    inputs = random_inputs(3, network, STEPS)
    return network, path, inputs, by_reference(network, inputs, RESET)


@cache
def _run_of(path):
    return by_pieces(path, random_inputs(3, three_levels(), STEPS))


def run_of(written):
    """The run of the file as it was written, once for all tests."""
    return _run_of(written[1])


def by_pieces(path, inputs, reset_interval=RESET):
    return run_by_level(path, inputs, limit=120, reset_interval=reset_interval, most_pairs=FEW_PAIRS)


def test_level_by_level_is_the_whole_file_with_resets(written):
    network, path, inputs, expected = written
    run = run_of(written)
    whole = run_stock_loader(path, inputs, reset_interval=RESET, layers="all")
    assert run.pieces > 6
    for k, population in enumerate(network.order):
        assert expected[population.name].any()
        assert np.array_equal(run.levels[k].spikes, whole[k].spikes)
        assert np.array_equal(run.levels[k].spikes, expected[population.name])
    check = parameters_check("network", HELD, network, run)
    assert check.ok and check.parameters > 200, check.verdict
    assert check.verdict.startswith(f"all {check.parameters} parameters equal, 3 populations")


def one_more(dataset, at):
    dataset[at] = dataset[at] + 2


def first_synapse(layer):
    return tuple(int(i[0]) for i in np.nonzero(layer["weight"][()]))


FAULTS = {
    "weight": lambda layer: one_more(layer["weight"], first_synapse(layer)),
    "weight that is not there": lambda layer: layer["weight"].__setitem__(
        tuple(int(i[0]) for i in np.nonzero(layer["weight"][()] == 0)), 2
    ),
    "delay": lambda layer: one_more(layer["delay"], first_synapse(layer)),
    "bias": lambda layer: one_more(layer["bias"], 3),
    "i_decay": lambda layer: one_more(layer["neuron/iDecay"], 3),
    "v_decay": lambda layer: one_more(layer["neuron/vDecay"], 3),
    "vth": lambda layer: one_more(layer["neuron/vThMant"], ()),
}
WHERE = {"delay": 1, "i_decay": 1, "v_decay": 2}  # level 0 otherwise


def test_every_wrong_number_in_a_file_is_found_and_the_first_is_named(written, tmp_path):
    """All faults in one file: a run for each would import Lava as often."""
    network, path, inputs, _ = written
    damaged = tmp_path / "damaged.net"
    damaged.write_bytes(path.read_bytes())
    with h5py.File(damaged, "r+") as file:
        for name, fault in FAULTS.items():
            fault(file[f"layer/{WHERE.get(name, 0)}"])
    check = parameters_check("network", HELD, network, by_pieces(damaged, inputs[:3]))
    assert not check.ok
    assert check.mismatches == len(FAULTS) - 1 + network.order[0].size, check.verdict  # all neurons have the threshold
    assert "parameters differ, first level1, neuron 0: weight from input 0: network 0, netx" in check.verdict
    assert Verdict.of([check]).details.startswith(f"{check.mismatches} parameters differ in 1 of 1")


@pytest.mark.parametrize("name", ["vth", "i_decay", "v_decay", "bias", "weight", "delay"])
def test_one_number_is_enough(written, name):
    """Of any kind, in any level: seen from the other side, of a network that has one other number than the file."""
    network, _, _, _ = written
    for k, population in enumerate(network.order):
        others = [q for q in network.projections if q.post != population.name]
        own = network.incoming[population.name]
        if name in ("weight", "delay"):
            matrix = own[0].matrix.tolil()
            at = tuple(int(i[0]) for i in matrix.nonzero())
            value, matrix[at] = matrix[at], 0 if name == "delay" else matrix[at] + 2
            moved = Projection(own[0].pre, own[0].post, one_synapse(matrix.shape, at, value), 6)
            changed = [*own[1:], replace(own[0], weights=matrix.tocsr()), *([moved] if name == "delay" else [])]
            other = network.with_(projections=(*others, *changed))
        else:
            values = np.broadcast_to(getattr(population, name), population.size).copy()
            values[-1] += 1
            value = int(values[-1]) if name == "vth" else values
            populations = [replace(p, **{name: value}) if p is population else p for p in network.populations]
            other = network.with_(populations=tuple(populations))
        check = parameters_check("network", HELD, other, run_of(written))
        assert check.mismatches == (population.size if name == "vth" else 1), (k, check.verdict)
        assert f": {name}" in check.first


def one_synapse(shape, at, value):
    return sp.csr_matrix(([value], ([at[0]], [at[1]])), shape=shape)


def test_resets_that_come_otherwise_are_found_by_what_fires(written):
    network, path, inputs, expected = written
    run = by_pieces(path, inputs, RESET + 1)
    assert any((level.spikes != expected[p.name]).any() for p, level in zip(network.order, run.levels))


def test_a_large_file_is_run_by_level_and_both_checks_say_so(written, monkeypatch):
    network, path, _, _ = written
    monkeypatch.setattr(by_level, "WHOLE_BYTES", 0)
    built = build(network, "loihi2")
    inputs = random_inputs(4, network, 150)[None]
    reference_run = ReferenceRun.of(built, inputs, reset=False)
    assert built.network.order and [p.size for p in built.network.order] == [9, 12, 7]
    _, fired, held = (planned.run() for planned in netx_checks(reference_run, path, True))
    assert (fired.target, held.target) == (STOCK, HELD)
    assert fired.ok and held.ok and fired.spikes and held.parameters, (fired.verdict, held.verdict)
    steps = reference_run.depth + by_level.STEPS
    assert fired.steps == steps < 150
    assert f"the first {steps} of" in fired.how and "not loaded as a whole" in fired.verdict
    assert fired.how in str(Verdict.of([fired, held])), "what was not shown is said in the last line too"
    assert [planned.target for planned in netx_checks(reference_run, path, True, full=True)] == [
        "netx file, our reader",
        STOCK,
    ]


@pytest.mark.slow
def test_anyones_large_file_too(written, monkeypatch):
    path = written[1]
    monkeypatch.setattr(by_level, "WHOLE_BYTES", 0)
    file, _ = read_for_check(path, Port())
    _, fired, held = check_file(path, file, samples=2, steps=60, reset_interval=RESET)
    assert fired.ok and held.ok and "level by level" in fired.how and held.parameters, (fired.verdict, held.verdict)
