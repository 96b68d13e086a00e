from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from mksgn_neuro.ir import Projection
from mksgn_neuro.ir.spec import IllegalNetwork, check, require_legal
from tests.networks import conv_network, random_network, seeds


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_random_networks_are_legal_but_for_wrapping(seed):
    for network in (random_network(seed, loops=True), conv_network(seed)):
        assert {v.rule for v in check(network)} <= {"current_cannot_wrap"}


def broken(network, name, **changes):
    population = replace(network[name], **changes)
    return network.with_(populations=tuple(population if p.name == name else p for p in network.populations))


CASES = {
    "decays_in_range": lambda n: broken(n, "p1", v_decay=4097),
    "biases_in_range": lambda n: broken(n, "p1", bias=-4097),
    "thresholds_in_range": lambda n: broken(n, "p1", vth=2**17),
    "shapes_match": lambda n: broken(n, "p1", bias=np.zeros(99)),
    "endpoints_exist": lambda n: n.with_(readout="nowhere"),
    "unique_names": lambda n: n.with_(populations=(*n.populations, n["p0"])),
    "acyclic": lambda n: n.with_(
        projections=(*n.projections, Projection("p3", "p0", np.zeros((n["p0"].size, n["p3"].size))))
    ),
    "delays_in_range": lambda n: n.with_(projections=(replace(n.projections[0], delay=63), *n.projections[1:])),
    "weights_on_grid": lambda n: n.with_(
        projections=(replace(n.projections[0], weights=np.full(n.projections[0].weights.shape, -3)), *n.projections[1:])
    ),
    "transmission_delay_is_known": lambda n: n.with_(transmission_delay=2),
    "source_is_legal": lambda n: n.with_(source=replace(n.source, message_bits=-1)),
    "current_cannot_wrap": lambda n: n.with_(
        source=replace(n.source, message_bits=16),
        projections=(replace(n.projections[0], weights=np.full(n.projections[0].weights.shape, 4)), *n.projections[1:]),
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_every_rule_fires_alone_and_names_place_and_remedy(rule):
    legal = next(
        n for n in (random_network(s, subthreshold_bias=True, message_bits=4) for s in range(50)) if not check(n)
    )
    violations = check(CASES[rule](legal))
    assert {v.rule for v in violations} == {rule}
    assert all(v.location and v.limit and v.hint for v in violations)
    with pytest.raises(IllegalNetwork) as caught:
        require_legal(CASES[rule](legal))
    assert caught.value.violations == violations


def test_all_violations_are_reported_at_once():
    network = broken(broken(random_network(1, message_bits=0), "p0", vth=-1), "p2", v_decay=-1)
    assert {"thresholds_in_range", "decays_in_range"} <= {v.rule for v in check(network)}
