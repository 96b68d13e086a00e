"""What others have computed, through the fast engine: a real chip's trace, Intel's networks and golden arrays."""

import csv

import numpy as np

from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.sim.engine import Emulator
from tests.export.lava import intel_tests, needs_lava
from tests.paths import SHARED, needs_shared_data

RESET_MARKER = 128  # what the chip's probe of v reads where the neuron has just fired


def rows(path):
    """Lava's (W, H, C, T) or (N, T) as (T, N), row-major in (C, H, W)."""
    array = np.load(path)
    return array.transpose().reshape(array.shape[-1], -1).astype(int)


@needs_shared_data
def test_trace_of_a_real_loihi_2():
    table = csv.reader((SHARED / "loihi2-lif-trace.csv").open())
    sent, voltage, fired = np.array([[float(x) for x in row] for row in table]).astype(int).T
    population = Population.of("out", "layer", (1,), vth=25, v_decay=163)
    network = Network(Source("input", (1,), 0), (population,), (Projection("input", "out", [[10]]),), "out")
    result = Emulator(network).run(sent[:, None], record="all", states=True)
    spikes, v = result.spikes["out"][0, :, 0], result.v["out"][0, :, 0]
    assert len(sent) == 1000 and fired.sum() > 0
    assert np.array_equal(spikes, fired)
    assert np.array_equal(np.where(spikes == 1, RESET_MARKER, v), voltage)


@needs_lava
def test_ntidigits_gives_all_726000_outputs():
    """Axonal delays and current decay; the golden output is one step late."""
    folder = intel_tests() / "gts" / "ntidigits"
    network, _ = read_netx(folder / "ntidigits.net")
    sent, expected = rows(folder / "input.npy"), rows(folder / "output.npy")
    late = np.vstack([np.zeros_like(sent[:1]), sent[:-1]])
    result = Emulator(network).run(late, record=[network.readout])
    assert expected.sum() == 22_572
    assert np.array_equal(result.spikes[network.readout][0], expected)


@needs_lava
def test_pilotnet_gives_u_v_and_spikes_of_every_layer_for_24_steps():
    """Five convolutions and three dense layers with biases, zeroed every 17 steps, driven by golden spikes."""
    folder = intel_tests() / "gts" / "pilotnet_lif"
    network, _ = read_netx(folder / "network.net")
    image = network.order[0]
    driven = network.with_(
        source=Source(image.name, image.groups[0].shape, 0),
        populations=network.order[1:],
        projections=tuple(q for q in network.projections if q.post != image.name),
    )
    result = Emulator(driven).run(rows(folder / "input.npy"), record="all", states=True, reset_interval=17)
    names = [*(f"conv-{i}" for i in range(5)), *(f"fc-{i}" for i in range(3))]
    for population, name in zip(driven.order, names):
        spikes, u, v = (traces[population.name][0] for traces in (result.spikes, result.u, result.v))
        assert np.array_equal(spikes, rows(folder / f"{name}.npy")), name
        assert np.array_equal(u, rows(folder / f"{name}-u.npy")), name
        assert np.array_equal(np.where(spikes == 1, RESET_MARKER, v), rows(folder / f"{name}-v.npy")), name
