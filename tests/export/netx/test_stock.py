"""Files that we write, run by lava-dl's own loader: every population and step equal to the reference."""

import numpy as np
import pytest

from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.export.netx.stock_loader import StockRun
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, Source
from mksgn_neuro.ir.compare import first_difference
from mksgn_neuro.ir.spec import check
from mksgn_neuro.lowering.pad_for_netx import pad_for_netx
from mksgn_neuro.sim.reference import run
from tests.export.lava import needs_lava
from tests.export.layered import random_layered
from tests.export.netx.stock_batch import run_batch
from tests.networks import random_inputs

pytestmark = needs_lava


def level(name, size, **parameters):
    return Population.of(name, "layer", (size,), **{"vth": 60, "v_decay": 2458, **parameters})


def one(weights, *, delays=None, loop=None, bits=8, **parameters):
    """A layered network of one dense level."""
    weights = np.array(weights)
    delays = np.zeros_like(weights) if delays is None else np.array(delays)
    forward = [Projection("input", "level1", np.where(delays == d, weights, 0), int(d)) for d in np.unique(delays)]
    loops = [] if loop is None else [Projection("level1", "level1", np.array(loop))]
    populations = (level("level1", len(weights), **parameters),)
    return Network(Source("input", (weights.shape[1],), bits), populations, (*forward, *loops), "level1")


def two(first, second):
    """A layered network of two dense levels."""
    network = one(first)
    populations = (*network.populations, level("level2", len(second)))
    projections = (*network.projections, Projection("level1", "level2", np.array(second)))
    return network.with_(populations=populations, projections=projections, readout="level2")


EDGES = {
    "mixed at its limits": one([[-256, 254, 0], [254, 254, -256]]),
    "none negative, odd, at its limit": one([[255, 1, 3], [7, 0, 255]], bits=4),
    "none positive": one([[-2, -4, -254], [-6, 0, -10]], bias=70),
    "all negative": one([[-2, -4], [-6, -254]], bias=70),
    "zeros after spikes, fitted": pad_for_netx(two([[200, 100]], [[0], [0]])),
    "zeros at the input, fitted": pad_for_netx(two([[0, 0]], [[80], [-20]])),
    "lowest a power of two, fitted": pad_for_netx(two([[200, 100], [90, -80]], [[-64, -2], [-2, 0]])),
    "-256 and no positive, fitted": pad_for_netx(two([[200, 100]], [[-256]])),
    "relays only": two(62 * np.eye(3, dtype=int), 62 * np.eye(3, dtype=int)[::-1]),
    "one neuron, one input": one([[80]]),
    "delays 0 and 62": one([[100, -80, 60], [40, 20, 90]], delays=[[0, 62, 62], [1, 0, 61]]),
    "every delay 62": one([[100]], delays=[[62]]),
    "one delay, others without": one([[80, 0], [0, 0]], delays=[[5, 0], [0, 0]]),
    "decays and bias per neuron": one([[80, 4], [2, 90]], i_decay=[2048, 4096], v_decay=[0, 4096], bias=[9, -9]),
    "keeps all current": one([[8, 2]], i_decay=0, v_decay=4096, vth=2000, bits=0),
    "threshold 0": one([[8, -6]], vth=0),
    "threshold at its limit": one([[254, -6]], vth=131071, v_decay=0, bias=4095),
    "recurrent": one([[80, 20], [-60, 80]], loop=[[0, -100], [100, 20]]),
    "recurrent, inhibition only": one([[254, 20], [-60, 80]], loop=[[-100, -254], [0, 0]]),
    "recurrent, no loop left": one([[80, 20], [-60, 80]], loop=[[0, 0], [0, 0]]),
    "binary input": one([[80, 20], [-60, 80]], bits=0),
    "16 bits of input": one([[2, 1], [1, 0]], bits=16, vth=90000),
}


def compare(networks, folder, *, reset_interval, sparse=True, states=False):
    """Write, run stock and reference on 70 steps, and compare all that was recorded."""
    runs = []
    for i, network in enumerate(networks):
        path = folder / f"{i}.net"
        write_netx(network, path, reset_interval=reset_interval or 8)
        inputs = random_inputs(i, network, 70)
        bits = 16 if network.source.message_bits else 0
        runs.append(
            StockRun(
                path,
                inputs,
                input_message_bits=bits,
                reset_interval=reset_interval,
                layers="all",
                sparse=sparse,
                states=states,
            )
        )
    fired = 0
    for request, network, stock in zip(runs, networks, run_batch(runs)):
        assert not isinstance(stock, str), stock
        expected = run(network, request.inputs, reset_interval=reset_interval, states=states)
        assert len(stock) == len(network.populations)
        for trace, population in zip(stock.values(), network.order):
            for what in ("spikes", "u", "v") if states else ("spikes",):
                actual, wanted = getattr(trace, what), getattr(expected[population.name], what)
                assert np.array_equal(actual, wanted), (network, population.name, what)
            fired += int(trace.spikes.sum())
    return fired


def legal_layered(seeds, **options):
    networks = (random_layered(seed, levels=2, **options) for seed in seeds)
    return [n for n in networks if not check(n) and all(q.matrix.max() > 0 for q in n.projections)]


def test_edge_cases(tmp_path):
    assert compare(EDGES.values(), tmp_path, reset_interval=None) > 300


def test_random_chains_with_resets_u_and_v(tmp_path):
    networks = legal_layered(range(100, 104), message_bits=4)
    assert len(networks) >= 2
    assert compare(networks[:2], tmp_path, reset_interval=16, states=True) > 20


def test_convolutions_flatten_and_dense_synapses(tmp_path):
    networks = [n for n in legal_layered(range(60), message_bits=0) if is_conv(n) and not is_conv(n, -1)]
    assert any(n.populations[0].v_decay.ndim for n in networks)
    assert compare(networks[:3], tmp_path, reset_interval=9, sparse=False) > 100


def is_conv(network, i=0):
    return isinstance(network.incoming[network.order[i].name][0].weights, ConvKernel)


@pytest.mark.parametrize("name", EDGES)
def test_edge_cases_come_back_unchanged(tmp_path, name):
    network, findings = read_netx(write_netx(EDGES[name], tmp_path / "n.net", reset_interval=8).net)
    assert first_difference(EDGES[name], network) is None and findings == []
