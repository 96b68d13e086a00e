"""What single steps cost adds up to what `simulate` counts of the whole stream."""

import numpy as np
from hypothesis import given, settings

from mksgn_neuro.chip.energy import PAPER, energy
from mksgn_neuro.chip.profile import Events
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.measure import measure
from mksgn_neuro.sim.stepwise import StepEmulator
from mksgn_neuro.workflows.cost import Pricing
from tests.networks import random_inputs, random_network, seeds


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_steps_add_up(seed):
    network = random_network(seed, message_bits=8 * (seed % 2))
    frames = random_inputs(seed + 1, network, 40)
    emulator, pricing = StepEmulator(network, record="all"), Pricing(network)
    costs = [pricing(emulator.step(frame).spikes, frame) for frame in frames]
    expected = measure(network, Emulator(network, threads=1).run(frames).counts)
    total = sum(costs[1:], costs[0])
    assert (total.acs, total.macs) == (expected.operations.acs, expected.operations.macs)
    assert total.spikes.tolist() == [p.spikes for p in expected.populations]
    assert total.joules == energy(Events(acs=total.acs, macs=total.macs), PAPER).joules_per_sample
    assert np.isclose(sum(cost.joules for cost in costs), total.joules)
