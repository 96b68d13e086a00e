from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from mksgn_neuro.chip.energy import LOIHI1 as LOIHI1_ENERGY
from mksgn_neuro.chip.energy import PAPER
from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.chip.placement import coordinates, place_cores
from mksgn_neuro.chip.traffic import count_events, measure_traffic
from mksgn_neuro.errors import BadInput
from mksgn_neuro.sim import reference
from tests.chip.sample_networks import student
from tests.chip.test_rules import chip_with
from tests.networks import random_inputs, random_network, seeds


def measured(network, steps, chip, seed=0):
    inputs = random_inputs(seed, network, steps)
    spikes = {name: trace.spikes for name, trace in reference.run(network, inputs).items()}
    return measure_traffic(place_cores(map_network(network, chip)), inputs, spikes), inputs, spikes


def counted_by_hand(traffic, inputs, spikes):
    """Every spike followed to every synapse, one at a time."""
    mapping = traffic.placement.mapping
    network = mapping.network
    x, y = coordinates(mapping.chip, traffic.placement.site)
    zeros = lambda: np.zeros((len(inputs), len(mapping.cores)), dtype=np.int64)
    acs, macs, received, sent, active = zeros(), zeros(), zeros(), zeros(), zeros()
    hops_x, hops_y = (np.zeros(len(inputs), dtype=np.int64) for _ in "xy")
    touched = set()
    sources = {network.source.name: inputs, **spikes}
    for pre, activity in sources.items():
        graded = pre == network.source.name and network.source.message_bits > 0
        for t, n in zip(*np.nonzero(activity)):
            reached = set()
            for q in network.outgoing[pre]:
                owner = mapping.owner(q.post)
                for post in q.matrix[:, [n]].nonzero()[0]:
                    reached.add(owner[post])
                    if t + network.transmission_delay < len(inputs):
                        (macs if graded else acs)[t + network.transmission_delay, owner[post]] += 1
                    if t + network.transmission_delay + q.delay < len(inputs):
                        touched.add((t + network.transmission_delay + q.delay, q.post, post))
            for core in reached:
                if t + network.transmission_delay < len(inputs):
                    received[t + network.transmission_delay, core] += 1
                if pre != network.source.name:
                    own = mapping.owner(pre)[n]
                    sent[t, own] += 1
                    hops_x[t] += abs(x[own] - x[core])
                    hops_y[t] += abs(y[own] - y[core])
    for t, post, n in touched:
        active[t, mapping.owner(post)[n]] += 1
    totals = {"acs": acs, "macs": macs, "received": received, "sent": sent, "active": active}
    return {**totals, "hops_x": hops_x, "hops_y": hops_y}


@settings(max_examples=12, deadline=None)
@given(seeds)
def test_counts_are_those_of_following_every_spike(seed):
    rng = np.random.default_rng(seed)
    network = random_network(seed, loops=bool(rng.random() < 0.5), message_bits=int(rng.choice((0, 8))))
    traffic, inputs, spikes = measured(network, 12, chip_with(neurons=3, groups=40, mesh_width=3, mesh_height=40), seed)
    for name, expected in counted_by_hand(traffic, inputs, spikes).items():
        assert np.array_equal(getattr(traffic, name), expected), name
    assert int(traffic.spikes.sum()) == sum(int(s.sum()) for s in spikes.values())


def test_more_steps_than_a_word_and_more_synapses_than_are_gathered_at_once(monkeypatch):
    monkeypatch.setattr("mksgn_neuro.chip.traffic.MOST_GATHERED", 5)
    network = random_network(3, loops=True, message_bits=8)
    traffic, inputs, spikes = measured(network, 130, chip_with(neurons=3, groups=40, mesh_width=3, mesh_height=40))
    assert max(q.synapses for q in network.projections) > 5 and traffic.active[128:].any()
    for name, expected in counted_by_hand(traffic, inputs, spikes).items():
        assert np.array_equal(getattr(traffic, name), expected), name


def test_events_are_the_totals():
    traffic, inputs, spikes = measured(student((16, 16)), 20, chip_with())
    events = traffic.events(samples=2)
    neurons = sum(p.size for p in traffic.placement.mapping.network.populations)
    assert events.active_updates + events.inactive_updates == 20 * neurons
    assert (events.acs, events.macs) == (traffic.acs.sum(), traffic.macs.sum())
    assert events.macs == sum(8 * np.count_nonzero(frame) for frame in inputs[:-1])
    assert events.spikes == sum(int(s.sum()) for s in spikes.values())
    assert events.samples == 2


@settings(max_examples=12, deadline=None)
@given(seeds)
def test_counts_alone_give_the_same_events(seed):
    network = random_network(seed)
    traffic, inputs, spikes = measured(network, 12, chip_with(neurons=3, groups=40), seed)
    silent = lambda raster: np.concatenate([raster, np.zeros((1, raster.shape[1]), raster.dtype)])
    padded = {name: silent(raster) for name, raster in spikes.items()}
    expected = measure_traffic(traffic.placement, silent(inputs), padded).events(2)
    totals = {name: raster.sum(axis=0, dtype=np.int64) for name, raster in spikes.items()}
    totals["input"] = np.count_nonzero(inputs, axis=0)
    found = count_events(traffic.placement, totals, samples=2, steps=13)
    assert found.active_updates == expected.active_updates + expected.inactive_updates
    assert replace(found, active_updates=0, inactive_updates=0) == replace(
        expected, active_updates=0, inactive_updates=0
    )


def test_the_critical_core_is_the_one_with_most_work():
    traffic, *_ = measured(student((16, 16)), 10, chip_with())
    times = traffic.step_times(LOIHI1_ENERGY)
    work = 3.5 * (traffic.acs + traffic.macs) + 8.4 * traffic.active + 5.3 * (traffic.neurons - traffic.active)
    assert np.array_equal(times.critical, work.argmax(axis=1))
    assert times.seconds == pytest.approx((work.max(axis=1) + 465) * 1e-9, rel=1e-12)


def test_a_profile_without_times_gives_none():
    traffic, *_ = measured(student((8,)), 8, chip_with())
    with pytest.raises(BadInput, match="profile paper: has no times"):
        traffic.step_times(PAPER)
