import numpy as np
import pytest
import torch

from mksgn_neuro.ir import Group
from mksgn_neuro.models.fusion import joint_probabilities, mutual_information
from mksgn_neuro.report.collect import information_of
from mksgn_neuro.report.observe import firing_together, observe, population_views
from mksgn_neuro.report.online import confusion, online
from mksgn_neuro.sim import reference
from mksgn_neuro.workflows.load import load_networks
from mksgn_neuro.workflows.simulate import silent_steps_after


@pytest.fixture(scope="module")
def observed(collected):
    return collected.observed


def test_every_frame_is_what_the_reference_computes(runs, collected, observed):
    network, shown = runs["clip"].simulation.network, collected.shown
    silent_steps = silent_steps_after(network)
    padded = [np.pad(clip, ((0, silent_steps), (0, 0))) for clip in shown.inputs]
    traces = [reference.run(network, clip, reset_interval=len(clip)) for clip in padded]

    def of(view, i):
        return traces[i][view.population].spikes[view.lag : view.lag + shown.frames, view.neurons]

    for k, view in enumerate(observed.population_views):
        expected = sum(of(view, i).sum(axis=1, dtype=np.int64) for i in range(len(traces)))
        assert np.array_equal(observed.spikes[k], expected), view.name
    assert observed.spikes.sum() > 0
    for k, view in enumerate(observed.joint_views):
        for label in np.unique(shown.clips.labels):
            spikes = np.stack([of(view, i) for i in np.flatnonzero(shown.clips.labels == label)]).astype(float)
            by_joint = np.stack([spikes[:, :, view.joint == v].mean(axis=(0, 2)) for v in range(20)], axis=1)
            np.testing.assert_allclose(observed.by_class[k, label], by_joint, atol=1e-6)


def test_votes_are_the_simulation_s_until_the_clip_ends(runs, collected, observed):
    for class_spikes, spikes, end in zip(
        observed.class_spikes, runs["clip"].simulation.class_spikes, collected.shown.ends
    ):
        seen = min(end, collected.shown.frames)
        assert np.array_equal(class_spikes[:seen], spikes[:seen])


def test_a_layered_network_shows_the_same_as_the_graph(model, collected, observed):
    layered, shown = load_networks(model).representations["layered"], collected.shown
    seen = observe(layered, shown.inputs, shown.clips.labels, len(shown.clips.class_names))
    assert (
        {p.name for p in seen.population_views}
        == {p.name for p in observed.population_views}
        == {p.name for p in population_views(layered)}
    )
    assert np.array_equal(seen.class_spikes, observed.class_spikes)
    spikes = {p.name: s.tolist() for p, s in zip(observed.population_views, observed.spikes)}
    assert {p.name: s.tolist() for p, s in zip(seen.population_views, seen.spikes)} == spikes


def test_online_accuracy_and_the_share_of_clips_that_are_over():
    decisions = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 2], [2, 2, 2, 1]])
    result = online(decisions, np.array([1, 0, 2, 2]), np.array([True, False, False, False]), np.array([2, 4, 9, 3]))
    assert result.accuracy.tolist() == [0.75, 0.5, 0.75, 0.75]
    assert result.clean.tolist() == [2 / 3, 2 / 3, 2 / 3, 2 / 3]
    assert result.ended.tolist() == [0, 0, 0.25, 0.5]


def test_confusion_counts_every_clip_once():
    counts = confusion(np.array([0, 1, 1, 2]), np.array([0, 0, 1, 0]), 3)
    assert counts.tolist() == [[1, 1, 1], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("pruned", [False, True])
def test_modalities_that_fire_together_are_counted_as_training_counts_them(pruned):
    rng = np.random.default_rng(0)
    spikes = (rng.random((3, 5, 2, 4, 6)) < rng.random((1, 1, 2, 4, 6))).astype(np.uint8)  # clips, frames, joints, M, C
    flat, there = spikes.reshape(3, 5, -1), np.arange(48)
    if pruned:
        there = np.flatnonzero(flat.any(axis=(0, 1)) & (rng.random(48) < 0.8))
        spikes = np.where(np.isin(np.arange(48), there), flat, 0).reshape(spikes.shape)
    group = Group("encode", "encode", (2, 4, 6), ("joint", "modality", "channel"), index=there if pruned else None)
    expected = joint_probabilities(torch.from_numpy(spikes).double().movedim(3, 0).flatten(1))
    found = firing_together(group, flat[..., there])
    assert found.dtype == np.int64 and np.array_equal(found / (3 * 5 * 2 * 6), expected.numpy())


def test_a_page_tells_the_information_of_its_own_clips(model, collected, observed):
    found = collected.information
    expected = mutual_information(torch.from_numpy(observed.both_fire)).numpy()
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-9, atol=1e-15)
    assert np.ptp(found.matrix) > 0
    assert found.of_model and found.weights is None  # no training estimated any
    layered, shown = load_networks(model).representations["layered"], collected.shown
    seen = observe(layered, shown.inputs, shown.clips.labels, len(shown.clips.class_names))
    assert np.array_equal(seen.both_fire, observed.both_fire)
    assert information_of(seen, layered.task, None).weights is None
