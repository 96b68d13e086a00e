"""Graphs as other tools write them, against NIR's equations in float64, spike for spike."""

from itertools import pairwise

import nir
import numpy as np
import pytest

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.nir.reader import from_nir
from mksgn_neuro.export.nir.writer import to_nir
from mksgn_neuro.ir import ConvKernel
from mksgn_neuro.ir.compare import first_difference
from mksgn_neuro.ir.spec import check
from mksgn_neuro.lowering import balance_delays
from mksgn_neuro.sim.reference import run
from tests.export.nir.euler import simulate

RNG = np.random.default_rng(3)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers_in_any_order():
    RNG.bit_generator.state = START


def weights(*shape):
    """Multiples of 1/8 with a largest of 1: on the chip's grid as they are."""
    values = RNG.integers(-5, 8, shape) / 8
    values.flat[0] = 1.0
    return values


def integrator(*shape, r=1.0, **others):
    return nir.IF(r=np.full(shape, r), v_threshold=np.ones(shape), **others)


def conv(out, channels, k=(3, 3), *, given=None, stride=1, padding=1, dilation=1, groups=1, bias=False):
    weight = weights(out, channels // groups, *k)
    return nir.Conv2d(given, weight, stride, padding, dilation, groups, weights(out) / 4 if bias else np.zeros(out))


def pool(kind, size=2, stride=2, padding=0):
    return kind(*(np.array([n, n]) for n in (size, stride, padding)))


def graph(shape, *nodes, edges=()):
    """A chain from an input of `shape` to an output; nodes are named n0, n1 and so on."""
    named = {f"n{i}": node for i, node in enumerate(nodes)}
    names = ["in", *named, "out"]
    ends = {"in": nir.Input(None if shape is None else np.array(shape)), "out": nir.Output(np.array([1]))}
    return nir.NIRGraph({**ends, **named}, [*pairwise(names), *edges], type_check=False)


def flatten(start=0):
    return nir.Flatten(None, start_dim=start)


def linear(out, into):
    return nir.Linear(weights(out, into))


def behind_neurons(*nodes, channels=2, size=8):
    """A convolution, its neurons, then `nodes`."""
    first = conv(channels, 1) if size == 8 else conv(channels, 1, (2, 2), padding=0)
    return [first, integrator(channels, size, size), *nodes, flatten()]


SCALE = np.array([0.5, 2.0])[:, None, None] * np.ones((2, 8, 8))
LINEAR = {
    "sum pool before a linear": behind_neurons(pool(nir.SumPool2d), flatten(), linear(3, 32)),
    "average pool before a linear": behind_neurons(pool(nir.AvgPool2d), flatten(), linear(3, 32)),
    "pool before a convolution": behind_neurons(pool(nir.SumPool2d), conv(4, 2)),
    "odd rest of a pool": behind_neurons(pool(nir.SumPool2d), conv(4, 2), size=7),
    "overlapping padded pool": behind_neurons(pool(nir.AvgPool2d, 2, 1, 1), conv(3, 2)),
    "pool behind a convolution": [conv(2, 1), pool(nir.AvgPool2d), integrator(2, 4, 4), flatten(), linear(3, 32)],
    "pool straight into neurons": behind_neurons(pool(nir.SumPool2d)),
    "scales around a convolution": behind_neurons(nir.Scale(SCALE), conv(4, 2, dilation=2), nir.Scale(np.array(0.25))),
    "a scale per neuron": behind_neurons(nir.Scale(2.0 ** RNG.integers(-2, 1, (2, 8, 8))), conv(3, 2)),
    "groups and strides": behind_neurons(pool(nir.SumPool2d), conv(4, 4, stride=(2, 1), groups=2), channels=4),
    "padding by name": behind_neurons(
        conv(3, 2, (2, 3), padding="same"), integrator(3, 8, 8), conv(2, 3, padding="valid")
    ),
    "two linears": [
        flatten(),
        linear(9, 64),
        nir.Scale(np.array([0.5])),
        nir.Linear(1.0 * RNG.integers(-1, 2, (4, 9))),
    ],
    "a bias of a convolution": behind_neurons(conv(3, 2, bias=True)),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_nodes_are_multiplied_into_one_exactly(name):
    nodes = LINEAR[name]
    size = simulate(graph((1, 8, 8), *nodes), np.zeros((1, 1, 8, 8)), 1.0).shape[1]
    g = graph((1, 8, 8), *nodes, integrator(size))
    inputs = RNG.integers(0, 2, (40, 1, 8, 8)) * (RNG.random((40, 1, 8, 8)) < 0.6)
    network, findings = from_nir(g)
    assert check(network) == [] and not any("rounded" in str(f) for f in findings)
    ours, truth = run(network, inputs.reshape(40, -1))[network.readout].spikes, simulate(g, inputs, 1.0)
    assert 0.02 < truth.mean() < 0.98
    assert np.array_equal(ours, truth)


def test_a_pool_leaves_a_convolution_a_convolution_where_no_border_is_in_the_way():
    for name, shared in (
        ("pool before a convolution", True),
        ("odd rest of a pool", False),
        ("groups and strides", True),
    ):
        shape = simulate(graph((1, 8, 8), *LINEAR[name]), np.zeros((1, 1, 8, 8)), 1.0).shape[1:]
        network, _ = from_nir(graph((1, 8, 8), *LINEAR[name], integrator(*shape)))
        assert isinstance(network.projections[-1].weights, ConvKernel) == shared
    assert network.projections[-1].weights.groups == 2


def test_a_convolution_in_one_dimension():
    first = nir.Conv1d(12, weights(3, 2, 3), 2, 1, 1, 1, np.zeros(3))
    second = nir.Conv1d(None, weights(4, 3, 2), 1, 0, 2, 1, weights(4) / 4)
    g = graph((2, 12), first, integrator(3, 6), second, integrator(4, 4), flatten())
    inputs = RNG.integers(0, 2, (50, 2, 12))
    network, _ = from_nir(g)
    assert np.array_equal(run(network, inputs.reshape(50, -1))[network.readout].spikes, simulate(g, inputs, 1.0))


@pytest.mark.parametrize("start", [0, 1])
def test_a_flatten_at_the_end_or_anywhere_only_reshapes(start):
    inputs = RNG.integers(0, 2, (30, 2, 4, 5))
    nodes = [nir.Conv2d(None, weights(3, 2, 2, 2), 1, 0, 1, 1, np.zeros(3)), integrator(3, 3, 4)]
    plain, _ = from_nir(graph((2, 4, 5), *nodes))
    flat, _ = from_nir(graph((2, 4, 5), *nodes, flatten(start)))
    before, after = (run(n, inputs.reshape(30, -1))["n1"].spikes for n in (plain, flat))
    assert np.array_equal(before, after) and flat.readout == "n1"
    numbered = np.arange(1, 37) / 64
    g = graph((2, 4, 5), *nodes, flatten(start), nir.Flatten(None, 0), nir.Linear(numbered[None]), integrator(1))
    network, _ = from_nir(g)
    assert np.array_equal(run(network, inputs.reshape(30, -1))["n5"].spikes, simulate(g, inputs, 1.0))


def test_shapes_with_a_batch_of_one_and_no_shape_in_the_convolution():
    """As sinabs writes them."""
    nodes = [conv(2, 1), integrator(1, 2, 8, 8), pool(nir.SumPool2d), flatten(1), linear(3, 32), integrator(1, 3)]
    network, _ = from_nir(graph((1, 1, 8, 8), *nodes))
    plain, _ = from_nir(graph((1, 8, 8), nodes[0], integrator(2, 8, 8), *nodes[2:5], integrator(3)))
    inputs = RNG.integers(0, 2, (20, 64))
    assert np.array_equal(run(network, inputs)["n5"].spikes, run(plain, inputs)["n5"].spikes)
    assert network.source.shape == (1, 8, 8) and network["n1"].groups[0].axes == ("channel", "y", "x")


def filtered(bias, n=4):
    """CubaLIF whose current keeps 3/4 and whose voltage keeps 1/2 per step, as snnTorch's Synaptic is written."""
    full = lambda x: np.full(n, x)
    cell = nir.CubaLIF(full(4e-4), full(2e-4), full(2.0), full(0.0), full(1.0), w_in=full(4.0))
    return graph((6,), nir.Affine(weights(n, 6), np.asarray(bias)), cell)


def test_a_bias_enters_the_current_and_reaches_its_plateau_over_time():
    g = filtered([0.125, -0.25, 0.25, 0.375])
    network, findings = from_nir(g)
    assert check(network) == [] and network.readout == "n1" and not any("rounded" in str(f) for f in findings)
    assert any("bias enters the current" in str(f) for f in findings)
    silent = np.zeros((8, 6), dtype=int)
    u = run(network, silent, states=True)["n1"].u[:, 2] / (64 * network["n1"].vth)
    assert np.allclose(u, 0.25 * 4 * (1 - 0.75 ** np.arange(1, 9)), atol=1e-3)
    for _ in range(100):
        inputs = RNG.integers(0, 2, (8, 6))
        assert np.array_equal(run(network, inputs)["n1"].spikes, simulate(g, inputs, 1e-4))


def test_a_bias_into_a_current_survives_time_steps_and_our_own_file():
    network, _ = from_nir(filtered([0.125, -0.25, 0.25, 0.375]))
    inputs = RNG.integers(0, 2, (30, 6))
    frames, steps = run(network, inputs)["n1"].spikes, balance_delays(network)
    padded = np.pad(inputs, ((0, 2), (0, 0)))
    assert np.array_equal(run(steps, padded, reset_interval=32)["n1"].spikes[steps.level["n1"] :], frames)
    again, findings = from_nir(to_nir(network))
    assert first_difference(network, again) is None and findings == []


def test_a_bias_into_a_current_of_odd_floats_keeps_the_rates():
    g = filtered([0.1, -0.2, 0.05, 0.3])
    network, _ = from_nir(g)
    inputs = RNG.integers(0, 2, (2000, 6))
    ours, truth = run(network, inputs)["n1"].spikes, simulate(g, inputs, 1e-4)
    assert np.abs(ours.mean(axis=0) - truth.mean(axis=0)).max() < 0.01


def leaky(n, *, tau=2e-4, r=2.0, leak=0.0, threshold=1.0, reset=0.0):
    full = lambda x: np.full(n, x)
    return nir.LIF(full(tau), full(r), full(leak), full(threshold), full(reset))


def test_a_leak_potential_is_a_bias_and_a_reset_potential_moves_the_origin():
    cell = leaky(4, leak=-0.25, threshold=0.5, reset=-0.5)
    g = graph((6,), linear(4, 6), cell)
    network, findings = from_nir(g)
    assert any("counted from v_reset" in str(f) for f in findings)
    for _ in range(100):
        inputs = RNG.integers(0, 2, (8, 6))
        assert np.array_equal(run(network, inputs)["n1"].spikes, simulate(g, inputs, 1e-4))


def test_a_nested_graph_is_a_layer_with_a_loop_to_itself():
    w, rec, cell = linear(4, 6), nir.Linear(weights(4, 4) / 2), leaky(4)
    ends = {"input": nir.Input(np.array([4])), "output": nir.Output(np.array([4]))}
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    inner = nir.NIRGraph({**ends, "lif": cell, "w_rec": rec}, edges, type_check=False)
    network, _ = from_nir(graph((6,), w, inner, flatten()))
    assert network.readout == "n1.lif"
    assert {(q.pre, q.post, q.delay) for q in network.projections} == {("in", "n1.lif", 0), ("n1.lif", "n1.lif", 1)}
    flat = graph((6,), w, cell)
    flat.nodes["rec"] = rec
    flat.edges += [("n1", "rec"), ("rec", "n1")]
    for _ in range(100):
        inputs = RNG.integers(0, 2, (8, 6))
        assert np.array_equal(run(network, inputs)["n1.lif"].spikes, simulate(flat, inputs, 1e-4))


def test_graphs_nest_deeper_and_may_hold_no_neurons():
    def wrap(node):
        ends = {"i": nir.Input(np.array([6])), "o": nir.Output(np.array([4]))}
        return nir.NIRGraph({**ends, "x": node}, [("i", "x"), ("x", "o")], type_check=False)

    w, cell = linear(4, 6), leaky(4)
    network, _ = from_nir(graph((6,), wrap(wrap(w)), wrap(cell)))
    plain, _ = from_nir(graph((6,), w, cell))
    inputs = RNG.integers(0, 2, (20, 6))
    assert np.array_equal(run(network, inputs)["n1.x"].spikes, run(plain, inputs)["n1"].spikes)


def test_the_time_axis_of_a_sample_in_the_inputs_shape_is_named():
    """sinabs.nir.to_nir(model, zeros(1, 10, 16)) writes an input (10, 16) for a Linear of 16 inputs, (1, 16) for one
    step; a guess would take the ten steps of one input for ten inputs."""
    layers = nir.Affine(weights(3, 16), np.zeros(3)), nir.LIF(*(np.array(x) for x in (20.0, 1.0, 0.0, 1.0)))
    with pytest.raises(BadInput, match=r"n0: maps 16 inputs, gets 160 of shape \(10, 16\)") as caught:
        from_nir(graph((10, 16), *layers))
    assert "if 10 are time steps" in caught.value.hint and "zeros(1, 1, 16)" in caught.value.hint
    assert from_nir(graph((1, 16), *layers))[0].source.size == 16
    with pytest.raises(BadInput, match="takes one image") as caught:
        from_nir(graph((10, 1, 8, 8), conv(2, 1), integrator(2, 8, 8)))
    assert "zeros(1, 1, 1, 8, 8)" in caught.value.hint


def test_an_edge_listed_twice_counts_once_and_is_said():
    g = graph((6,), linear(4, 6), leaky(4), edges=[("n0", "n1")])
    network, findings = from_nir(g)
    assert len(network.projections) == 1 and any("listed 2 times" in str(f) for f in findings)


@pytest.mark.parametrize("own", [(), (1,)])
def test_one_parameter_for_a_layer_is_each_neurons(own):
    one = nir.LIF(*(np.full(own, x) for x in (2e-4, 2.0, 0.0, 1.0)))
    w, last = conv(2, 1), linear(3, 128)
    network, _ = from_nir(graph((1, 8, 8), w, one, flatten(), last, one))
    many = lambda *s: nir.LIF(*(np.full(s, x) for x in (2e-4, 2.0, 0.0, 1.0)))
    wide, _ = from_nir(graph((1, 8, 8), w, many(2, 8, 8), flatten(), last, many(3)))
    assert [p.size for p in network.populations] == [128, 3] and network["n1"].groups == wide["n1"].groups
    inputs = RNG.integers(0, 2, (20, 64))
    assert np.array_equal(run(network, inputs)["n4"].spikes, run(wide, inputs)["n4"].spikes)


def test_one_parameter_per_channel_is_that_of_its_neurons():
    channels = np.array([1.0, 0.5])
    cell = lambda threshold: nir.IF(np.ones(threshold.shape), threshold)
    nodes = [conv(2, 1), cell(channels[:, None, None]), flatten()]
    spread = cell(channels[:, None, None] * np.ones((2, 8, 8)))
    inputs = RNG.integers(0, 2, (20, 64))
    one, _ = from_nir(graph((1, 8, 8), *nodes))
    all_, _ = from_nir(graph((1, 8, 8), nodes[0], spread, nodes[2]))
    assert isinstance(one.projections[0].weights, ConvKernel)
    assert np.array_equal(run(one, inputs)["n1"].spikes, run(all_, inputs)["n1"].spikes)


DIFFERENT_DELAYS = nir.Delay(np.array([0.0, 1e-4, 0.0, 0.0]))
BAD = {
    "a SumPool2d is the output": graph((1, 8, 8), conv(2, 1), integrator(2, 8, 8), pool(nir.SumPool2d)),
    "takes an input of shape \\(C, H, W\\)": graph((64,), pool(nir.SumPool2d), integrator(16)),
    "takes an input of shape \\(3, H, W\\)": graph((1, 8, 8), conv(2, 3), integrator(2, 8, 8)),
    "windows of \\(9, 9\\)": graph((1, 8, 8), pool(nir.AvgPool2d, 9), integrator(1)),
    "type Threshold is not supported": graph((4,), nir.Threshold(np.ones(4)), integrator(4)),
    "delays that differ": graph((6,), linear(4, 6), DIFFERENT_DELAYS, linear(2, 4), leaky(2)),
    "bias through a delay": graph((6,), nir.Affine(weights(4, 6), np.ones(4)), DIFFERENT_DELAYS, leaky(4)),
    "has 0 nodes of type Output": graph((4,), nir.NIRGraph({"i": nir.Input(np.array([4]))}, [], type_check=False)),
    "the input has no shape": graph(None, flatten(), linear(3, 4), integrator(3)),
    "not finite": graph((1,), nir.Linear(np.array([[np.nan]])), leaky(1)),
    "of up to 1e\\+03": graph((2,), nir.Linear(np.array([[1e3, 0.5]])), leaky(1)),
}


@pytest.mark.parametrize("problem", BAD)
def test_what_has_no_exact_form_is_refused_by_node(problem):
    with pytest.raises(BadInput, match=problem) as caught:
        from_nir(BAD[problem], location="x.nir")
    assert str(caught.value).startswith(("x.nir:n", "x.nir:in")) and caught.value.hint and "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
