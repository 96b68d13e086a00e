import numpy as np
import pytest
from hypothesis import given, settings

from mksgn_neuro.errors import BadInput
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.readout import decide
from mksgn_neuro.sim.stepwise import StepEmulator
from tests.networks import conv_network, forgetting, random_inputs, random_network, seeds


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_every_step_equals_the_batch(seed):
    """Spikes of every population, and the scores that the batch has after as many steps, over rings that wrap."""
    rng = np.random.default_rng(seed)
    transmission_delay, bits = int(rng.integers(0, 2)), int(rng.choice([0, 8]))
    network = random_network(seed, loops=True, transmission_delay=transmission_delay, max_size=70, message_bits=bits)
    network = forgetting(network, rng) if rng.random() < 0.5 else network
    clip = random_inputs(seed, network, 40)
    batch = Emulator(network, threads=1).run(clip, record="all")
    stepper = StepEmulator(network, record="all")
    class_spikes = batch.spikes[network.readout][0][stepper.readout.first :]
    for t, frame in enumerate(clip):
        result = stepper.step(frame)
        assert result.step == t
        for name, spikes in batch.spikes.items():
            assert np.array_equal(result.spikes[name], spikes[0, t]), (name, t)
        seen = class_spikes[: max(t + 1 - stepper.readout.first, 0)].sum(axis=0, dtype=np.int64)
        assert np.array_equal(result.scores, stepper.readout.scores(seen))
        assert result.decision == decide(result.scores)
    assert np.array_equal(result.scores, batch.scores[0])


def test_reset_starts_anew():
    network = conv_network(10)
    clip = random_inputs(10, network, 12)
    stepper = StepEmulator(network, record=["out"])
    first = [stepper.step(frame) for frame in clip]
    assert any(result.spikes["out"].any() for result in first)
    stepper.reset()
    for before, frame in zip(first, clip):
        again = stepper.step(frame)
        assert again.step == before.step
        assert np.array_equal(again.spikes["out"], before.spikes["out"])
        assert np.array_equal(again.scores, before.scores)


def test_results_do_not_change_afterwards():
    network = random_network(11)
    stepper = StepEmulator(network, record="all")
    frames = random_inputs(11, network, 30)
    results = [stepper.step(frame) for frame in frames]
    kept = [(r.scores.copy(), {n: s.copy() for n, s in r.spikes.items()}) for r in results[:10]]
    for frame in frames:
        stepper.step(frame)
    for result, (scores, spikes) in zip(results, kept):
        assert np.array_equal(result.scores, scores)
        assert all(np.array_equal(result.spikes[name], spikes[name]) for name in spikes)


def test_a_wrong_frame_is_refused_and_changes_nothing():
    network = random_network(2)
    stepper = StepEmulator(network)
    with pytest.raises(BadInput):
        stepper.step(np.zeros(network.source.size + 1, dtype=int))
    assert stepper.step(np.zeros(network.source.size, dtype=int)).step == 0


@pytest.mark.parametrize("bits", [0, 8])
@pytest.mark.parametrize("value", [-129, 2**62, 0.5, np.nan])
def test_a_value_that_the_source_cannot_send_is_refused_and_changes_nothing(bits, value):
    network = random_network(4, message_bits=bits)
    clip = random_inputs(4, network, 8)
    stepper, undisturbed = StepEmulator(network), StepEmulator(network)
    for frame in clip:
        wrong = frame.astype(type(value))
        wrong[-1] = value
        with pytest.raises(BadInput, match="an input is"):
            stepper.step(wrong)
        assert np.array_equal(stepper.step(frame).scores, undisturbed.step(frame).scores)


def test_a_window_forgets_what_is_older():
    network = random_network(9, max_size=20)
    whole, windowed = StepEmulator(network), StepEmulator(network, window=4)
    totals = [np.zeros(whole.readout.classes, dtype=np.int64)] * 4
    for frame in random_inputs(9, network, 40):
        totals.append(whole.step(frame).scores)
        assert np.array_equal(windowed.step(frame).scores, totals[-1] - totals[-5])
    assert totals[-1].any()
