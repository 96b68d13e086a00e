"""The fused sums and their gradients against plain torch with autograd, in float64."""

import numba
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.data.skeleton import KINECT_20, partitions
from mksgn_neuro.nn.gate import gated
from mksgn_neuro.nn.kernels.graph_conv import one_product, pair_sum, products_by_joint
from mksgn_neuro.nn.synapses import ClassSum, GraphConvolution, Pointwise, Shortcut, TemporalTaps
from tests.networks import seeds

SHAPE = (3, 9, 2, 6)


def random(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


def as_they_are(weight: torch.Tensor) -> torch.Tensor:
    return weight


def assert_same_with_gradients(found, expected, inputs):
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-12)
    upstream = random(99, *found.shape).detach()
    for got, wanted in zip(
        torch.autograd.grad(found, inputs, upstream), torch.autograd.grad(expected, inputs, upstream)
    ):
        assert torch.allclose(got, wanted, rtol=1e-10, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 5), st.integers(1, 4))
def test_taps_are_shifted_sums_even_when_the_kernel_is_longer_than_the_clip(seed, taps, dilation):
    x, module = random(seed, *SHAPE), TemporalTaps(6, taps, dilation).double()
    expected = torch.zeros_like(x)
    for k in range(taps):
        moved = torch.nn.functional.pad(x, (0, 0, 0, 0, k * dilation, 0))[:, : x.shape[1]]
        expected = expected + module.weight[k] * moved
    assert_same_with_gradients(module(x, as_they_are), expected, (x, module.weight))


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_a_shortcut_is_one_weight_per_channel(seed):
    x, module = random(seed, *SHAPE), Shortcut(6).double()
    assert_same_with_gradients(module(x, as_they_are), x * module.weight, (x, module.weight))


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from([1, 2, 3, 6]))
def test_gates_are_a_product_by_head(seed, heads):
    x, gates = random(seed, *SHAPE), random(seed + 1, *SHAPE[:3], heads)
    expected = (x.unflatten(-1, (heads, -1)) * gates.unsqueeze(-1)).flatten(-2)
    assert_same_with_gradients(gated(x, gates), expected, (x, gates))


@settings(max_examples=10, deadline=None)
@given(seeds, st.sampled_from([1, 2, 4]))
def test_graph_convolution_is_the_sum_over_partitions_group_by_group(seed, groups):
    graph = torch.from_numpy(partitions(KINECT_20, 2)).double()
    module = GraphConvolution(graph, 4, 8, groups).double()
    x = random(seed, len(graph[0]), 3, 2, 4)
    adjacency = graph.new_zeros(graph.shape).index_put(
        (torch.arange(len(graph))[:, None], module.post, module.pre), module.adjacency * module.mask
    )
    parts = zip(x.chunk(groups, -1), module.weight.chunk(groups, -1))
    expected = torch.cat([torch.einsum("kij,jtbc,kcd->itbd", adjacency, part, weight) for part, weight in parts], -1)
    assert_same_with_gradients(module(x, as_they_are), expected, (x, module.weight, module.adjacency))


@settings(max_examples=10, deadline=None)
@given(seeds, st.sampled_from([1, 2, 4]))
def test_pairs_of_joints_as_one_large_product(seed, groups):
    graph = torch.from_numpy(partitions(KINECT_20, 1)).abs().sum(0)
    post, pre = torch.nonzero(graph, as_tuple=True)
    inputs = random(seed, len(graph), 7, 4), random(seed + 1, len(post), 4 // groups, 8)
    found, expected = (form(*inputs, post, pre, groups) for form in (one_product, pair_sum))
    assert_same_with_gradients(found, expected, inputs)


@settings(max_examples=10, deadline=None)
@given(seeds, st.sampled_from([1, 2, 3]))
def test_the_same_matrix_at_every_joint_group_by_group(seed, groups):
    x, module = random(seed, *SHAPE), Pointwise(6, 12, groups).double()
    expected = x @ torch.block_diag(*module.weight.chunk(groups, -1))
    assert_same_with_gradients(module(x, as_they_are), expected, (x, module.weight))


@settings(max_examples=10, deadline=None)
@given(seeds, st.sampled_from([1, 2, 3]))
def test_class_neurons_listen_to_their_group_only(seed, groups):
    x, module = random(seed, *SHAPE), ClassSum(SHAPE[0], 6, 12, groups).double()
    per_group = [
        torch.einsum("vtbc,vcn->tbn", part, weight)
        for part, weight in zip(x.chunk(groups, -1), module.weight.chunk(groups, 1))
    ]
    expected = torch.stack([per_group[k % groups][..., k] for k in range(12)], -1)[None]
    assert_same_with_gradients(module(x, as_they_are), expected, (x, module.weight))


@pytest.mark.parametrize("groups", [1, 4])
def test_dealing_joints_out_to_threads_changes_no_bit(groups):
    module = GraphConvolution(torch.from_numpy(partitions(KINECT_20, 2)), 4, 8, groups)
    x = torch.randn(20, 3, 2, 4).requires_grad_()

    def outcome() -> list[torch.Tensor]:
        sums = module(x, as_they_are)
        return [sums, *torch.autograd.grad(sums.square().sum(), (x, module.weight, module.adjacency))]

    before, threads = torch.get_num_threads(), numba.get_num_threads()
    with products_by_joint():
        together = outcome()
        numba.set_num_threads(1)
        try:
            alone = outcome()
        finally:
            numba.set_num_threads(threads)
    assert torch.get_num_threads() == before
    assert all(torch.equal(a, b) for a, b in zip(alone, together))


def test_a_joint_that_is_no_neighbour_of_itself_is_refused():
    with pytest.raises(ValueError, match="identity"):
        GraphConvolution(torch.ones(1, 3, 3) - torch.eye(3), 2, 2)
