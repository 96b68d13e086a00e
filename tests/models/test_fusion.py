"""Mutual information against scikit-learn's, and the weights that follow from it."""

import pytest
import torch
from hypothesis import given, settings
from sklearn.metrics import mutual_info_score

from mksgn_neuro.models.fusion import joint_probabilities, modality_weights, mutual_information
from tests.networks import seeds


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_matrix_is_that_of_sklearn(seed):
    generator = torch.Generator().manual_seed(seed)
    shared = torch.rand(300, generator=generator)
    rates = torch.rand(4, 1, generator=generator)
    spikes = (0.5 * shared + 0.5 * torch.rand(4, 300, generator=generator) < rates).double()
    found = mutual_information(joint_probabilities(spikes))
    for i in range(4):
        for j in range(4):
            assert found[i, j].item() == pytest.approx(mutual_info_score(spikes[i], spikes[j]), abs=1e-9)


def test_silent_and_always_firing_modalities_tell_nothing():
    spikes = torch.stack([torch.zeros(50), torch.ones(50), (torch.arange(50) % 2).float()])
    information = mutual_information(joint_probabilities(spikes))
    assert torch.allclose(information, torch.diag(torch.tensor([0, 0, 0.693147])), atol=1e-6)
    assert torch.allclose(modality_weights(information), torch.full((3,), 0.5))


def test_what_shares_more_weighs_more_and_the_mean_is_one():
    information = torch.tensor([[0.6, 0.3, 0.3], [0.3, 0.6, 0.0], [0.3, 0.0, 0.6]])
    weights = modality_weights(information)
    assert weights[0] > weights[1] == weights[2]
    assert weights.mean().item() == pytest.approx(1)
