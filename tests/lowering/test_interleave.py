"""Several steps per frame: the same spikes at each frame's step, sooner."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.errors import BadInput, Unsupported
from mksgn_neuro.ir.memory import memory_of
from mksgn_neuro.ir.spec import check
from mksgn_neuro.lowering import as_layered, balance_delays, lower
from mksgn_neuro.lowering.interleave import interleave
from mksgn_neuro.sim.reference import run
from tests.networks import random_inputs, random_network, seeds
from tests.students import firing_student, random_frames


def forgetful(seed: int, transmission_delay: int = 0):
    """A random network that keeps nothing but its delays, and whose neurons are silent without input."""
    network = random_network(seed, subthreshold_bias=True, transmission_delay=transmission_delay, source_delays=False)
    return network.with_(populations=tuple(replace(p, v_decay=4096, i_decay=4096) for p in network.populations))


def with_silence(frames: np.ndarray, steps: int) -> np.ndarray:
    """Each frame followed by steps − 1 steps of nothing."""
    stream = np.zeros((len(frames) * steps, frames.shape[1]), dtype=frames.dtype)
    stream[::steps] = frames
    return stream


@given(seeds, st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_every_frame_has_the_same_spikes(seed, steps):
    network = forgetful(seed)
    frames = random_inputs(seed, network, 20)
    expected = run(network, frames)
    found = run(interleave(network, steps), with_silence(frames, steps))
    for name, trace in expected.items():
        assert np.array_equal(found[name].spikes[::steps], trace.spikes), name
        between = np.delete(found[name].spikes, np.s_[::steps], axis=0)
        assert not between.any()


@pytest.mark.parametrize("attention", ["gated", "spike-driven", "none"])
@pytest.mark.parametrize("steps", [2, 4])
def test_a_student_in_steps_and_as_layers_answers_sooner(attention, steps):
    student, frames = firing_student(12, attention=attention, v_decay=4096), random_frames(0, 1, 40)
    network, inputs = lower(student), frames[0].flatten(1).numpy().astype(np.int64)
    expected = run(network, inputs)["readout"].spikes
    fast = interleave(network, steps)
    for representation in (balance_delays(fast), as_layered(fast)):
        assert check(representation) == []
        late = representation.level[representation.readout]
        found = run(representation, with_silence(inputs, steps))[representation.readout].spikes[late::steps]
        assert np.array_equal(found, expected[: len(found)]) and len(found) >= 40 - late / steps - 1
    assert memory_of(fast).frames == steps * memory_of(network).frames


def test_one_step_per_frame_changes_nothing():
    network = forgetful(0)
    assert interleave(network, 1) is network


def test_what_cannot_be_interleaved_is_refused():
    with pytest.raises(BadInput, match="0 steps"):
        interleave(forgetful(0), 0)
    leaky = random_network(1, subthreshold_bias=True, transmission_delay=0, source_delays=False)
    with pytest.raises(Unsupported, match="keeps voltage"):
        interleave(leaky, 2)
    network = forgetful(3)
    loud = replace(network.populations[0], bias=network.populations[0].vth + 1)
    with pytest.raises(Unsupported, match="fire without input"):
        interleave(network.with_(populations=(loud, *network.populations[1:])), 2)
