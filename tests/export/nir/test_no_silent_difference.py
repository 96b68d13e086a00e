"""Random graphs against NIR's equations in float64: the same spikes, or a finding that says why not."""

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.nir.arithmetic import lost_by_truncation
from mksgn_neuro.export.nir.reader import from_nir
from mksgn_neuro.lowering import balance_delays
from mksgn_neuro.sim.reference import run
from tests.export.nir.euler import simulate
from tests.export.nir.random_graphs import DT, random_graph

STEPS = 30
seeds = st.integers(0, 2**32 - 1)


def read(graph):
    try:
        return from_nir(graph, dt=DT)
    except BadInput:
        return None, []  # a refusal is no silent difference


def inputs_for(rng, network):
    return rng.integers(0, 2, (STEPS, *network.source.shape)).astype(np.int32)


def reasons(findings, words, network):
    """The layers that a finding with one of these words is about, and all behind the first of them (a chain)."""
    named = {f.location for f in findings if any(word in f.problem for word in words)}
    order = [p.name for p in network.order]
    return set(order[min((order.index(n) for n in named), default=len(order)) :])


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_spikes_are_those_of_nirs_equations_or_a_finding_says_why(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, (0, 1024, 2048, 4096))
    network, findings = read(graph)
    if network is None:
        return
    inputs = inputs_for(rng, network)
    ours = run(network, inputs.reshape(STEPS, -1))
    said = reasons(findings, ("rounded", "truncated"), network)
    for name in (n for n in graph.nodes if n.startswith("l")):
        same = np.array_equal(ours[name].spikes, simulate(graph, inputs, DT, name))
        assert same or name in said, (name, [str(f) for f in findings])


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_where_nothing_decays_in_part_and_nothing_rounds_every_spike_is_the_same(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, (0, 4096))
    network, findings = read(graph)
    if network is None or any("rounded" in f.problem for f in findings):
        return
    assert not any("truncated" in f.problem for f in findings)
    inputs = inputs_for(rng, network)
    ours = run(network, inputs.reshape(STEPS, -1))[network.readout].spikes
    assert np.array_equal(ours, simulate(graph, inputs, DT))


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_time_steps_give_the_same_spikes_or_a_finding_says_that_a_bias_is_early(seed):
    rng = np.random.default_rng(seed)
    network, findings = read(random_graph(rng, (0, 1024, 4096)))
    if network is None:
        return
    inputs = inputs_for(rng, network).reshape(STEPS, -1)
    padded = np.vstack([inputs, np.zeros((8, inputs.shape[1]), dtype=np.int32)])
    frames, steps = run(network, inputs), balance_delays(network)
    plain, reset = run(steps, padded), run(steps, padded, reset_interval=64)
    said = reasons(findings, ("from step 0",), network)
    for name in (p.name for p in network.populations if network.incoming[p.name]):
        seen = slice(steps.level[name], steps.level[name] + STEPS)
        assert np.array_equal(frames[name].spikes, reset[name].spikes[seen])
        assert name in said or np.array_equal(frames[name].spikes, plain[name].spikes[seen])


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_loss_by_truncation_is_at_most_what_the_finding_says(seed):
    rng = np.random.default_rng(seed)
    cell, weight = slow_cell(int(rng.choice([100, 1024, 3000])), int(rng.choice([300, 2048, 4000])))
    network, findings = from_nir(
        nir.NIRGraph(
            {"in": nir.Input(np.array([5])), "w": weight(rng), "l": cell, "out": nir.Output(np.array([3]))},
            [("in", "w"), ("w", "l"), ("l", "out")],
            type_check=False,
        ),
        dt=DT,
    )
    assert any("truncated" in f.problem for f in findings)
    inputs = rng.integers(0, 2, (200, 5))
    v = run(network, inputs, states=True)["l"].v / 64
    matrix = network.projections[0].matrix.toarray()
    exact = []
    u_keep, v_keep = 1 - network["l"].i_decay / 4096, 1 - network["l"].v_decay / 4096
    state = [np.zeros(3), np.zeros(3)]
    for now in inputs:
        state[0] = state[0] * u_keep + matrix @ now
        state[1] = state[1] * v_keep + state[0]
        exact.append(state[1])
    off = np.abs(v - np.array(exact)).max()
    assert 0 < off <= lost_by_truncation(network["l"])


def slow_cell(v_decay, i_decay):
    """Neurons that never fire, and weights into them."""
    full = lambda x: np.full(3, float(x))
    gains = 4096 / v_decay, 4096 / i_decay
    cell = nir.CubaLIF(
        full(DT * gains[0]), full(DT * gains[1]), full(gains[0]), full(0), full(1e5), w_in=full(gains[1])
    )
    return cell, lambda rng: nir.Linear(2.0 * rng.integers(-2, 3, (3, 5)))


def test_whole_numbers_are_put_on_the_finest_grid_where_state_is_truncated():
    """A threshold of 4 would leave 256 levels of v; whole numbers that nothing truncates stay as they are."""
    for decay, vth in ((2048, 4 * 63), (0, 4)):
        cell = nir.IF(np.full(1, 1 / DT), np.full(1, 4.0)) if not decay else leaky(decay)
        nodes = {"in": nir.Input(np.array([2])), "w": nir.Linear(np.array([[4.0, -2]])), "l": cell}
        graph = nir.NIRGraph(
            {**nodes, "out": nir.Output(np.array([1]))}, [("in", "w"), ("w", "l"), ("l", "out")], type_check=False
        )
        network, _ = from_nir(graph, dt=DT)
        assert network["l"].vth == vth
        assert network.projections[0].matrix.toarray().tolist() == [[vth, -vth // 2]]


def leaky(decay):
    one = np.ones(1)
    return nir.LIF(DT * 4096 / decay * one, 4096 / decay * one, 0 * one, 4 * one)


def inhibited(decay, weight, fan_in):
    cell = leaky(decay) if decay else nir.IF(np.full(1, 1 / DT), np.full(1, 4.0))
    signs = np.where(np.arange(fan_in) < fan_in // 2, -1.0, 1.0)
    nodes = {"in": nir.Input(np.array([fan_in])), "w": nir.Linear(weight * signs[None]), "l": cell}
    edges = [("in", "w"), ("w", "l"), ("l", "out")]
    return nir.NIRGraph({**nodes, "out": nir.Output(np.array([1]))}, edges, type_check=False)


@pytest.mark.parametrize(("decay", "weight", "saturates"), [(0, 254.0, True), (0, 2.0, False), (2048, 254.0, False)])
def test_a_voltage_that_inhibition_drives_out_of_24_bits_is_said(decay, weight, saturates):
    """100 steps of inhibition, then as many of excitation: NIR's neuron comes back after 100, the chip's earlier."""
    graph = inhibited(decay, weight, 20)
    network, findings = from_nir(graph, dt=DT)
    first = np.arange(20) < 10
    inputs = np.where(np.arange(200)[:, None] < 100, first, ~first).astype(np.int32)
    said = [f for f in findings if "saturates" in f.problem]
    same = np.array_equal(run(network, inputs)["l"].spikes, simulate(graph, inputs, DT))
    assert same != saturates and bool(said) == saturates
    if said:
        v = run(network, inputs[:100], states=True)["l"].v[:, 0]
        assert f"{np.argmax(v == v.min()) + 1} steps" in said[0].problem and said[0].location == "l"


def test_a_current_that_can_wrap_is_said():
    for fan_in, wraps in ((400, False), (1200, True)):
        _, findings = from_nir(inhibited(0, 254.0, fan_in), dt=DT)
        assert any("wraps around" in f.problem for f in findings) == wraps
