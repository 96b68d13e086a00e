from dataclasses import replace

import numpy as np
import pytest
import torch

from mksgn_neuro.errors import Unsupported, WorkFailed
from mksgn_neuro.export.child import ChildFailed
from mksgn_neuro.export.slayer import from_slayer, run_slayer, to_slayer
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.ir.spec import check
from mksgn_neuro.lowering import as_layered
from mksgn_neuro.sim.reference import run
from tests.export.carried import legal_network, random_layered
from tests.export.lava import needs_lava
from tests.networks import conv_network, random_inputs, random_network

pytestmark = needs_lava


def as_batch(inputs):
    """(B, T, N) integers to SLAYER's (B, N, T)."""
    return torch.as_tensor(inputs, dtype=torch.float32).movedim(1, 2)


def levels(layered, inputs):
    with torch.no_grad():
        return {name: s.movedim(1, 2).numpy().astype(np.uint8) for name, s in layered.levels(as_batch(inputs)).items()}


def assert_equals_reference(network, spikes, inputs):
    for i, sample in enumerate(inputs):
        expected = run(network, sample)
        assert spikes.keys() == expected.keys()
        for name, trace in expected.items():
            assert np.array_equal(spikes[name][i], trace.spikes), name


def batch(seed, network, samples=3, steps=50):
    return np.stack([random_inputs(seed + i, network, steps) for i in range(samples)])


@pytest.mark.parametrize("loops", [False, True])
def test_blocks_give_the_references_spikes(loops):
    """Per-neuron decays, biases, delays or loops, odd weights, graded input; twice, for blocks may not remember."""
    fired = 0
    for seed in range(30):
        network = random_layered(seed, loops=loops)
        inputs = batch(seed, network)
        layered = to_slayer(network)
        try:
            first, second = levels(layered, inputs), levels(layered, inputs)
        except WorkFailed as error:
            assert saturates(network, inputs), error
            continue
        assert_equals_reference(network, first, inputs)
        assert all(np.array_equal(first[name], second[name]) for name in first)
        fired += sum(int(s.sum()) for s in first.values())
    assert fired > 1000


def saturates(network, inputs):
    traces = [run(network, sample, states=True) for sample in inputs]
    return any(trace.v.min() == 1 - 2**23 for traced in traces for trace in traced.values())


def test_convolutions_stay_convolutions_and_equal_the_reference():
    network = conv_network(1)
    inputs = batch(1, network, steps=20)
    layered = to_slayer(network)
    assert [type(b).__name__ for b in layered.blocks] == ["Input", "Conv", "Conv", "Flatten", "Dense"]
    assert_equals_reference(network, levels(layered, inputs), inputs)


def test_a_convolution_with_a_loop_becomes_a_recurrent_block():
    network = conv_network(1)
    looped = network.order[1]
    populations = tuple(replace(p, i_decay=np.array(4096)) if p == looped else p for p in network.populations)
    loop = Projection(looped.name, looped.name, 2 * np.eye(looped.size, dtype=int))
    network = replace(network, populations=populations, projections=(*network.projections, loop))
    inputs = batch(1, network, steps=20)
    layered = to_slayer(network)
    assert [type(b).__name__ for b in layered.blocks] == ["Input", "Conv", "Flatten", "Recurrent", "Dense"]
    assert_equals_reference(network, levels(layered, inputs), inputs)


def test_levelized_networks_with_skips_and_delays_equal_the_reference():
    counted = 0
    for seed in range(60):
        layered = as_layered(
            random_network(
                seed, transmission_delay=0, subthreshold_bias=True, message_bits=0, threshold=128, source_delays=False
            )
        )
        if check(layered) or has_pairs_with_two_delays(layered):  # levelize joins odd and negative weights
            continue
        counted += 1
        inputs = batch(seed, layered, 2, 40)
        assert_equals_reference(layered, levels(to_slayer(layered), inputs), inputs)
    assert counted > 6


def has_pairs_with_two_delays(layered):
    """levelize leaves them where the source itself has several delays to one neuron."""
    return any(
        sum((q.matrix != 0).astype(int) for q in layered.incoming[p.name] if q.pre != p.name).max() > 1
        for p in layered.populations
    )


@pytest.mark.parametrize("vth", [4095, 4096, 5000, 131071])
def test_a_voltage_at_the_threshold_does_not_fire_however_high_it_is(vth):
    """SLAYER adds 0.01 to it in float32, too little from 4096 on. Summed up to it exactly, and to one above."""
    coarse, fine = divmod(vth, 255)
    p = Population.of("p", "layer", (2,), vth=vth, v_decay=0)
    weights = Projection("input", "p", [[255, 1, 0], [255, 1, 1]])
    network = Network(Source("input", (3,), 8), (p,), (weights,), "p")
    payloads = [(x, 0, 0) for x in summands(coarse)] + [(0, x, 0) for x in summands(fine)] + [(0, 0, 1)] * 2
    inputs = np.array([*payloads, (0, 0, 0)])[None]
    trace = run(network, inputs[0], states=True)["p"]
    assert trace.v[-1, 0] == 64 * vth and trace.spikes.sum(0).tolist() == [0, 1]
    assert_equals_reference(network, levels(to_slayer(network), inputs), inputs)


def summands(total):
    return [127] * (total // 127) + [total % 127]


def test_a_voltage_that_saturates_is_reported_not_computed_wrongly():
    p = Population.of("p", "layer", (1,), vth=100, v_decay=0)
    network = Network(Source("input", (1,), 8), (p,), (Projection("input", "p", [[-256]]),), "p")
    inputs = np.full((1, 10, 1), 127)
    assert_equals_reference(network, levels(to_slayer(network), inputs[:, :4]), inputs[:, :4])
    with pytest.raises(WorkFailed, match="p: a voltage reaches"):
        levels(to_slayer(network), inputs)


def one(*projections, source=None, **fields):
    p = Population.of("p", "layer", (2,), **({"vth": 100, "v_decay": 2458} | fields))
    source = source or Source("input", (2,), 0)
    return Network(source, (p,), tuple(projections), "p")


EYE = 2 * np.eye(2, dtype=int)
REFUSED = {
    "two delays": one(Projection("input", "p", EYE), Projection("input", "p", EYE, 1)),
    "negative weight exponent": one(Projection("input", "p", EYE, 0, -1)),
    "one loop of one step": one(Projection("input", "p", EYE), Projection("p", "p", EYE, 1)),
    "bias and current memory": one(Projection("input", "p", EYE), Projection("p", "p", EYE), bias=3, i_decay=2048),
    "no synaptic delays": one(Projection("input", "p", EYE, 2), Projection("p", "p", EYE)),
}


NOT_EXPORTED = {
    "share one 8-bit grid": one(Projection("input", "p", 7 * EYE // 2), Projection("input", "p", -EYE[::-1], 1)),
    "is positive": one(Projection("input", "p", -EYE), bias=200),
}


@pytest.mark.parametrize("reason", NOT_EXPORTED)
def test_what_the_stock_reader_would_change_is_computed_but_not_exported(reason, tmp_path):
    network = NOT_EXPORTED[reason]
    inputs = batch(1, network)
    layered = to_slayer(network)
    assert_equals_reference(network, levels(layered, inputs), inputs)
    with pytest.raises(Unsupported, match=f"^p: .*{reason}"):
        layered.export_hdf5(tmp_path / "p.net")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("reason", REFUSED)
def test_what_slayer_cannot_compute_is_refused_by_name(reason):
    with pytest.raises(Unsupported, match=f"^p: .*{reason}"):
        to_slayer(REFUSED[reason])


def test_networks_that_are_no_chain_or_in_frames_are_refused():
    network = legal_network(0)
    assert any(len({q.pre for q in network.incoming[p.name]}) > 1 for p in network.populations)
    with pytest.raises(Unsupported, match="levelize"):
        to_slayer(network)
    with pytest.raises(Unsupported, match="levelize"):
        run_slayer(legal_network(0, transmission_delay=0), np.zeros((5, network.source.size)))


def test_chain_through_slayer_and_back_is_the_same_network():
    for seed in range(10):
        network = random_layered(seed, loops=seed % 2 == 0)
        back = from_slayer(to_slayer(network), network.source.shape, message_bits=8)
        inputs = batch(seed, network, 1)[0]
        expected = [t.spikes for t in run(network, inputs).values()]
        found = [t.spikes for t in run(back, inputs).values()]
        assert all(np.array_equal(a, b) for a, b in zip(expected, found))


def test_run_slayer_in_a_child_equals_the_reference():
    network = random_layered(3)
    inputs = batch(3, network, 2)
    assert_equals_reference(network, run_slayer(network, inputs, limit=120), inputs)


def test_samples_in_a_stream_are_those_of_the_reference_with_a_period():
    """A bias counts from the sample's arrival at its level on, in every sample anew."""
    for seed in range(20):
        layered = as_layered(
            random_network(
                seed, transmission_delay=0, subthreshold_bias=True, message_bits=0, threshold=128, source_delays=False
            )
        )
        if (
            not check(layered)
            and not has_pairs_with_two_delays(layered)
            and any(p.bias.any() for p in layered.populations)
        ):
            break
    reset_interval = 12 + layered.drain_steps
    stream = np.zeros((3 * reset_interval + 4, layered.source.size), int)
    for n in range(3):
        stream[n * reset_interval : n * reset_interval + 12] = random_inputs(n, layered, 12)
    spikes = run_slayer(layered, stream, reset_interval=reset_interval, limit=120)
    for name, trace in run(layered, stream, reset_interval=reset_interval).items():
        level = layered.level[name]
        assert np.array_equal(spikes[name][level:], trace.spikes[level:]), name
        assert spikes[name].any()


def test_child_that_takes_too_long_is_killed():
    network = random_layered(3)
    with pytest.raises(ChildFailed, match="did not finish"):
        run_slayer(network, batch(3, network, 1), limit=0.5)
