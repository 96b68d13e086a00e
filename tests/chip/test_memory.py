import numpy as np
import pytest
import scipy.sparse as sp

from mksgn_neuro.chip.catalog import LOIHI1, LOIHI2
from mksgn_neuro.chip.memory import Demand, axon_words, kernel_words
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, Source

# What Intel's compiler printed, targets of an axon -> words (docs/chip.md); fractions are averages over axons.
PRINTED_DENSE = {1: 1, 8: 2.83, 10: 3, 17: 5, 43: 12, 50: 13, 64: 15.75, 100: 26}


@pytest.mark.parametrize(("targets", "words"), PRINTED_DENSE.items())
def test_a_synapse_list_is_never_smaller_than_printed_and_hardly_larger(targets, words):
    assert words <= axon_words(targets, LOIHI2) <= words + 1.25


def test_an_axon_without_synapses_takes_no_words():
    assert axon_words(np.array([0, 1, 4]), LOIHI2).tolist() == [0, 1, 2]


# (C_in, C_out) -> words of a 3 x 3 kernel: PilotNet SDNN's printout, all rows but the last, whose zeros saved a word.
@pytest.mark.parametrize(("c_in", "c_out", "words"), [(3, 24, 81), (24, 36, 864), (36, 48, 1620), (48, 64, 2592)])
def test_a_shared_kernel_takes_what_was_printed(c_in, c_out, words):
    conv = ConvKernel(np.ones((c_out, c_in, 3, 3)), (c_in, 8, 8))
    assert kernel_words(conv, np.arange(c_out), LOIHI2) == words


def test_a_grouped_kernel_counts_only_the_groups_on_the_core():
    conv = ConvKernel(np.ones((8, 2, 1, 3)), (4, 5, 5), groups=2)
    whole = kernel_words(conv, np.arange(8), LOIHI2)
    assert whole == 2 * kernel_words(conv, np.arange(4), LOIHI2)


def network_of(*projections, size=6, **population):
    post = Population.of("post", "layer", (size,), vth=9, **{"v_decay": 100, **population})
    pre = Population.of("pre", "layer", (4,), vth=9, v_decay=100)
    feed = Projection("input", "pre", sp.csr_matrix(np.full((4, 4), 2)))
    return Network(Source("input", (4,)), (pre, post), (feed, *projections), "post")


def test_projections_from_one_population_share_axons_and_lists():
    ones = sp.csr_matrix(np.full((6, 4), 2))
    twice = network_of(Projection("pre", "post", ones), Projection("pre", "post", ones, 5))
    usage = Demand(twice, twice["post"], LOIHI2).usage(np.arange(6))
    assert (usage.axons, usage.words) == (4, 4 * axon_words(12, LOIHI2))
    assert usage.delay_slots == 6 * (1 + 5)


def test_only_axons_that_reach_the_core_count():
    weights = sp.csr_matrix(np.kron(np.eye(2), np.full((3, 2), 2)))
    network = network_of(Projection("pre", "post", weights))
    usage = Demand(network, network["post"], LOIHI2).usage(np.arange(3))
    assert (usage.axons, usage.words) == (2, 2 * axon_words(3, LOIHI2))


def test_a_dense_layer_stores_its_zeros_if_asked():
    weights = np.full((6, 4), 2)
    weights[1:, :] = 0
    weights[1, 0] = 2
    network = network_of(Projection("pre", "post", sp.csr_matrix(weights)))
    rows = np.arange(6)
    assert Demand(network, network["post"], LOIHI2).usage(rows).words == 4
    assert Demand(network, network["post"], LOIHI2, dense=True).usage(rows).words == 4 * axon_words(6, LOIHI2)


def test_distinct_decays_take_groups():
    network = network_of(v_decay=np.array([1, 1, 2, 2, 3, 3]), i_decay=np.array([4, 4, 4, 5, 5, 5]))
    demand = Demand(network, network["post"], LOIHI2)
    assert demand.usage(np.arange(6)).groups == 4
    assert demand.usage(np.arange(2)).groups == 1


def test_loihi1_stores_every_synapse_of_a_convolution():
    conv = ConvKernel(np.full((2, 1, 1, 1), 2), (1, 2, 2))
    source = Source("input", (1, 2, 2), 0)
    post = Population.of("post", "layer", (2, 2, 2), vth=9, v_decay=100)
    network = Network(source, (post,), (Projection("input", "post", conv),), "post")
    rows = np.arange(8)
    assert Demand(network, post, LOIHI1).usage(rows).axons == 4
    assert Demand(network, post, LOIHI2).usage(rows).axons == 1


@pytest.mark.parametrize("rows", [[0, 1, 2, 3, 4, 5], [2, 3, 4], [0, 3, 5], [1]], ids=str)
def test_rows_count_the_same_whether_they_follow_each_other_or_not(rows):
    weights = sp.random(6, 4, density=0.6, random_state=3, format="csr")
    weights.data[:] = 2
    demand = Demand(network := network_of(Projection("pre", "post", weights)), network["post"], LOIHI2)
    per_axon = (weights.toarray()[rows] != 0).sum(axis=0)
    usage = demand.usage(np.array(rows))
    assert (usage.axons, usage.words) == (np.count_nonzero(per_axon), axon_words(per_axon, LOIHI2).sum())


def test_decays_make_a_profile_per_pair():
    decays = {"v_decay": np.array([100, 5, 100, 4096, 5, 0]), "i_decay": np.array([4096, 0, 4096, 0, 1, 0])}
    network = network_of(Projection("pre", "post", sp.csr_matrix(np.full((6, 4), 2))), **decays)
    assert Demand(network, network["post"], LOIHI2).profiles.tolist() == [4, 1, 4, 2, 3, 0]
