"""The fused scans against the plain loop with autograd: same spikes, same gradients; integers to the bit."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.nn.collective import channel_statistics
from mksgn_neuro.nn.kernels.lif import integer_lif, integer_lif_loop, lif, lif_loop, normalised_lif
from mksgn_neuro.sim.reference import run
from tests.networks import seeds

KEEP = 0.4
SHAPE = (3, 9, 2, 5)


def random(seed: int, *shape: int, scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).requires_grad_()


def assert_equal_gradients(found, expected, inputs):
    upstream = random(99, *found.shape).detach()
    got = torch.autograd.grad(found, inputs, upstream)
    wanted = torch.autograd.grad(expected, inputs, upstream)
    for name, a, b in zip("xsb", got, wanted):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-11), name


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_lif_equals_the_loop_in_float64(seed):
    x, scale, shift = random(seed, *SHAPE), random(seed + 1, 5), random(seed + 2, 5, scale=0.3)
    spikes, expected = lif(x, scale, shift, KEEP), lif_loop(x * scale + shift, KEEP)
    assert torch.equal(spikes, expected)
    assume(0 < spikes.mean() < 1)  # all silent or all firing says little about gradients
    assert_equal_gradients(spikes, expected, (x, scale, shift))


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_normalised_lif_equals_batch_norm_and_the_loop_in_float64(seed):
    x, gamma, beta = random(seed, *SHAPE, scale=3), random(seed + 1, 5), random(seed + 2, 5)
    spikes, mean, variance = normalised_lif(x, gamma, beta, KEEP, 1e-5, 0.6)
    by_torch = x.var((0, 1, 2), unbiased=False)
    assert torch.allclose(mean, x.mean((0, 1, 2))) and torch.allclose(variance, by_torch)
    scale = gamma * torch.rsqrt(by_torch + 1e-5)
    expected = lif_loop(x * scale + (beta - x.mean((0, 1, 2)) * scale).clamp(max=0.6), KEEP)
    assert torch.equal(spikes, expected)
    assert_equal_gradients(spikes, expected, (x, gamma, beta))


def test_channel_statistics_are_those_of_torch():
    x = random(0, *SHAPE, scale=3)
    mean, variance = channel_statistics(x)
    assert torch.allclose(mean, x.mean((0, 1, 2))) and torch.allclose(variance, x.var((0, 1, 2), unbiased=False))


def integers(seed: int, *shape: int, limit: int) -> torch.Tensor:
    return torch.randint(-limit, limit + 1, shape, generator=torch.Generator().manual_seed(seed)).float()


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 4000), st.integers(0, 4096), st.sampled_from([30, 400, 131071]))
def test_integer_scan_equals_the_loop_and_the_reference(seed, vth, v_decay, limit):
    x, bias = integers(seed, *SHAPE, limit=limit), integers(seed + 1, 5, limit=min(limit, 4096))
    spikes = integer_lif(x, bias, vth, v_decay)
    assert torch.equal(spikes, integer_lif_loop(x, bias, vth, v_decay))
    for joint in range(SHAPE[0]):
        assert np.array_equal(spikes[joint, :, 0], by_reference(x[joint, :, 0], bias, vth, v_decay))


def by_reference(x: torch.Tensor, bias: torch.Tensor, vth: int, v_decay: int) -> np.ndarray:
    """Spikes (T, C) of the reference simulator, each neuron fed its sums over a weight of one."""
    source = Source("input", (5,), 18)
    neurons = Population.of("layer", "layer", (5,), vth=vth, v_decay=v_decay, bias=bias.numpy().astype(np.int32))
    network = Network(
        source, (neurons,), (Projection("input", "layer", np.eye(5, dtype=np.int32)),), "layer", transmission_delay=0
    )
    return run(network, x.numpy().astype(np.int64))["layer"].spikes


@pytest.mark.parametrize("seed", range(3))
def test_integer_gradient_is_that_of_the_loop(seed):
    x = integers(seed, *SHAPE, limit=300).requires_grad_()
    bias = integers(seed + 1, 5, limit=50).requires_grad_()
    found, expected = integer_lif(x, bias, 128, 2458), integer_lif_loop(x, bias, 128, 2458)
    upstream = torch.randn(found.shape, generator=torch.Generator().manual_seed(seed))
    for a, b in zip(
        torch.autograd.grad(found, (x, bias), upstream), torch.autograd.grad(expected, (x, bias), upstream)
    ):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-6)
