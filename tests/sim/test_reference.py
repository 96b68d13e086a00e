import csv

import numpy as np
import pytest
from hypothesis import given, settings

from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.sim.reference import decayed, run, wrap
from tests.networks import random_inputs, random_network, seeds
from tests.paths import SHARED, needs_shared_data


def one_neuron(weight, **parameters):
    population = Population.of("out", "layer", (1,), **parameters)
    return Network(Source("input", (1,), 0), (population,), (Projection("input", "out", [[weight]]),), "out")


@needs_shared_data
def test_reproduces_the_trace_of_a_real_loihi_2():
    """Trace from the NIR paper's repository: the probe reads 128, its reset marker, where a neuron just fired."""
    path = SHARED / "loihi2-lif-trace.csv"
    rows = np.array([[float(x) for x in row] for row in csv.reader(path.open())])
    sent, voltage, fired = rows[:, 0], rows[:, 1], rows[:, 2]
    trace = run(one_neuron(10, vth=25, v_decay=163), sent[:, None].astype(int), states=True)["out"]
    assert len(rows) == 1000 and fired.sum() > 0
    spikes = trace.spikes[:, 0]
    assert np.array_equal(spikes, fired.astype(int))
    expected = np.where(spikes == 1, 128, trace.v[:, 0])
    assert np.array_equal(expected, voltage.astype(int))


def test_wrap_and_decay_at_the_edges():
    top = 2**23
    assert wrap(np.array([top, top + 1, -top, -top + 1, 0])).tolist() == [top, -top + 1, top, -top + 1, 0]
    assert decayed(np.array([-3, 3, -4096]), np.array(2048)).tolist() == [-1, 1, -2048]


def test_threshold_is_strict_and_voltage_saturates():
    exact = run(one_neuron(10, vth=10, v_decay=0), np.array([[1], [1], [0]]), states=True)["out"]
    assert exact.spikes.ravel().tolist() == [0, 0, 1]
    big = run(one_neuron(-256, vth=131071, v_decay=0, i_decay=0), np.ones((400, 1), int), states=True)["out"]
    assert big.v.min() == 1 - 2**23


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_period_restarts_a_quiet_network_exactly(seed):
    """Back to back with `drain_steps` silent steps between, each sample gives what it gives alone."""
    network = random_network(seed, subthreshold_bias=True, transmission_delay=0)
    reset_interval = 12 + network.drain_steps
    silence = np.zeros((network.drain_steps, network.source.size), dtype=int)
    samples = [np.vstack([random_inputs(seed + i, network, 12), silence]) for i in range(3)]
    together = run(network, np.vstack(samples), reset_interval=reset_interval)
    for i, sample in enumerate(samples):
        alone = run(network, sample)
        for name, trace in together.items():
            assert np.array_equal(trace.spikes[i * reset_interval : (i + 1) * reset_interval], alone[name].spikes)


@pytest.mark.parametrize("steps", [0, 1])
def test_short_inputs(steps):
    network = random_network(5)
    assert all(
        t.spikes.shape == (steps, network[n].size)
        for n, t in run(network, np.zeros((steps, network.source.size))).items()
    )
