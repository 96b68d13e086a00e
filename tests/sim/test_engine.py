from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.errors import BadInput, Unsupported
from mksgn_neuro.ir import ConvKernel, Group, Network, Population, Projection, Source, spec
from mksgn_neuro.sim import convolutions, engine, reference
from mksgn_neuro.sim.engine import Emulator
from tests.networks import conv_network, forgetting, random_inputs, random_network, random_weights, seeds

NETWORKS_PER_EXAMPLE = 5


def assert_equal_to_reference(network, clips, *, reset_interval=None, threads=1):
    result = Emulator(network, threads=threads).run(clips, record="all", states=True, reset_interval=reset_interval)
    assert result.steps.tolist() == [len(clip) for clip in clips]
    for b, clip in enumerate(clips):
        for name, trace in reference.run(network, clip, reset_interval=reset_interval, states=True).items():
            for kind in ("spikes", "u", "v"):
                ours, theirs = getattr(result, kind)[name][b], getattr(trace, kind)
                assert np.array_equal(ours[: len(clip)], theirs), (name, kind, b)
                assert not ours[len(clip) :].any()
    return result


@settings(max_examples=120, deadline=None)
@given(seeds)
def test_random_networks_equal_the_reference(seed):
    """600 networks: skips, delays, loops, graded and binary sources, per-neuron decays, bias, both hops, periods."""
    for i in range(NETWORKS_PER_EXAMPLE):
        rng = np.random.default_rng([seed, i])
        network = random_network(
            seed + i,
            loops=True,
            transmission_delay=int(rng.integers(0, 2)),
            max_size=int(rng.choice([3, 8, 40, 140])),
            message_bits=int(rng.choice([0, 4, 8])),
        )
        clips = [random_inputs(seed + i, network, int(rng.integers(1, 25)))]
        assert_equal_to_reference(network, clips, reset_interval=int(rng.choice([0, 5])) or None)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_neurons_that_forget_equal_the_reference(seed):
    """Without recorded states, where their voltages are not even computed; biases and thresholds up to the limits."""
    rng = np.random.default_rng(seed)
    network = random_network(seed, loops=True, max_size=int(rng.choice([8, 140])), message_bits=int(rng.choice([0, 8])))
    network = forgetting(network, rng)
    extreme = [replace(p, vth=int(rng.choice([0, p.vth, spec.MAX_VTH]))) for p in network.populations]
    extreme = [replace(p, bias=int(rng.choice([-4096, 4095]))) if rng.random() < 0.2 else p for p in extreme]
    network = network.with_(populations=tuple(extreme)) if rng.random() < 0.5 else network
    clip, interval = random_inputs(seed, network, 40), int(rng.choice([0, 5])) or None
    found = Emulator(network, threads=1).run(clip, record="all", reset_interval=interval).spikes
    for name, trace in reference.run(network, clip, reset_interval=interval).items():
        assert np.array_equal(found[name][0], trace.spikes), name


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_convolutions_equal_the_reference(seed):
    network = conv_network(seed)
    assert_equal_to_reference(network, [random_inputs(seed, network, 12)])


def random_kernel(rng):
    """Any geometry that gives an output: one pixel, kernels wider than the padded image, strides that skip."""
    while True:
        groups = int(rng.integers(1, 4))
        c_out, c_in = groups * rng.integers(1, 4, 2)
        taps, stride, dilation = (tuple(int(n) for n in rng.integers(1, 4, 2)) for _ in range(3))
        padding = tuple(int(n) for n in rng.integers(0, 3, 2))
        kernel = 2 * rng.integers(-60, 60, (c_out, c_in // groups, *taps)) * (rng.random((c_out, 1, *taps)) < 0.8)
        shape = (int(c_in), *(int(n) for n in rng.integers(1, 10, 2)))
        conv = ConvKernel(kernel, shape, stride, padding, dilation, groups)
        if min(conv.output_shape) > 0:
            return conv


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_kernels_that_are_not_unrolled_equal_the_reference(seed):
    rng = np.random.default_rng(seed)
    conv, bits = random_kernel(rng), int(rng.choice([0, 8]))
    population = Population.of("c", "layer", conv.output_shape, vth=300 << 2, v_decay=1024, axes=("channel", "y", "x"))
    projections = [Projection("input", "c", conv, delay=1, weight_exp=2)]
    if rng.random() < 0.5:  # scattered synapses and another kernel into the same sums
        projections.append(Projection("input", "c", random_weights(rng, *conv.shape, 0.02) * 1000, weight_exp=1))
        projections.append(Projection("input", "c", conv))
    network = Network(Source("input", conv.input_shape, bits), (population,), tuple(projections), "c")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolutions, "UNROLLED", 0)
        tables = Emulator(network).plan.tables
        kept = sum(q.synapses > 0 for q in projections if isinstance(q.weights, ConvKernel))
        assert np.count_nonzero(tables.scatter_conv >= 0) == kept
        assert_equal_to_reference(network, [random_inputs(seed, network, 12), random_inputs(seed + 1, network, 3)])


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_a_kernels_synapses_are_counted_and_summed_without_unrolling(seed):
    q = Projection("input", "c", random_kernel(np.random.default_rng(seed)))
    unrolled = Projection("input", "c", q.matrix)
    for counted, one_by_one in ((q.out_degree, unrolled.out_degree), *zip(q.sums, unrolled.sums)):
        assert np.array_equal(counted, one_by_one)
    assert q.synapses == q.matrix.nnz


def student_like(seed, *, channels, joints=6, weight=40, message_bits=8, loop=False):
    """Blocks per joint pair, taps, a gate and a loop: what rows, diagonals and tiles of every width are made for."""
    rng = np.random.default_rng(seed)
    each, pairs = np.eye(joints), np.eye(joints) + np.eye(joints, k=1) + np.eye(joints, k=-1)
    heads, size = 2, joints * channels

    def blocks(joined, post, pre):
        kept = np.kron(joined, np.ones((post, pre))) * (rng.random((joints * post, joints * pre)) < 0.9)
        return sp.csr_matrix(2 * rng.integers(-weight // 2, weight // 2 + 1, kept.shape) * kept.astype(int))

    def diagonal(low, high):
        return sp.diags(2 * rng.integers(low, high, size), dtype=np.int32)

    def population(name, shape, vth=128, bias=0):
        return Population.of(name, "layer", shape, vth=vth, v_decay=2458, bias=bias)

    populations = (
        population("encode", (joints, channels), bias=60),
        population("graph", (joints, channels), vth=3 * weight),
        population("gate", (joints, heads), bias=110),
        population("and", (joints, channels)),
        population("out", (joints, channels)),
    )
    gates = np.kron(np.eye(joints * heads), np.full((channels // heads, 1), 72))
    projections = [
        Projection("input", "encode", blocks(each, channels, 3)),
        Projection("encode", "graph", blocks(pairs, channels, channels)),
        Projection("graph", "gate", blocks(each, heads, channels)),
        Projection("graph", "and", diagonal(36, 37), 1),
        Projection("gate", "and", gates),
        *(Projection("and", "out", diagonal(-40, 100), d) for d in range(4)),
        Projection("encode", "out", diagonal(-40, 100), 3),
    ]
    if loop:
        projections.append(Projection("out", "out", blocks(each, channels, channels), 2))
    return Network(Source("input", (joints, 3), message_bits), populations, tuple(projections), readout="out")


@pytest.mark.parametrize("channels", [12, 16, 32, 48, 64, 96, 128])
@pytest.mark.parametrize("loop", [False, True])
def test_student_shapes_equal_the_reference(channels, loop):
    network = student_like(channels, channels=channels, loop=loop)
    clips = [random_inputs(s, network, steps) for s, steps in enumerate((20, 7, 1))]
    result = assert_equal_to_reference(network, clips)
    assert all(result.counts.spikes[name].any() for name in ("encode", "graph", "gate", "and", "out"))


def test_sums_beyond_16_bits_are_exact():
    """All weights at the limit and every neuron firing: one tile's sum passes 32,767 several times over."""
    everything = sp.csr_matrix(np.full((384, 384), 254))
    flipped = sp.csr_matrix(np.full((384, 384), -256))
    populations = (
        Population.of("a", "layer", (384,), vth=0, v_decay=4096, bias=1),
        Population.of("up", "layer", (384,), vth=90_000, v_decay=4096),
        Population.of("down", "layer", (384,), vth=0, v_decay=0, bias=4095),
    )
    projections = (
        Projection("input", "a", np.zeros((384, 18), dtype=int)),
        Projection("a", "up", everything),
        Projection("a", "down", flipped),
    )
    network = Network(Source("input", (18,)), populations, projections, readout="up")
    assert spec.check(network) == []
    result = assert_equal_to_reference(network, [np.zeros((6, 18), dtype=int)])
    assert result.u["up"].max() == 64 * 254 * 384
    assert result.v["down"].min() < -(2**22)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(0, 1))
def test_wrap_and_saturation_equal_the_reference(seed, transmission_delay):
    """An illegal network leaves 24 bits in u and v; the engine still follows the definition."""
    rng = np.random.default_rng(seed)
    weights = sp.csr_matrix(rng.choice([-250, 254], (70, 6)))
    strong = sp.csr_matrix(rng.choice([-256, 254], (70, 70)))
    populations = tuple(
        Population.of(name, "layer", (70,), vth=1000, v_decay=int(rng.integers(0, 200)), i_decay=i_decay, bias=4000)
        for name, i_decay in (("a", 4096), ("b", int(rng.integers(0, 100))))
    )
    projections = (
        Projection("input", "a", weights),
        Projection("a", "b", strong),
        Projection("input", "b", weights, 2),
    )
    network = Network(
        Source("input", (6,), 16), populations, projections, readout="b", transmission_delay=transmission_delay
    )
    result = assert_equal_to_reference(network, [random_inputs(seed, network, 30, rate=1.0)])
    assert np.abs(result.v["a"]).max() == 2**23 - 1


@pytest.mark.parametrize("exponent", [-3, -1, 2])
def test_weight_exponents_equal_the_reference(exponent):
    rng = np.random.default_rng(exponent + 10)
    populations = tuple(Population.of(n, "layer", (50,), vth=200, v_decay=900) for n in "ab")
    projections = (
        Projection("input", "a", random_weights(rng, 50, 5, 0.9), weight_exp=min(exponent, 0)),
        Projection("a", "b", random_weights(rng, 50, 50, 0.5), weight_exp=exponent),
        Projection("a", "b", random_weights(rng, 50, 50, 0.5), delay=1),
    )
    network = Network(Source("input", (5,), 8), populations, projections, readout="b")
    assert assert_equal_to_reference(network, [random_inputs(3, network, 25)]).counts.spikes["b"].any()


def test_a_shift_that_cannot_be_proven_exact_is_refused():
    populations = (Population.of("a", "layer", (1,), vth=200, v_decay=900),)
    weights = sp.csr_matrix(np.full((1, 400), 254))
    projection = Projection("input", "a", weights, weight_exp=-8)
    network = Network(Source("input", (400,), 16), populations, (projection,), readout="a")
    with pytest.raises(Unsupported, match="input → a"):
        Emulator(network)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_batches_chunks_and_threads_equal_single_clips(seed):
    network = random_network(seed, loops=True, max_size=40)
    rng = np.random.default_rng(seed)
    clips = [random_inputs(seed + i, network, int(n)) for i, n in enumerate(rng.integers(1, 90, 20))]
    emulator = Emulator(network, threads=2)
    emulator.group_rows = 100
    whole = emulator.run(clips, record="all", silent_steps=3)
    streamed = list(emulator.stream(iter(clips), record=[network.readout], silent_steps=3))
    assert len(streamed) > 1
    assert np.array_equal(whole.scores, np.concatenate([r.scores for r in streamed]))
    single = [emulator.run(clip, record="all", silent_steps=3) for clip in clips]
    for b, one in enumerate(single):
        assert np.array_equal(one.scores[0], whole.scores[b])
        for name, spikes in one.spikes.items():
            assert np.array_equal(whole.spikes[name][b, : len(clips[b]) + 3], spikes[0])
    for name, counted in whole.counts.spikes.items():
        assert np.array_equal(counted, sum(one.counts.spikes[name] for one in single))
    assert whole.counts.max_step_synops == max(one.counts.max_step_synops for one in single)


def test_a_clip_longer_than_a_group_runs_whole():
    network = random_network(7, loops=True)
    assert_equal_to_reference(network, [random_inputs(1, network, engine.MOST_ROWS + 1), random_inputs(2, network, 5)])


def test_scores_count_the_readout_over_the_clips_steps_once_they_arrive():
    """Two classes of two copies behind one level; silent steps before the answer and after it do not count."""
    groups = (Group("relays", "relay", (3,), ("neuron",)), Group("readout", "readout", (2, 2), ("class", "copy")))
    population = Population("top", groups, 10, 4096, 4096, 0, role="layer")
    weights = np.zeros((7, 2), dtype=int)
    weights[:3, 0] = weights[3, 0] = weights[5:, 1] = 20
    network = Network(Source("input", (2,), 0), (population,), (Projection("input", "top", weights),), readout="top")
    clip = np.array([[1, 0], [0, 1], [0, 1], [1, 0], [0, 1]])
    assert Emulator(network).run(clip).scores.tolist() == [[2, 4]]
    drained = Emulator(network).run([clip, clip[:1], clip[:0]], silent_steps=9)
    assert drained.scores.tolist() == [[2, 6], [1, 0], [0, 0]]
    assert drained.decisions.tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (np.zeros((4, 3), dtype=int), "integers"),
        (np.full((4, 2), 0.5), "integers"),
        (np.full((4, 2), 128), "-128..127"),
        (np.full((4, 2), -129), "-128..127"),
    ],
)
def test_bad_inputs_are_refused(clip, message):
    population = Population.of("a", "layer", (1,), vth=10, v_decay=0)
    network = Network(Source("input", (2,)), (population,), (Projection("input", "a", np.ones((1, 2))),), readout="a")
    with pytest.raises(BadInput, match=message):
        Emulator(network).run(clip)


def test_convolution_kernels_need_not_be_unrolled_by_the_caller():
    kernel = ConvKernel(np.array([[[[2, -4], [6, 8]]]]), (1, 5, 5))
    population = Population.of("c", "layer", kernel.output_shape, vth=3, v_decay=2000)
    network = Network(Source("input", (1, 5, 5), 4), (population,), (Projection("input", "c", kernel),), readout="c")
    assert_equal_to_reference(network, [random_inputs(0, network, 9)])
