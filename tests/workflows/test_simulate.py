"""Networks on streams: every backend gives the same, events are those of following every spike."""

import time
import tracemalloc
from dataclasses import fields, replace

import numba
import numpy as np
import pytest
import torch

from mksgn_neuro.chip.traffic import BY_STEP
from mksgn_neuro.data.made import Made
from mksgn_neuro.lowering import balance_delays, lower
from mksgn_neuro.processes.compiled import COMPILING
from mksgn_neuro.sim import streams as stream_module
from mksgn_neuro.sim.stepwise import StepEmulator
from mksgn_neuro.workflows import simulate as module
from mksgn_neuro.workflows.simulate import silent_steps_after, simulate
from tests.export.lava import needs_lava
from tests.students import firing_student, random_frames
from tests.workflows.by_hand import events_by_hand, recorded

LENGTHS = (12, 1, 30, 7)
SMALL = {"encoder_channels": 2, "channels": (4, 4), "query_channels": 2, "dilations": (1, 2)}


@pytest.fixture(scope="module")
def student():
    return firing_student(12, **SMALL)


@pytest.fixture(scope="module")
def network(student):
    return balance_delays(lower(student))


def frames(lengths=LENGTHS):
    return [random_frames(seed, 1, length) for seed, length in enumerate(lengths)]


def streams(lengths=LENGTHS):
    return [x.flatten(2)[0].numpy().astype(np.int32) for x in frames(lengths)]


def same_counts(a, b):
    for field in fields(a):
        one, other = getattr(a, field.name), getattr(b, field.name)
        if field.name == "spikes":
            assert one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)
        else:
            assert one == other, field.name


def same(a, b):
    """Everything but how long it took."""
    assert len(a.class_spikes) == len(b.class_spikes) and all(map(np.array_equal, a.class_spikes, b.class_spikes))
    same_counts(a.counts, b.counts)
    assert a.measurement == b.measurement and a.events(3) == b.events(3)
    assert (a.frames, a.partial) == (b.frames, b.partial)


@pytest.mark.parametrize("reset", [True, False])
def test_emulator_and_reference_give_the_same(network, reset):
    fast, slow = (simulate(network, streams(), reset=reset, backend=b) for b in ("emulator", "reference"))
    same(fast, slow)
    assert (fast.backend, slow.backend) == ("emulator", "reference")
    assert fast.streams == 4 and fast.frames == sum(LENGTHS) and not fast.partial
    assert [x.shape for x in fast.class_spikes] == [(length, 3) for length in LENGTHS]
    assert fast.counts.steps == sum(LENGTHS) + 4 * silent_steps_after(network) and fast.counts.clips == 4
    assert all(activity.spikes > 0 for activity in fast.measurement.populations)


@needs_lava
@pytest.mark.parametrize(("reset", "lengths"), [(True, LENGTHS), (False, LENGTHS[:2])])
def test_lava_gives_the_same(network, reset, lengths, monkeypatch):
    monkeypatch.setattr(module, "LAVA_STREAMS", 3)  # so that there are two runs of it
    found, expected = (simulate(network, streams(lengths), reset=reset, backend=b) for b in ("lava", "emulator"))
    same(found, expected)


def test_class_spikes_are_the_students_where_each_stream_is_reset(student, network):
    found = simulate(network, streams()).class_spikes
    for x, spikes in zip(frames(), found):
        with torch.no_grad():
            expected = student(x).class_spikes.sum(-1)[:, 0].numpy()
        assert np.array_equal(spikes, expected)
    assert sum(spikes.sum() for spikes in found) > 0


def test_class_spikes_are_those_of_frame_by_frame_where_nothing_is_reset(network):
    running = simulate(network, streams(), reset=False)
    for stream, spikes in zip(streams(), running.class_spikes):
        emulator = StepEmulator(network)
        first = emulator.readout.first
        scores = [emulator.step(frame).scores for frame in np.pad(stream, ((0, first), (0, 0)))]
        assert np.array_equal(spikes, np.diff([np.zeros(3, np.int64), *scores[first:]], axis=0))
    at_rest = simulate(network, streams())
    assert not all(map(np.array_equal, running.class_spikes, at_rest.class_spikes))  # biases act before a frame comes


@pytest.mark.parametrize("reset", [True, False])
def test_events_are_those_of_following_every_spike(network, reset):
    run = simulate(network, streams(), reset=reset)
    expected = events_by_hand(run.placement, recorded(network, streams(), run.reset_interval), samples=7)
    assert run.events(7) == expected
    assert all(getattr(expected, field.name) > 0 for field in fields(expected))


def test_of_long_streams_only_the_share_of_active_updates_is_estimated(network, monkeypatch):
    long = [*streams((1900, 650)), *streams((3, 5))]
    run = simulate(network, long, reset=False)
    assert len(run.traffic.active) < run.counts.steps / 1.3
    monkeypatch.setattr(module, "TRAFFIC_PIECES", 10**6)
    exact = simulate(network, long, reset=False)
    assert len(exact.traffic.active) == exact.counts.steps
    assert exact.events(7).active_updates == exact.traffic.active.sum()
    updates = ("active_updates", "inactive_updates")
    assert replace(run.events(7), **dict.fromkeys(updates, 0)) == replace(exact.events(7), **dict.fromkeys(updates, 0))
    assert run.events(7).active_updates == pytest.approx(exact.events(7).active_updates, rel=0.02)
    assert sum(getattr(run.events(7), u) for u in updates) == sum(getattr(exact.events(7), u) for u in updates)


def test_traffic_in_pieces_is_the_whole_streams_at_these_steps(network, monkeypatch):
    """However it is cut: what was on its way at a cut arrives after it."""
    long, whole = streams((200, 5, 90)), 10**6
    monkeypatch.setattr(module, "TRAFFIC_STEPS", whole)
    expected = simulate(network, long).traffic
    for steps in (17, 64):
        monkeypatch.setattr(module, "TRAFFIC_STEPS", steps)
        monkeypatch.setattr(module, "TRAFFIC_PIECES", whole)
        found = simulate(network, long).traffic
        for name in BY_STEP:
            assert np.array_equal(getattr(found, name), getattr(expected, name)), (steps, name)


def stopped_after(streams_done):
    def progress(done, total):
        if done >= streams_done:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("backend", ["emulator", "reference"])
def test_ctrl_c_gives_what_was_done(network, backend):
    asked = streams((100,) * 12)
    run = simulate(network, asked, backend=backend, progress=stopped_after(2))
    assert run.partial and 2 <= run.streams < 12 and run.frames == 100 * run.streams
    same(replace(run, partial=False), simulate(network, asked[: run.streams]))


def test_ctrl_c_before_anything_was_done_stops_the_program(network, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt
        yield

    monkeypatch.setitem(module.BACKEND_RUNS, "emulator", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulate(network, streams())


def test_joules_and_throughput_are_per_clip(network):
    run = simulate(network, streams())
    events = run.events(8)
    picojoules = 0.9 * events.acs + 4.6 * events.macs
    assert run.energy("paper", 8).joules_per_sample == pytest.approx(picojoules * 1e-12 / 8)
    assert run.energy("paper", 4).joules_per_sample == pytest.approx(picojoules * 1e-12 / 4)
    assert run.throughput(8)["samples_per_s"] == pytest.approx(8 / run.seconds)
    assert run.throughput(8)["synops_per_s"] == pytest.approx((events.acs + events.macs) / run.seconds)


def test_memory_does_not_grow_with_the_number_of_clips(network):
    """But for a byte per class and frame, which goes into a file where it is much; 600 fill what is run at once."""
    given, peaks = streams((20,))[0], []
    for count in (600, 2400):
        many = Made(np.full(count, len(given)), lambda i: np.roll(given, i, axis=0))
        tracemalloc.start()
        found = simulate(network, many)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found.streams == count
    assert peaks[1] < 1.1 * peaks[0] + (2400 - 600) * len(given) * 3


def test_one_long_stream_is_the_same_in_pieces_and_at_once(network, monkeypatch):
    long = [*streams((900,)), *streams((5,))]
    whole = [simulate(network, long, reset=reset) for reset in (False, True)]
    monkeypatch.setattr(stream_module, "LONG", 100)
    for reset, at_once in zip((False, True), whole):
        same(simulate(network, long, reset=reset), at_once)


def test_throughput_is_without_the_time_of_compiling(network, monkeypatch):
    def compiles_first(*given):
        numba.njit(lambda a, b: np.sort(a)[::-1] + np.cumsum(b))(np.ones(3), np.ones(3))
        yield from module.emulated(*given)

    monkeypatch.setitem(module.BACKEND_RUNS, "emulator", compiles_first)
    simulate(network, streams())  # compiles the engine itself, where nobody has yet
    before, started = COMPILING.seconds, time.perf_counter()
    seconds = simulate(network, streams()).seconds
    elapsed, compiling = time.perf_counter() - started, COMPILING.seconds - before
    assert compiling > 0
    assert 0 < seconds < elapsed - compiling
