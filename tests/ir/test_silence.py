"""A population that is said to be silent never fires, and one that fires is never said to be."""

import numpy as np
import pytest
from hypothesis import given, settings

from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.ir.silence import highest_voltage, silent_findings
from mksgn_neuro.sim.reference import run
from tests.networks import random_inputs, random_network, seeds


def layered(*weights, bits=0, **parameters):
    populations = tuple(
        Population.of(f"p{i}", "layer", (len(w),), **{"vth": 100, "v_decay": 4096, **parameters})
        for i, w in enumerate(weights)
    )
    names = ["input", *(p.name for p in populations)]
    projections = [Projection(a, b, np.array(w)) for a, b, w in zip(names, names[1:], weights)]
    return Network(Source("input", (len(weights[0][0]),), bits), populations, tuple(projections), names[-1])


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_no_voltage_exceeds_its_bound_and_the_silent_are_silent(seed):
    network = random_network(seed, loops=True, threshold=int(np.random.default_rng(seed).choice([60, 500, 4000])))
    traces = run(network, random_inputs(seed, network, 60, rate=1.0), states=True)
    told = {line.split()[0].rstrip(",") for line in silent_findings(network)}
    for p in network.order:
        assert traces[p.name].v.max() <= highest_voltage(network, p, told) or p.name not in told
        assert p.name not in told or not traces[p.name].spikes.any()


@pytest.mark.parametrize(
    ("network", "silent"),
    [
        (layered([[60, 40]]), ["p0"]),
        (layered([[60, 42]]), []),
        (layered([[60, 40]], v_decay=2048), []),
        (layered([[60, 40]], bits=4), []),
        (layered([[60, 40]], bias=2), []),
        (layered([[60, -200]], [[254]]), ["p0", "p1"]),
        (layered([[254]], [[-20]]), ["p1"]),
    ],
)
def test_the_bound_is_tight_where_nothing_is_remembered(network, silent):
    lines = list(silent_findings(network))
    assert [line.split()[0].rstrip(",") for line in lines] == silent
    assert all("can never fire" in line for line in lines)
    assert not lines or ("the last layer" in lines[-1]) == (silent[-1] == network.readout)


def test_nothing_is_said_where_a_current_can_wrap():
    """Inhibition alone, so strong that the current comes round on the other side."""
    network = layered([[-256] * 2], bits=16, i_decay=4, vth=131071)
    assert highest_voltage(network, network.order[0]) == 2**23 - 1
