import numpy as np
import torch
from hypothesis import assume, given, settings

from mksgn_neuro.ir.spec import check
from mksgn_neuro.lowering import lower
from mksgn_neuro.lowering.prune import prune
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.sim.reference import run
from tests.networks import random_inputs, random_network, seeds
from tests.students import random_frames, warm_student


def positions(population):
    """Where each remaining neuron of a one-group population stood before."""
    (group,) = population.groups
    return np.arange(group.size) if group.index is None else group.index


def assert_only_dead_neurons_went(network, inputs):
    pruned = prune(network)
    before, after = run(network, inputs), run(pruned, inputs)
    for population in pruned.populations:
        kept = positions(population)
        assert np.array_equal(after[population.name].spikes, before[population.name].spikes[:, kept])
    assert pruned[pruned.readout].size == network[network.readout].size
    return pruned


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_other_spikes_stay(seed):
    network = random_network(seed, loops=True, max_size=6, message_bits=6)
    assume(not check(network))
    pruned = assert_only_dead_neurons_went(network, random_inputs(seed, network, 25))
    assert not check(pruned)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_resets_stay_where_they_were(seed):
    """In time steps the reset of a layer is counted from its level, which a layer that went used to lower."""
    network = random_network(seed, loops=True, transmission_delay=1)
    assume(not check(network))
    pruned = prune(network)
    assert all(pruned.level[p.name] == network.level[p.name] for p in pruned.populations)
    inputs = random_inputs(seed, network, 40)
    before, after = (run(n, inputs, reset_interval=16)[network.readout].spikes for n in (network, pruned))
    assert np.array_equal(before, after)


def test_a_silent_channel_of_a_student_goes_everywhere_and_names_stay():
    student = warm_student(0)
    with torch.no_grad():
        student.blocks[0].graph.gamma[3] = 0
        student.blocks[0].graph.beta[3] = -1
    network = lower(quantize(student))
    frames = random_frames(0, 1, 12)[0].flatten(1).numpy().astype(int)
    pruned = assert_only_dead_neurons_went(network, frames)
    assert pruned["b1.graph"].size <= network["b1.graph"].size - student.joints
    assert pruned["b1.and"].size <= pruned["b1.graph"].size
    assert not any("channel 3" in pruned.describe("b1.graph", n) for n in range(pruned["b1.graph"].size))
