from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings

from mksgn_neuro.chip.catalog import LOIHI1, LOIHI2
from mksgn_neuro.chip.mapping import _equal_parts, compiler_mapping, map_network
from mksgn_neuro.lowering.prune import prune
from tests.chip.sample_networks import mnist_mlp, pilotnet, student
from tests.networks import conv_network, random_network, seeds


def cores_of(mapping):
    return tuple(len(indices) for indices in mapping.cores_by_population.values())


@pytest.mark.parametrize("mapper", [map_network, compiler_mapping])
def test_mnist_mlp_takes_five_cores(mapper):
    assert cores_of(mapper(mnist_mlp())) == (3, 1, 1)


def test_pilotnet_takes_what_intels_compiler_printed():
    mapping = compiler_mapping(pilotnet())
    assert cores_of(mapping) == (13, 25, 13, 3, 3, 2, 12, 1, 1, 1)
    assert len(mapping.cores) == 74


def test_pilotnet_images_are_cut_as_printed():
    printed = {"input": 3168, "conv1": 3072, "conv2": 2160, "conv3": 2688, "conv4": 2048, "conv5": 2048, "dense10": 1}
    mapping = compiler_mapping(pilotnet())
    largest = {name: max(mapping.cores[i].usage.neurons for i in mapping.cores_by_population[name]) for name in printed}
    assert largest == printed


def test_storing_only_synapses_saves_cores_of_pilotnet():
    ours, theirs = map_network(pilotnet()), compiler_mapping(pilotnet())
    assert len(ours.cores) < len(theirs.cores)
    assert {
        n for n in ours.cores_by_population if len(ours.cores_by_population[n]) != len(theirs.cores_by_population[n])
    } == {"dense7"}


def assert_partition(mapping):
    for population in mapping.network.populations:
        rows = np.concatenate([mapping.cores[i].neurons for i in mapping.cores_by_population[population.name]])
        assert np.array_equal(np.sort(rows), np.arange(population.size))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_every_neuron_lies_on_one_core_within_every_limit(seed):
    network = random_network(seed, populations=5, max_size=30)
    small = chip_with(neurons=5, memory_words=150, input_axons=70, groups=40)
    for mapper in (map_network, compiler_mapping):
        mapping = mapper(network, small)
        assert_partition(mapping)
        for core in mapping.cores:
            assert core.usage.load(small) <= 1 or len(core.neurons) == 1


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_an_image_is_covered_whatever_the_limits(seed):
    network = conv_network(seed)
    for neurons in (1, 3, 7, 40, 4095):
        mapping = map_network(network, chip_with(neurons=neurons))
        assert_partition(mapping)
        assert max(core.usage.neurons for core in mapping.cores) <= neurons


def chip_with(**limits):
    changed = {name: replace(LOIHI2.limits[name], value=value) for name, value in limits.items()}
    return replace(LOIHI2, limits={**LOIHI2.limits, **changed})


def test_a_mapping_is_the_same_every_time():
    one, two = map_network(student((24, 32))), map_network(student((24, 32)))
    assert len(one.cores) == len(two.cores)
    for a, b in zip(one.cores, two.cores):
        assert (a.population, a.usage) == (b.population, b.usage)
        assert np.array_equal(a.neurons, b.neurons)


def test_base_fits_one_chip():
    mapping = map_network(student())
    assert len(mapping.cores) <= LOIHI2["cores"]
    assert max(core.usage.load(LOIHI2) for core in mapping.cores) <= 1


def test_a_graph_convolution_is_cut_into_few_joints_per_core():
    mapping = map_network(student())
    for name in ("b1.graph", "b6.graph"):
        width = mapping.network[name].groups[0].shape[1]
        spans = [np.ptp(mapping.cores[i].neurons // width) + 1 for i in mapping.cores_by_population[name]]
        assert max(spans) <= 5


def test_pruned_neurons_leave_joints_whole():
    network = student((16, 24))
    silenced = []
    for q in network.projections:
        rows = np.arange(q.weights.shape[0])
        keep = np.ones(len(rows)) if q.post != "b2.graph" else rows % 3 != 0
        silenced.append(replace(q, weights=sp.diags(keep.astype(int)) @ q.matrix))
    pruned = prune(network.with_(projections=tuple(silenced)))
    group = pruned["b2.graph"].groups[0]
    assert 0 < group.size < 20 * 24 and group.index is not None
    mapping = map_network(pruned, chip_with(neurons=50))
    assert_partition(mapping)
    joints = [np.unique(group.index[mapping.cores[i].neurons] // 24) for i in mapping.cores_by_population["b2.graph"]]
    assert sorted(np.concatenate(joints).tolist()) == list(range(20))


def test_cores_are_filled_evenly():
    mapping = map_network(student())
    shares = [mapping.cores[i].usage.load(LOIHI2) for i in mapping.cores_by_population["b6.graph"]]
    assert min(shares[:-1]) > 0.5 * max(shares)


def test_fanout_counts_every_synapse_once():
    mapping = map_network(student((16, 24)))
    for name, fanout in mapping.fanout.items():
        expected = sum(q.synapses for q in mapping.network.outgoing[name])
        assert int(fanout.sum()) == expected
    q = mapping.network.incoming["b1.graph"][0]
    per_neuron = np.asarray(mapping.fanout["fuse"].sum(axis=1)).ravel()
    shortcut = next(s for s in mapping.network.incoming["b1.temporal"] if s.pre == "fuse")
    both = sp.vstack([q.matrix, shortcut.matrix])
    assert np.array_equal(per_neuron, np.diff(both.tocsc().indptr))


def test_loihi1_takes_more_cores():
    network = student()
    assert len(map_network(network, LOIHI1).cores) > len(map_network(network, LOIHI2).cores)


@pytest.mark.parametrize(("length", "pieces"), [(1, 1), (10, 3), (11, 4), (12, 4), (7, 7)])
def test_equal_parts_are_numpys(length, pieces):
    parts, expected = _equal_parts(np.arange(length), pieces), np.array_split(np.arange(length), pieces)
    assert [part.tolist() for part in parts] == [part.tolist() for part in expected]
