"""Intel's own networks and golden arrays, from the lava-dl wheel, through our reader and the reference."""

import numpy as np
import pytest

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.export.netx.stock_loader import run_stock_loader
from mksgn_neuro.ir import Source
from mksgn_neuro.sim.reference import run
from tests.export.lava import intel_tests, needs_lava

pytestmark = needs_lava

RESET_MARKER = 128  # what the chip's probe of v reads where the neuron has just fired


def rows(path):
    """Lava's (W, H, C, T) or (N, T) as (T, N), row-major in (C, H, W)."""
    array = np.load(path)
    return array.transpose().reshape(array.shape[-1], -1).astype(int)


def test_ntidigits_gives_all_726000_outputs():
    """Axonal delays and current decay; the golden output is one step late. Intel's test compares one step of it."""
    folder = intel_tests() / "gts" / "ntidigits"
    network, findings = read_netx(folder / "ntidigits.net")
    assert [p.size for p in network.order] == [256, 256, 242]
    delays = [q.delay for q in network.projections]
    assert (min(delays), max(delays)) == (0, 62) and len(set(delays)) > 30
    (finding,) = findings
    assert finding.location == "/layer/5" and "num_layers=5" in finding.problem
    sent, expected = rows(folder / "input.npy"), rows(folder / "output.npy")
    late = np.vstack([np.zeros_like(sent[:1]), sent[:-1]])
    spikes = run(network, late)[network.readout].spikes
    assert expected.size == 726_000 and expected.sum() == 22_572
    assert np.array_equal(spikes, expected)


@pytest.fixture(scope="module")
def pilotnet():
    folder = intel_tests() / "gts" / "pilotnet_lif"
    network, _ = read_netx(folder / "network.net")
    return folder, network


def test_pilotnet_gives_u_v_and_spikes_of_every_layer_for_24_steps(pilotnet):
    """5 convolutions and 3 dense layers with biases, zeroed every 17 steps; Intel tests the chip against these.

    The last layer's arrays are from another run: its u is not the weights times the golden spikes before it.
    """
    folder, network = pilotnet
    image_layer = network.order[0]
    driven = network.with_(
        source=Source(image_layer.name, image_layer.groups[0].shape, 0),
        populations=network.order[1:],
        projections=tuple(q for q in network.projections if q.post != image_layer.name),
    )
    traces = run(driven, rows(folder / "input.npy"), reset_interval=17, states=True)
    names = [*(f"conv-{i}" for i in range(5)), *(f"fc-{i}" for i in range(3))]
    compared = 0
    for population, name in zip(driven.order, names):
        trace = traces[population.name]
        probed = np.where(trace.spikes == 1, RESET_MARKER, trace.v)
        for actual, suffix in ((trace.spikes, ""), (trace.u, "-u"), (probed, "-v")):
            expected = rows(folder / f"{name}{suffix}.npy")
            assert np.array_equal(actual, expected), name + suffix
            compared += expected.size
    assert compared == 24 * 3 * sum(p.size for p in driven.order[:-1])
    last = driven.projections[-1].matrix.astype(int)
    assert not np.array_equal(64 * rows(folder / "fc-2.npy")[:-2] @ last.T, rows(folder / "fc-3-u.npy")[1:-2])


def test_pilotnets_image_gives_the_golden_input_spikes(pilotnet):
    """The image is the input neurons' bias; ours arrives by a synapse, one step later."""
    folder, network = pilotnet
    image = np.load(folder / "image.npy").transpose().ravel()
    first = network.with_(populations=network.order[:1], projections=network.projections[:1], readout="layer0")
    spikes = run(first, np.repeat(image[None], 25, axis=0), reset_interval=17)["layer0"].spikes
    expected = rows(folder / "input.npy")
    assert expected.sum() > 800_000
    assert np.array_equal(spikes[1:], expected)


def test_tinynet_gives_the_golden_spikes_of_every_layer():
    """From the image on. The golden first step of a layer has only its bias; Intel's test leaves it out too."""
    folder = intel_tests() / "gts" / "tinynet"
    network, findings = read_netx(intel_tests() / "tiny.net")
    assert findings[0].problem.startswith("values enter as the neurons' bias, x·36 + 34")
    bias = np.load(folder / "input_bias.npy").transpose().ravel().astype(int)
    traces = run(network, np.repeat(bias[None], 18, axis=0), reset_interval=17)
    for i, (population, name) in enumerate(zip(network.order, ("input", "layer1", "output"))):
        golden = np.load(folder / f"{name}.npy")[0].reshape(population.size, 16).T
        first = min(i, 1)
        assert golden[first:].sum() > 80
        assert np.array_equal(traces[population.name].spikes[i + first : i + 16], golden[first:])


def test_mnist_with_its_layer_without_a_neuron_equals_the_stock_loader():
    path = intel_tests() / "mnist.net"
    network, findings = read_netx(path)
    assert [f.location for f in findings] == ["/layer/0", "/layer/3"] and "no neuron" in findings[1].problem
    bias = np.random.default_rng(0).integers(0, 140, 784)
    stock = run_stock_loader(path, input_bias=bias, num_steps=12, states=True)[3]
    ours = run(network, np.repeat(bias[None], 13, axis=0), states=True)["layer3"]
    assert np.count_nonzero(stock.u) > 50
    assert np.array_equal(ours.u[1:], stock.u) and np.array_equal(ours.v[1:], stock.v)
    assert np.array_equal(ours.spikes[1:], stock.spikes)


def test_sigma_delta_network_is_named_as_not_supported():
    with pytest.raises(BadInput, match=r"network\.net:/layer/0/neuron/type: sigma-delta neurons \(SDNN\)"):
        read_netx(intel_tests() / "gts" / "pilotnet_sdnn" / "network.net")
