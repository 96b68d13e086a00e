import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.sim import counts
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.measure import measure, projection_synops
from mksgn_neuro.sim.recorded import from_spikes, run_reference
from tests.networks import conv_network, random_inputs, random_network, seeds


def brute_force(network, clip, spikes):
    """Synaptic operations per projection, one spike and one synapse at a time."""
    sent = {network.source.name: clip, **spikes}
    found = []
    for q in network.projections:
        matrix = q.matrix.toarray()
        found.append(sum(np.count_nonzero(matrix[:, pre]) for _, pre in zip(*np.nonzero(sent[q.pre]))))
    return found


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_synaptic_operations_equal_brute_force(seed):
    for network in (random_network(seed, loops=True, message_bits=0), random_network(seed + 1), conv_network(seed)):
        clip = random_inputs(seed, network, 9)
        result = Emulator(network, threads=1).run(clip, record="all")
        found = brute_force(network, clip, {name: spikes[0] for name, spikes in result.spikes.items()})
        assert [projection_synops(q, result.counts) for q in network.projections] == found
        measurement = measure(network, result.counts)
        graded = [q.pre == "input" and network.source.message_bits > 0 for q in network.projections]
        assert measurement.operations.macs == sum(n for n, is_mac in zip(found, graded) if is_mac)
        assert measurement.operations.acs == sum(n for n, is_mac in zip(found, graded) if not is_mac)
        assert measurement.operations.dense == 9 * sum(
            np.count_nonzero(q.matrix.toarray()) for q in network.projections
        )
        for activity in measurement.populations:
            assert activity.synops == sum(n for n, q in zip(found, network.projections) if q.post == activity.name)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_counts_equal_those_of_recorded_spikes(seed):
    """Every field, step maxima among them, against sums over the reference's spikes."""
    for network in (random_network(seed, loops=True), random_network(seed, message_bits=0), conv_network(seed)):
        clips = [random_inputs(seed + i, network, 4 + 5 * i) for i in range(3)]
        ours = Emulator(network, threads=1).run(clips, silent_steps=2)
        slow = list(run_reference(network, clips, silent_steps=2))
        expected = counts.total([result.counts for result in slow])
        assert np.array_equal(ours.scores, np.concatenate([result.scores for result in slow]))
        for field in dataclasses.fields(expected):
            mine, theirs = getattr(ours.counts, field.name), getattr(expected, field.name)
            if field.name == "spikes":
                assert mine.keys() == theirs.keys()
                assert all(np.array_equal(mine[name], theirs[name]) for name in mine)
            else:
                assert mine == theirs, field.name


def test_a_hand_counted_network():
    """Two inputs, three neurons that always fire on bias: every number by hand."""
    a = Population.of("a", "encode", (3,), vth=1, v_decay=4096, bias=2)
    b = Population.of("b", "readout", (1,), vth=100, v_decay=4096)
    weights = np.array([[2, 0], [4, 6], [0, 0]])
    out = np.array([[2, 0, -2]])
    network = Network(
        Source("input", (2,)), (a, b), (Projection("input", "a", weights), Projection("a", "b", out)), "b"
    )
    clip = np.array([[5, 0], [1, 7], [0, 0]])
    counted = Emulator(network).run([clip, clip]).counts
    assert counted.spikes["input"].tolist() == [4, 2]
    assert counted.spikes["a"].tolist() == [6, 6, 6]
    assert counted.max_step_spikes == {"input": 2, "a": 3, "b": 0}
    assert counted.max_step_synops == 5
    report = measure(network, counted)
    assert [(p.spikes, p.spike_rate, p.synops, p.updates) for p in report.populations] == [
        (18, 1.0, 10, 18),
        (0, 0.0, 12, 6),
    ]
    json = report.as_json(clips=2)
    assert json["synaptic_operations"] == {"Effective_ACs": 6.0, "Effective_MACs": 5.0, "Dense": 15.0}
    assert report.as_json(clips=4)["synaptic_operations"] == {"Effective_ACs": 3.0, "Effective_MACs": 2.5, "Dense": 7.5}
    assert json["max_step_synops"] == 5
    assert json["populations"][0]["role"] == "encode"


def test_result_of_another_simulator_scores_alike():
    network = random_network(5)
    clip = random_inputs(5, network, 12)
    ours = Emulator(network).run(clip, record="all", silent_steps=4)
    again = from_spikes(network, clip, {name: spikes[0] for name, spikes in ours.spikes.items()})
    assert np.array_equal(again.scores, ours.scores)
    with pytest.raises(KeyError):
        from_spikes(network, clip, {"nobody": np.zeros((16, 3), dtype=np.uint8)})
