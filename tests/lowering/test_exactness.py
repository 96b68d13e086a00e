"""The promise: the integer student, its zero-delay network, in steps and as a layered network give the same spikes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir.spec import check
from mksgn_neuro.lowering import as_layered, balance_delays, lower, steps_per_sample
from mksgn_neuro.lowering.split_delays import split_delays
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.sim.reference import run
from tests.networks import random_inputs, random_network, seeds
from tests.students import GROUPED, partitions, random_frames, small_config, warm_student

FRAMES, CLIPS = 12, 2


def by_step(spikes: torch.Tensor, clip: int) -> np.ndarray:
    """(V, T, B, C) to (T, N)."""
    return spikes[:, :, clip].movedim(0, 1).flatten(1).numpy()


def assert_equals_frames(layered, traces, expected, total):
    """Every group of every level repeats its population of the zero-delay network."""
    for k, level in enumerate(layered.populations, 1):
        start = 0
        for group in level.groups:
            seen = traces[level.name].spikes[:, start : start + group.size]
            start += group.size
            lag = k + group.delay
            assert np.array_equal(seen[lag:], expected[group.name][: total - lag]), (level.name, group)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("attention", ["gated", "spike-driven", "none"])
@pytest.mark.parametrize("seed", range(4))
def test_student_equals_every_form_of_its_network(seed, attention, grouped):
    student = quantize(warm_student(seed, attention=attention, **(GROUPED if grouped else {})))
    frames = random_frames(seed, CLIPS, FRAMES)
    with torch.no_grad():
        activity = student(frames)
    network = lower(student)
    steps, layered = balance_delays(network), as_layered(network)
    assert check(network) == check(steps) == check(layered) == []
    reset_interval = steps_per_sample(steps, FRAMES)
    for clip in range(CLIPS):
        inputs = np.zeros((2 * reset_interval, network.source.size), dtype=int)
        inputs[:FRAMES] = inputs[reset_interval : reset_interval + FRAMES] = frames[clip].flatten(1).numpy()
        alone = run(network, inputs[:reset_interval])
        assert sum(t.spikes.sum() for t in alone.values()) > 0
        for name, trace in alone.items():
            if name in activity.spikes:
                assert np.array_equal(by_step(activity.spikes[name], clip), trace.spikes[:FRAMES]), name
        twice = {name: np.vstack([t.spikes, t.spikes]) for name, t in alone.items()}
        in_steps = run(steps, inputs, reset_interval=reset_interval)
        for name, trace in in_steps.items():
            level = steps.level[name]
            if not name.endswith("gate"):  # gates may fire unasked; what they gate does not
                assert np.array_equal(trace.spikes[level:], twice[name][: 2 * reset_interval - level]), name
        in_levels = run(layered, inputs[:reset_interval], reset_interval=reset_interval)
        assert_equals_frames(layered, in_levels, {n: t.spikes for n, t in alone.items()}, reset_interval)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_balance_only_shifts_by_level(seed):
    network = random_network(seed, transmission_delay=0, subthreshold_bias=True, loops=True)
    inputs = random_inputs(seed, network, 30)
    frames, steps = run(network, inputs), balance_delays(network)
    traces = run(steps, inputs, reset_interval=len(inputs))
    for name, trace in traces.items():
        level = steps.level[name]
        assert np.array_equal(trace.spikes[level:], frames[name].spikes[: len(inputs) - level])


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_chain_of_a_random_network_repeats_it(seed):
    network = random_network(
        seed, transmission_delay=0, subthreshold_bias=True, message_bits=0, threshold=128, source_delays=False
    )
    readout = network.populations[-1].name
    inputs = random_inputs(seed, network, 40)
    expected = {name: t.spikes for name, t in run(network, inputs).items()} | {network.source.name: inputs}
    layered = as_layered(network)
    assert layered.readout == layered.populations[-1].name and readout in {
        g.name for g in layered.populations[-1].groups
    }
    assert_equals_frames(layered, run(layered, inputs, reset_interval=len(inputs)), expected, len(inputs))


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_separated_network_has_one_delay_per_pair_and_equal_spikes(seed):
    network = random_network(seed, transmission_delay=0, subthreshold_bias=True, source_delays=False)
    separated = split_delays(network)
    inputs = random_inputs(seed, network, 20)
    before, after = run(network, inputs), run(separated, inputs)
    assert all(np.array_equal(after[name].spikes, trace.spikes) for name, trace in before.items())


def test_ssa_attention_is_refused_with_the_alternative():
    torch.manual_seed(0)
    student = quantize(MKSGN(small_config(attention="ssa"), partitions()))
    with pytest.raises(Unsupported, match=r"ssa.*gated"):
        lower(student)


def test_float_student_is_refused():
    with pytest.raises(Unsupported, match="quantize"):
        lower(warm_student(0))


def test_delay_beyond_the_chip_is_refused():
    student = quantize(warm_student(0, dilations=(1, 40, 1)))
    with pytest.raises(Unsupported, match="62"):
        balance_delays(lower(student))


def test_one_input_with_two_delays_is_refused_as_a_chain():
    network = random_network(0, transmission_delay=0, subthreshold_bias=True, populations=1)
    (first, *_) = network.projections
    twice = network.with_(projections=(first, replace(first, delay=first.delay + 1)))
    with pytest.raises(Unsupported, match="two delays"):
        as_layered(twice)
