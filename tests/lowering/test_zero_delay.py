import numpy as np
import pytest
from hypothesis import given, settings

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.lowering import balance_delays
from mksgn_neuro.lowering.zero_delay import zero_delay
from tests.networks import random_network, seeds


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_balance_makes_the_same_network_again(seed):
    steps = balance_delays(random_network(seed, transmission_delay=0, loops=True))
    again = balance_delays(zero_delay(steps))
    assert again.populations == steps.populations and again.transmission_delay == 1
    for before, after in zip(steps.projections, again.projections):
        assert (before.pre, before.post, before.delay) == (after.pre, after.post, after.delay)
        assert np.array_equal(before.matrix.toarray(), after.matrix.toarray())


def test_a_network_in_frames_stays_as_it_is():
    network = random_network(1, transmission_delay=0)
    assert zero_delay(network) is network


def test_a_spike_that_overtakes_others_is_refused_with_the_delay_that_it_needs():
    a, b = (Population.of(name, "layer", (2,), vth=1, v_decay=0) for name in "ab")
    eye = 4 * np.eye(2, dtype=np.int32)
    links = (Projection("input", "a", eye), Projection("a", "b", eye), Projection("input", "b", eye))
    network = Network(Source("input", (2,), 0), (a, b), links, "b")
    with pytest.raises(Unsupported, match="input → b: skips 1 levels and arrives 1 steps before.*at least 1"):
        zero_delay(network)
    late = network.with_(projections=(*links[:2], Projection("input", "b", eye, 1)))
    assert [q.delay for q in zero_delay(late).projections] == [0, 0, 0]
