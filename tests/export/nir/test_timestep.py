"""Which time step a graph is taken to have, and whether anything can fire at it."""

import nir
import numpy as np
import pytest
from hypothesis import given, settings

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.nir.firing import steps_to_fire
from mksgn_neuro.export.nir.reader import from_nir
from mksgn_neuro.export.nir.writer import to_nir
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.ir.compare import first_difference
from mksgn_neuro.ir.spec import check
from mksgn_neuro.sim.reference import run
from tests.export.nir.euler import simulate
from tests.networks import random_inputs, random_network, seeds

WEIGHT = np.array([[0.75, -0.25, 0.5], [1.0, 0.125, -0.5]])


def net(*cells, weight=WEIGHT):
    """`cells` in a row, 3 inputs into the first two neurons, each next layer fed one to one."""
    nodes = {"in": nir.Input(np.array([3])), "w": nir.Linear(weight)}
    nodes |= {f"n{i}": cell for i, cell in enumerate(cells)} | {"out": nir.Output(np.array([2]))}
    names = list(nodes)
    return nir.NIRGraph(nodes, list(zip(names, names[1:])), type_check=False)  # noqa: RUF007


def integrator(r, threshold=1.0):
    return nir.IF(np.broadcast_to(float(r), 2) if np.ndim(r) == 0 else np.array(r), np.full(2, threshold))


def leaky(tau, r, threshold=1.0):
    return nir.LIF(*(np.full(2, x) for x in (tau, r, 0.0, threshold)))


def said(findings, words):
    return [str(f) for f in findings if words in str(f)]


@pytest.mark.parametrize("r, dt", [(1.0, 1.0), (1e3, 1e-3), (1e4, 1e-4)])
def test_integrators_say_their_time_step(r, dt):
    graph = net(integrator(r))
    network, findings = from_nir(graph)
    assert len(said(findings, f"{dt:g} s is taken")) == (dt != 1e-4)
    inputs = np.random.default_rng(0).integers(0, 2, (40, 3))
    spikes = run(network, inputs)["n0"].spikes
    assert spikes.any() and np.array_equal(spikes, simulate(graph, inputs, dt))
    given_too, _ = from_nir(graph, dt=dt)
    assert first_difference(network, given_too) is None


def test_time_constants_in_steps_mean_unit_steps():
    """sinabs writes tau in steps and r = 1; a LIF in seconds with r = 1 stays at the default."""
    network, findings = from_nir(net(integrator(1), leaky(16.0, 1.0, 0.05)))
    assert said(findings, "1 s is taken") and int(network["n1"].v_decay) == 256
    network, findings = from_nir(net(leaky(16.0, 1.0, 0.05)))
    assert said(findings, "are in steps") and int(network["n0"].v_decay) == 256
    network, findings = from_nir(net(leaky(0.0016, 1.0, 0.05)))
    assert not said(findings, "is taken") and int(network["n0"].v_decay) == 256


def test_a_time_step_that_r_contradicts_is_said():
    _, findings = from_nir(net(leaky(0.02, 20.0)))
    assert said(
        findings, "runs at a time step of 0.0001 s; by its r, a spike counts in full in some layers at dt 0.001"
    )
    _, findings = from_nir(net(leaky(0.02, 20.0)), dt=1e-3)
    assert not said(findings, "by its r")


REFUSED = {
    "n0: asks for a time step of 1 s, beside time steps of 0.0001 s and 1 s": (
        net(integrator(1), leaky(2e-4, 2)),
        None,
    ),
    "n0: asks for a time step of 1 s, beside a time constant of 0.02 s": (net(integrator(1), leaky(0.02, 1)), None),
    "n0: cannot fire at a time step of 0.0001 s.*; give dt 1, seconds": (net(integrator(1)), 1e-4),
    "n0: cannot fire at a time step of 0.0001 s.*; give dt 0.5, seconds": (net(integrator([1, 2])), None),
    "time constant is shorter than the time step 1 s; give a smaller dt": (net(leaky(2e-4, 2)), 1.0),
}


@pytest.mark.parametrize("problem", REFUSED)
def test_time_steps_at_which_nothing_works_are_refused(problem):
    graph, dt = REFUSED[problem]
    with pytest.raises(BadInput, match=problem) as caught:
        from_nir(graph, dt=dt, location="x.nir")
    assert "\n" not in str(caught.value) and caught.value.exit_code == 2


def test_a_last_layer_that_cannot_fire_is_always_said():
    _, findings = from_nir(net(leaky(2e-4, 2), weight=-np.abs(WEIGHT)))
    assert said(findings, "n0: none of its neurons can ever fire, whatever the input")
    _, findings = from_nir(net(leaky(2e-4, 2), weight=WEIGHT * [[1], [-0.25]]))
    assert said(findings, "n0: 1 of its 2 neurons can never fire")
    _, findings = from_nir(net(leaky(2e-4, 2), weight=0.3 * WEIGHT))
    assert said(findings, "n0: none of its neurons can ever fire")  # leaks away before the threshold
    _, findings = from_nir(net(leaky(2e-4, 2, 9.0), leaky(2e-4, 2)))
    assert said(findings, "n0: none") and said(findings, "n1: none")
    _, findings = from_nir(net(leaky(2e-4, 2)))
    assert not said(findings, "fire,")


def test_ours_too():
    silent = Population.of("p", "layer", (1,), vth=100, v_decay=2048)
    network = Network(
        Source("input", (1,), 0), (silent,), (Projection("input", "p", [[40]]),), "p", transmission_delay=0
    )
    again, findings = from_nir(to_nir(network))
    assert first_difference(network, again) is None and said(findings, "p: none of its neurons can ever fire")


def test_resets_by_subtraction_are_mentioned_where_a_neuron_remembers():
    assert said(from_nir(net(integrator(1)))[1], "reset by subtraction")
    assert not said(from_nir(net(leaky(1e-4, 1)))[1], "reset by subtraction")


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_no_neuron_fires_before_its_bound(seed):
    network = random_network(seed, loops=True, transmission_delay=0, message_bits=4)
    if check(network):
        return
    bound = steps_to_fire(network)
    for name, trace in run(network, random_inputs(seed, network, 40)).items():
        first = np.where(trace.spikes.any(axis=0), trace.spikes.argmax(axis=0) + 1, np.inf)
        assert np.all(bound[name] <= first)
