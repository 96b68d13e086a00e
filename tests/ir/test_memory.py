"""What `ir.memory` states, tried out: exact where decays are complete, what is true where they are not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.ir import Network, Population, Projection, Source
from mksgn_neuro.ir.memory import fading, memory_of
from mksgn_neuro.lowering import as_layered, balance_delays
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.reference import run
from tests.networks import random_inputs, random_network, seeds

PAST, FUTURE = 25, 30
LEAK = 2458  # keeps 0.4 of the voltage


def line(*delays, weights=None, bits=0, **parameters):
    """input → p1 → p2 …, one neuron each."""
    parameters = {"vth": 60, "v_decay": 4096, **parameters}
    names = ["input", *(f"p{i + 1}" for i in range(len(delays)))]
    populations = tuple(Population.of(name, "layer", (1,), **parameters) for name in names[1:])
    weights = weights or [80] * len(delays)
    links = zip(names, names[1:], weights, delays)
    projections = tuple(Projection(pre, post, [[w]], d) for pre, post, w, d in links)
    return Network(Source("input", (1,), bits), populations, projections, names[-1], transmission_delay=0)


def with_decays(network, i_decay=4096, v_decay=4096):
    populations = tuple(replace(p, i_decay=i_decay, v_decay=v_decay) for p in network.populations)
    return network.with_(populations=populations)


def two_pasts(seed, network, past, future):
    """Two input streams that differ for `past` frames and then agree for `future`."""
    common = random_inputs(seed + 2, network, future)
    return [np.vstack([random_inputs(seed + i, network, past), common]) for i in range(2)]


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(0, 1))
def test_equal_frames_give_equal_spikes_and_states_where_decays_are_complete(seed, transmission_delay):
    network = with_decays(random_network(seed, transmission_delay=transmission_delay))
    memory = memory_of(network)
    assert memory.exact and (memory.leaks, memory.units) == (0, 0)
    one, other = streams = two_pasts(seed, network, PAST, memory.frames + FUTURE)
    by_reference = [run(network, stream, states=True) for stream in streams]
    emulated = Emulator(network, threads=1).run([one, other], record="all", states=True)
    for name, level in network.level.items():
        first = PAST + transmission_delay * level + memory.frames
        if name == "input":
            continue
        for what in ("spikes", "u", "v"):
            a, b = (getattr(traces[name], what) for traces in by_reference)
            assert np.array_equal(a[first:], b[first:]), (name, what)
            a, b = getattr(emulated, what)[name]
            assert np.array_equal(a[first:], b[first:]), (name, what)


@pytest.mark.parametrize("delays", [(0,), (5,), (3, 2), (0, 4, 1)])
def test_the_oldest_remembered_frame_can_still_change_a_spike_and_no_older_one(delays):
    network = line(*delays)
    frames = memory_of(network).frames
    assert frames == memory_of(network).delays == sum(delays)
    now = 12
    silence = np.zeros((now + 1, 1), dtype=int)
    subthreshold_bias = run(network, silence)[network.readout].spikes[now]
    for age, changes in ((frames, True), (frames + 1, False)):
        stream = silence.copy()
        stream[now - age] = 1
        assert (run(network, stream)[network.readout].spikes[now] != subthreshold_bias).any() == changes


def test_forms_of_one_network_remember_the_same_and_answer_later():
    network = random_network(
        3, transmission_delay=0, subthreshold_bias=True, message_bits=0, threshold=128, source_delays=False
    )
    frames, steps, layered = (memory_of(n) for n in (network, balance_delays(network), as_layered(network)))
    assert frames.latency_steps == 0
    assert steps == replace(frames, latency_steps=balance_delays(network).level[network.readout])
    assert layered.delays == steps.delays and layered.latency_steps >= steps.latency_steps


def test_a_loop_remembers_for_ever_and_so_does_a_neuron_without_a_leak():
    network = line(2, 1)
    loop = Projection("p1", "p1", [[20]], 1)
    memory = memory_of(network.with_(projections=(*network.projections, loop)))
    assert (memory.frames, memory.delays, memory.leaks, memory.exact) == (None, None, None, False)
    assert "p1 feeds itself" in memory.described()
    memory = memory_of(line(2, 1, v_decay=0, weights=[80, 8]))
    assert (memory.frames, memory.delays, memory.exact) == (None, 3, False)
    assert "nothing leaks" in memory.described()


def test_what_no_input_reaches_remembers_nothing():
    network = line(1)
    alone = Population.of("alone", "layer", (1,), vth=9, v_decay=10, bias=5)
    assert memory_of(network.with_(populations=(*network.populations, alone))) == memory_of(network)


def test_relays_and_and_gates_forget_in_spite_of_their_leak():
    """An AND gate of two weights w, vth/2 < w ≤ vth·v_decay/4096; a weight beyond that bound no longer counts."""
    both = np.ones((1, 2), dtype=int)
    for weight, exact in ((70, True), (76, True), (78, False)):
        gate = Population.of("gate", "and", (1,), vth=128, v_decay=LEAK)
        projection = Projection("input", "gate", weight * both)
        memory = memory_of(Network(Source("input", (2,), 0), (gate,), (projection,), "gate", transmission_delay=0))
        assert memory.exact == exact and (memory.leaks == 0) == exact


@pytest.mark.parametrize(
    ("v_decay", "units"), [(4096, 0), (4095, 1), (2458, 1), (2048, 1), (2047, 2), (163, 25), (1, 4095)]
)
def test_rounding_keeps_a_difference_of_less_than_one_over_the_decay(v_decay, units):
    assert fading(4096, v_decay, 0, 2**23)[1] == units == 4095 // v_decay


def firing_alike(a, b):
    """(T, N): for how many steps in a row, this one included, each neuron has done the same in both runs."""
    alike, count = np.zeros(a.shape, dtype=int), np.zeros(a.shape[1], dtype=int)
    for t, same in enumerate(a == b):
        count = np.where(same, count + 1, 0)
        alike[t] = count
    return alike


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 4096), st.sampled_from([4096, 3000, 2048]))
def test_voltages_of_neurons_that_fire_alike_come_as_close_as_stated(seed, v_decay, i_decay):
    """Whatever the drive: as soon as they have fired in the same steps for as long as `leaks` says."""
    network = with_decays(random_network(seed, transmission_delay=0, populations=1, max_delay=0), i_decay, v_decay)
    memory = memory_of(network)
    streams = two_pasts(seed, network, PAST, min(memory.frames, 200) + FUTURE)
    (one, other) = (run(network, stream, states=True)["p0"] for stream in streams)
    long = firing_alike(one.spikes[PAST:], other.spikes[PAST:]) > memory.leaks
    apart = np.abs(one.v[PAST:].astype(int) - other.v[PAST:])
    assert apart[long].max(initial=0) <= memory.units


def test_one_unit_can_survive_for_ever():
    """Two voltages 127 and 128 under a drive that always brings them to where rounding tells them apart."""
    network = line(0, weights=[1], bits=8, v_decay=LEAK, vth=200)
    memory = memory_of(network)
    stream, v = [[5], [0]], 127
    while len(stream) < memory.frames + 200:
        kept = v * (4096 - LEAK) // 4096
        drive = next(a for a in range(1, 128) if survives(kept + 64 * a))
        v = kept + 64 * drive
        stream.append([drive])
    other = [[0], [2], *stream[2:]]
    apart = run(network, np.array(other), states=True)["p1"].v - run(network, np.array(stream), states=True)["p1"].v
    assert apart[1:].ravel().tolist() == [1] * (len(stream) - 1)
    assert memory.units == 1 and not memory.exact


def survives(v):
    """Whether v and v + 1 still differ after a leak, below the threshold."""
    return v + 1 < 200 * 64 and (v + 1) * (4096 - LEAK) // 4096 > v * (4096 - LEAK) // 4096


def test_two_phases_can_last_for_ever_under_a_constant_drive():
    """A drive of 0.9 thresholds fires every second step: which of two steps, only the past decides."""
    network = line(0, weights=[54], v_decay=LEAK, vth=60)
    frames = memory_of(network).frames
    stream = np.ones((frames + 200, 1), dtype=int)
    later = stream.copy()
    later[0] = 0
    one, other = (run(network, inputs)["p1"].spikes.ravel() for inputs in (stream, later))
    assert np.array_equal(one[1:], 1 - other[1:]) and one[frames:].sum() == 100


def test_random_leaky_networks_under_changing_inputs_forget_within_the_stated_frames():
    """Measured, not proven: of 60 seeds with this leak 59 do, the one left out keeps two phases."""
    forgot = []
    for seed in range(60):
        network = with_decays(random_network(seed, transmission_delay=0), v_decay=LEAK)
        first = PAST + memory_of(network).frames
        one, other = (run(network, stream) for stream in two_pasts(seed, network, PAST, first + 2 * FUTURE))
        forgot.append(all(np.array_equal(t.spikes[first:], other[name].spikes[first:]) for name, t in one.items()))
    assert sum(forgot) >= 59
