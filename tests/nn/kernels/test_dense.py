"""The teacher's kernels against torch's own operations, values and gradients, in float64."""

import pytest
import torch

from mksgn_neuro.nn.kernels.dense import (
    _NormalisedReLU,
    neighbours,
    neighbours_plain,
    normalised_relu_plain,
    window,
    window_plain,
)
from tests.nn.kernels.test_lif import random
from tests.students import partitions

JOINTS, CHANNELS = 5, 6


def assert_same(found, expected, inputs):
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-11)
    upstream = random(99, *found.shape).detach()
    for a, b in zip(torch.autograd.grad(found, inputs, upstream), torch.autograd.grad(expected, inputs, upstream)):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-11)


def test_neighbours():
    post, pre = torch.nonzero(partitions().sum(0), as_tuple=True)
    order = torch.randperm(len(post), generator=torch.Generator().manual_seed(0))
    post, pre = post[order], pre[order]
    x, weights = random(1, JOINTS, 4, 3, CHANNELS), random(2, len(post), CHANNELS)
    assert_same(neighbours(x, weights, post, pre), neighbours_plain(x, weights, post, pre), (x, weights))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [1, 7, 8])
@pytest.mark.parametrize("taps", [1, 5])
def test_window(stride, frames, taps):
    x, kernel = random(1, JOINTS, frames, 3, CHANNELS), random(2, taps, CHANNELS)
    assert_same(window(x, kernel, stride), window_plain(x, kernel, stride), (x, kernel))


def test_normalised_relu_with_and_without_a_shortcut():
    x, shortcut = random(1, JOINTS, 7, 3, CHANNELS, scale=4), random(2, JOINTS, 7, 3, CHANNELS)
    gamma, beta = random(3, CHANNELS), random(4, CHANNELS)
    for added, inputs in ((None, (x, gamma, beta)), (shortcut, (x, shortcut, gamma, beta))):
        found, mean, variance = _NormalisedReLU.apply(x, added, gamma, beta)
        expected, same_mean, same_variance = normalised_relu_plain(x, added, gamma, beta)
        assert torch.allclose(mean, same_mean) and torch.allclose(variance, same_variance)
        assert_same(found, expected, inputs)
