"""Plain layers against torch's, and what they lower to."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.nn import Conv1d, Conv2d, Dense
from tests.networks import seeds
from tests.nn.test_synapses import as_they_are, assert_same_with_gradients, random

POSITIONS, FRAMES, CLIPS, CHANNELS = 12, 3, 2, 4


def test_dense_is_a_product_over_all_neurons():
    x, module = random(0, POSITIONS, FRAMES, CLIPS, CHANNELS), Dense(POSITIONS * CHANNELS, 5).double()
    weight = module.weight.unflatten(0, (POSITIONS, CHANNELS))
    expected = torch.einsum("vtbc,vck->tbk", x, weight)[None]
    assert_same_with_gradients(module(x, as_they_are), expected, (x, module.weight))


geometry = st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(0, 2), st.integers(1, 2))


@settings(max_examples=20, deadline=None)
@given(seeds, geometry)
def test_one_dimension_is_torchs_convolution(seed, given_geometry):
    kernel, stride, padding, dilation = given_geometry
    x = random(seed, POSITIONS, FRAMES, CLIPS, CHANNELS)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    module = Conv1d(POSITIONS, CHANNELS, 5, kernel, **options).double()
    rows = x.permute(1, 2, 3, 0).flatten(0, 1)
    expected = torch.nn.functional.conv1d(rows, module.weight.permute(2, 1, 0), **options)
    expected = expected.unflatten(0, (FRAMES, CLIPS)).permute(3, 0, 1, 2)
    assert_same_with_gradients(module(x, as_they_are), expected, (x, module.weight))


@settings(max_examples=20, deadline=None)
@given(seeds, geometry)
def test_two_dimensions_are_torchs_convolution(seed, given_geometry):
    kernel, stride, padding, dilation = given_geometry
    size = (5, 6)
    x = random(seed, 30, FRAMES, CLIPS, CHANNELS)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    module = Conv2d(size, CHANNELS, 3, kernel, **options).double()
    images = x.permute(1, 2, 3, 0).flatten(0, 1).unflatten(-1, size)
    weight = module.weight.unflatten(0, (kernel, kernel)).permute(3, 2, 0, 1)
    expected = torch.nn.functional.conv2d(images, weight, **options)
    expected = expected.unflatten(0, (FRAMES, CLIPS)).flatten(3).permute(3, 0, 1, 2)
    assert_same_with_gradients(module(x, as_they_are), expected, (x, module.weight))


@pytest.mark.parametrize(
    "module",
    [
        Dense(POSITIONS * CHANNELS, 7),
        Conv1d(POSITIONS, CHANNELS, 5, 3, padding=1, stride=2),
        Conv2d((3, 4), CHANNELS, 5, 2, dilation=2, padding=1),
    ],
)
def test_deployed_synapses_make_the_same_sums(module):
    quantize_weight = lambda weight: (weight * 20).round()
    x = torch.randint(0, 2, (POSITIONS, FRAMES, CLIPS, CHANNELS)).float()
    ((delay, weights),) = module.synapses(quantize_weight, POSITIONS)
    neurons = x.permute(1, 2, 0, 3).flatten(2).numpy()
    with torch.no_grad():
        sums = module(x, quantize_weight).permute(1, 2, 0, 3).flatten(2).numpy()
    assert delay == 0 and np.array_equal(neurons @ weights.T.toarray(), sums)
