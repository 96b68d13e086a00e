"""A long stream that is run piece by piece makes a network say what it says of the whole, and counts the same."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.sim import streams as module
from mksgn_neuro.sim.counts import total
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.readout import Readout
from mksgn_neuro.sim.streams import class_spikes_by_frame
from tests.networks import conv_network, random_inputs, random_network, seeds


class Lazy:
    """Gives slices and nothing else, as a stream that is made when it is asked for."""

    def __init__(self, array):
        self.array = array

    def __len__(self):
        return len(self.array)

    def __getitem__(self, chosen):
        assert isinstance(chosen, slice)
        return self.array[chosen]


def assert_as_at_once(network, streams, *, rows=None, **options):
    emulator = Emulator(network, threads=1)
    whole = emulator.run(streams, record=[network.readout], **options)
    readout, recorded = Readout.of(network), whole.spikes[network.readout]
    expected = readout.by_frame(recorded, whole.steps - options["silent_steps"])
    emulator.group_rows = rows or emulator.group_rows
    given_streams = [Lazy(x) if len(x) > module.LONG else x for x in streams]
    parts = list(class_spikes_by_frame(emulator, given_streams, **options))
    assert np.array_equal(np.concatenate([rows for rows, _ in parts]), np.concatenate(expected))
    counts, one = total([counts for _, counts in parts]), whole.counts
    assert (counts.clips, counts.steps) == (one.clips, one.steps)
    assert counts.max_step_spikes == one.max_step_spikes and counts.max_step_synops == one.max_step_synops
    assert counts.spikes.keys() == one.spikes.keys()
    assert all(np.array_equal(counts.spikes[name], one.spikes[name]) for name in one.spikes)
    return parts


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([0, 1]), st.sampled_from([0, 8]), st.integers(1, 9), st.sampled_from([None, 5, 40]))
def test_pieces_of_random_networks_are_the_whole(seed, transmission_delay, bits, rows, interval):
    network = random_network(
        seed, loops=True, transmission_delay=transmission_delay, max_size=30, message_bits=bits, max_delay=7
    )
    silent_steps = Readout.of(network).first + seed % 5
    streams = [random_inputs(seed + i, network, steps) for i, steps in enumerate((23, 3, 41))]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("LONG", 1), ("FETCHED", 13)):
            patch.setattr(module, name, value)
        parts = assert_as_at_once(network, streams, rows=rows, silent_steps=silent_steps, reset_interval=interval)
    assert len(parts) > 3


def test_pieces_through_convolutions_that_are_not_unrolled(monkeypatch):
    network = conv_network(3)
    monkeypatch.setattr(module, "LONG", 1)
    assert_as_at_once(network, [random_inputs(1, network, 33)], rows=5, silent_steps=4)


def test_short_and_long_streams_in_their_order(monkeypatch):
    network = random_network(7, loops=True, max_size=20)
    monkeypatch.setattr(module, "LONG", 20)
    lengths = (4, 30, 25, 20, 1, 50)
    assert_as_at_once(network, [random_inputs(i, network, n) for i, n in enumerate(lengths)], silent_steps=9)


def test_memory_does_not_grow_with_the_stream():
    network = random_network(5, max_size=30)
    emulator, peaks = Emulator(network, threads=1), []
    for steps in (module.LONG + 1, 16 * module.LONG):
        stream = Lazy(np.zeros((steps, network.source.size), dtype=np.int32))
        tracemalloc.start()
        frames = sum(len(rows) for rows, _ in class_spikes_by_frame(emulator, [stream], silent_steps=20))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert frames == steps
    assert peaks[1] < 1.2 * peaks[0]
