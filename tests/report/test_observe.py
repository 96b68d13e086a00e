import numpy as np
import pytest

from mksgn_neuro.lowering import lower
from mksgn_neuro.models.store import load_model
from mksgn_neuro.report.observe import observe, places
from mksgn_neuro.report.online import confusion, online
from mksgn_neuro.sim import reference
from mksgn_neuro.workflows.load import load_networks


@pytest.fixture(scope="module")
def observed(classified):
    labels = classified.clips.labels
    return observe(classified.simulation.network, classified.inputs, labels, len(classified.clips.class_names))


def test_every_frame_is_what_the_reference_computes_in_frames(model, classified, observed):
    trained = load_model(model)
    frames = lower(trained.student, trained.task())
    runs = [reference.run(frames, clip) for clip in classified.inputs]
    for k, place in enumerate(observed.places):
        expected = sum(run[place.name].spikes.sum(axis=1, dtype=np.int64) for run in runs)
        assert np.array_equal(observed.spikes[k], expected), place.name
    assert observed.spikes.sum() > 0
    for k, place in enumerate(observed.joint_places):
        for label in np.unique(classified.clips.labels):
            own = np.flatnonzero(classified.clips.labels == label)
            spikes = np.stack([runs[i][place.name].spikes for i in own]).astype(float)
            by_joint = np.stack([spikes[:, :, place.joint == v].mean(axis=(0, 2)) for v in range(20)], axis=1)
            np.testing.assert_allclose(observed.by_class[k, label], by_joint, atol=1e-6)


def test_the_last_decision_is_the_simulation_s(classified, observed):
    assert np.array_equal(observed.votes.sum(axis=1), classified.simulation.scores)
    assert np.array_equal(observed.decisions[:, -1], classified.simulation.predictions)


def test_a_chain_shows_the_same_as_the_graph(model, classified, observed):
    chain = load_networks(model).forms["chain"]
    seen = observe(chain, classified.inputs, classified.clips.labels, len(classified.clips.class_names))
    assert {p.name for p in seen.places} == {p.name for p in observed.places} == {p.name for p in places(chain)}
    assert np.array_equal(seen.votes, observed.votes)
    spikes = {p.name: s.tolist() for p, s in zip(observed.places, observed.spikes)}
    assert {p.name: s.tolist() for p, s in zip(seen.places, seen.spikes)} == spikes


def test_online_accuracy_and_when_a_clip_is_settled():
    decisions = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 2], [2, 2, 2, 1]])
    result = online(decisions, np.array([1, 0, 2, 2]), np.array([True, False, False, False]))
    assert result.accuracy.tolist() == [0.75, 0.5, 0.75, 0.75]
    assert result.clean.tolist() == [2 / 3, 2 / 3, 2 / 3, 2 / 3]
    assert result.settled.tolist() == [3, 1, 4, 0] and result.median_settled == 3
    assert online(decisions, np.array([3, 3, 3, 3]), np.zeros(4, bool)).median_settled is None


def test_confusion_counts_every_clip_once():
    counts = confusion(np.array([0, 1, 1, 2]), np.array([0, 0, 1, 0]), 3)
    assert counts.tolist() == [[1, 1, 1], [0, 1, 0], [0, 0, 0]]
