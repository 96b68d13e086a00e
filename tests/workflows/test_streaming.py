"""A network on a stream that has no end: what it decides does not depend on what was long ago, nor does its memory."""

import gc
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.commands.stream import stream
from mksgn_neuro.data.skeleton import from_parents
from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Task
from mksgn_neuro.ir.memory import memory_of
from mksgn_neuro.lowering import as_layered, lower
from mksgn_neuro.lowering.interleave import interleave
from mksgn_neuro.sim.stepwise import StepEmulator
from mksgn_neuro.workflows.answers import Options
from mksgn_neuro.workflows.streaming import Recogniser
from tests.networks import random_inputs, random_network, seeds
from tests.students import PARENTS, firing_student

LONG = 10_000
WINDOW = 10
SKELETON = from_parents(np.array(PARENTS))
TASK = Task(
    ("sit", "stand", "wave"), SKELETON.joint_names, PARENTS, 20, ("joint", "bone", "joint motion", "bone motion"),
    (50.0, 50.0, 100.0, 100.0), 1, origin="frame", rate=30.0, window=WINDOW,
)  # fmt: skip


@pytest.fixture(scope="module")
def forgetful():
    """A trained-looking student whose every decay is complete."""
    return lower(firing_student(20, v_decay=4096), TASK)


def moving(seed, frames):
    """Somebody at a place, who moves: (T, V, 3) metres."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 3, 3) + rng.normal(0, 0.7, (frames, len(PARENTS), 3))


class Answers(list):
    """A sink that keeps the last answers only."""

    def __init__(self, keep):
        super().__init__()
        self.keep, self.count = keep, 0

    def write(self, line):
        self.append(json.loads(line))
        self.count += 1
        del self[: -self.keep]

    def flush(self):
        pass


def said(frames):
    return (json.dumps(frame.tolist()) for frame in frames)


def spikes_of(answers):
    return [(answer["decision"], answer["scores"]) for answer in answers]


def test_a_motion_after_ten_thousand_other_frames_is_decided_as_after_rest(forgetful):
    """As soon as the window and what the network remembers hold the motion only, and its first frame, which has no
    motion after rest, is out of sight. All in bounded memory.
    """
    memory, motion = memory_of(forgetful), moving(1, 80)
    assert memory.exact and memory.frames + WINDOW < 60
    at_rest, late, held = Answers(80), Answers(80), []

    def camera():
        for t, frame in enumerate(moving(0, LONG)):
            if t in (1000, LONG - 1):
                gc.collect()
                held.append(sys.getallocatedblocks())
            yield json.dumps(frame.tolist())
        yield from said(motion)

    stream(forgetful, said(motion), at_rest, Path("model"), Options())
    stream(forgetful, camera(), late, Path("model"), Options())
    assert late.count == LONG + 80 and late[-1]["frame"] == LONG + 79
    first = memory.frames + WINDOW
    assert spikes_of(late)[first:] == spikes_of(at_rest)[first:]
    assert spikes_of(late)[:WINDOW] != spikes_of(at_rest)[:WINDOW]
    assert len({answer["decision"] for answer in at_rest[first:]}) > 1
    assert held[1] - held[0] < 1000  # objects; one a frame would make 9000


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(0, 1), st.integers(1, 6))
def test_random_networks_with_complete_decays_forget_all_but_their_memory(seed, transmission_delay, window):
    network = random_network(seed, transmission_delay=transmission_delay)
    populations = tuple(type(p)(p.name, p.groups, p.vth, 4096, 4096, p.bias, p.role) for p in network.populations)
    network = network.with_(populations=populations)
    memory = memory_of(network)
    first = memory.frames + memory.latency_steps + window
    one = StepEmulator(network, window=window)
    for frame in random_inputs(seed + 1, network, 500):
        one.step(frame)
    other = StepEmulator(network, window=window)
    for t, frame in enumerate(random_inputs(seed + 2, network, first + 30)):
        late, at_rest = one.step(frame), other.step(frame)
        if t >= first:
            assert np.array_equal(late.scores, at_rest.scores) and late.decision == at_rest.decision


def test_a_bad_frame_or_window_is_refused_and_the_next_frame_is_taken(forgetful):
    """A frame of another shape broke all that came after it; a window of 0 was taken for the network's own."""
    good = moving(0, 3)
    sound, disturbed = Recogniser(forgetful), Recogniser(forgetful)
    expected = [sound(frame, k / 30) for k, frame in enumerate(good)]
    for bad in (good[0][1:], good[0].ravel(), good[0][:, :2], good[0][:0]):
        with pytest.raises(BadInput, match="a frame of shape"):
            disturbed(bad, 0.0)
    with pytest.raises(BadInput, match="taken at nan s"):
        disturbed(good[0], float("nan"))
    answers = [disturbed(frame, k / 30) for k, frame in enumerate(good)]
    assert [a.scores.tolist() for a in answers] == [e.scores.tolist() for e in expected]
    for window in (0, -1, 2.5):
        with pytest.raises(BadInput, match="window"):
            Recogniser(forgetful, window=window)


ODD = {
    "infinite": lambda x: np.where(np.arange(len(x))[:, None] == 1, np.inf, x),
    "infinite as a 32-bit float": lambda x: x + 1e300,
    "complex128": lambda x: x + 1j,
    "bool": lambda x: x > 0,
    "<U": lambda x: x.astype(str),
}


@pytest.mark.parametrize("problem", ODD)
def test_positions_that_are_no_real_numbers_are_refused(forgetful, problem):
    frame, recogniser = moving(0, 1)[0], Recogniser(forgetful)
    with pytest.raises(BadInput, match=problem):
        recogniser(ODD[problem](frame))
    assert recogniser(frame).frame == 0  # nothing of the bad frame is kept


@pytest.mark.parametrize("rate", ["30", True, 1j, None.__class__])
def test_rates_and_times_that_are_no_numbers_are_refused(forgetful, rate):
    with pytest.raises(BadInput, match="frame rate of"):
        Recogniser(forgetful, rate=rate)
    with pytest.raises(BadInput, match="taken at"):
        Recogniser(forgetful)(moving(0, 1)[0], rate)


def test_the_camera_of_a_python_program(forgetful):
    """Without a command: frames and times in, answers out; a time that does not fit changes nothing."""
    recogniser, motion = Recogniser(forgetful), moving(2, 6)
    first = recogniser(motion[0], 5.0)
    assert (first.frame, first.frames, first.gap) == (0, 1, None)
    with pytest.raises(BadInput, match="taken at 4.0 s"):
        recogniser(motion[1], 4.0)
    assert recogniser(motion[1], 5.1).frame == 3
    again = recogniser(motion[2], 9.1)
    assert (again.frame, again.frames, again.gap) == (0, 1, pytest.approx(4.0))
    with pytest.raises(BadInput, match="rate: a frame rate of nan Hz"):
        Recogniser(forgetful, rate=float("nan"))
    recogniser.new_clip()
    assert [recogniser(frame).frame for frame in motion] == list(range(6))


@pytest.mark.parametrize("steps", [1, 4])
def test_the_layered_network_decides_the_same_some_frames_later(forgetful, steps):
    layered = as_layered(interleave(forgetful, steps))
    levels = layered.level[layered.readout]
    late = -(-(levels + 1) // steps) - 1  # frames until the step that answers lies among those of a frame
    assert (levels, late) == (18, 4 if steps == 4 else 18)
    at_once, deployed = Recogniser(forgetful), Recogniser(layered)
    frames = moving(8, 60)
    expected = [at_once(frame).scores for frame in frames]
    found = [deployed(frame) for frame in frames]
    assert np.any(expected) and [answer.frame for answer in found] == list(range(60))
    assert all(np.array_equal(a.scores, b) for a, b in zip(found[late:], expected))
