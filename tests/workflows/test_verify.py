"""The equivalence check on one long stream that nothing resets."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings

from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.lowering import balance, lower
from mksgn_neuro.sim.reference import run
from mksgn_neuro.workflows.checks import form_rungs, netx_rungs
from mksgn_neuro.workflows.forms import by_emulator, by_reference
from mksgn_neuro.workflows.ladder import Truth
from mksgn_neuro.workflows.targets import build
from tests.export.lava import needs_lava
from tests.networks import random_inputs, random_network, seeds
from tests.students import firing_student, random_frames

STREAM = 1000
ONE_BLOCK = {"encoder_channels": 2, "channels": (4,), "query_channels": 2, "dilations": (1,)}


def truth_of(student, frames):
    return Truth.of(build(lower(student), "loihi2"), frames.flatten(2).numpy().astype(np.int64), reset=False)


@pytest.mark.parametrize("attention", ["gated", "spike-driven", "none"])
def test_a_student_equals_every_form_of_ours_on_a_thousand_frames(attention, tmp_path):
    student, frames = firing_student(12, attention=attention), random_frames(0, 25, 40)
    truth = truth_of(student, frames)
    write_netx(truth.subject.chain, tmp_path / "n.net", period=None)
    one_stream = frames.flatten(0, 1)[None]
    own = [truth.against_student(student, one_stream), *form_rungs(truth, lava=False)]
    rungs = [*own, *netx_rungs(truth, tmp_path / "n.net", False)]
    assert [rung.target for rung in rungs] == [
        "reference",
        "reference in time steps",
        "emulator",
        "emulator, frame by frame",
        "chain of levels",
        "netx file, our reader",
    ]
    assert all(rung.ok and (rung.samples, rung.steps) == (1, STREAM) for rung in rungs)
    assert all(spikes.any() for spikes in truth.expected.values())
    assert "1000 steps without a reset" in rungs[0].verdict


@settings(max_examples=40, deadline=None)
@example(6662)  # a population with two delays that keeps current: its relays must not
@given(seeds)
def test_random_networks_start_alike_in_every_form(seed):
    """With biases that fire unasked: a population deep in the network fires before a frame can have reached it."""
    network = random_network(seed, hop=0, message_bits=0, threshold=128, source_delays=False)
    truth = Truth.of(build(network, "loihi2"), random_inputs(seed, network, 60)[None], reset=False)
    assert truth.against_steps("steps", truth.subject.steps, by_reference).ok
    assert truth.against_chain("layers", truth.subject.chain, by_emulator).ok


def test_a_form_that_is_put_to_rest_before_its_first_frame_is_another():
    """What a reset of every population would hide: the bias has acted for as many steps as its level."""
    truth = truth_of(firing_student(12), random_frames(0, 1, 60))
    at_rest = replace(truth, in_steps=truth.expected)
    rung = at_rest.against_steps("steps", truth.subject.steps, by_reference)
    assert not rung.ok and "frame 0" in rung.first


def test_a_population_is_silent_and_at_rest_until_it_starts():
    network = balance(random_network(1, hop=0))
    inputs = random_inputs(1, network, 30)
    name = network.order[0].name
    late = run(network, inputs, states=True, starts={name: 11})[name]
    assert not late.spikes[:11].any() and not late.v[:11].any() and not late.u[:11].any()
    assert late.v[11:].any()


@needs_lava
def test_without_the_memory_the_stock_loader_is_not_run_and_said_so(monkeypatch, tmp_path):
    monkeypatch.setattr("mksgn_neuro.processes.memory.free_memory", lambda: 10**8)
    truth = truth_of(firing_student(12, **ONE_BLOCK), random_frames(2, 2, 10))
    write_netx(truth.subject.chain, tmp_path / "n.net", period=None)
    ours, stock = netx_rungs(truth, tmp_path / "n.net", True)
    assert not ours.not_run and stock.verdict.startswith("not run: the stock loader: needs about ")


@needs_lava
def test_the_stock_loader_without_a_reset_equals_the_reference_on_a_thousand_frames(tmp_path):
    """Every layer of the file at every step, in one go."""
    frames = random_frames(2, 25, 40)
    truth = truth_of(firing_student(12, **ONE_BLOCK), frames)
    write_netx(truth.subject.chain, tmp_path / "n.net", period=None)
    ours, stock = netx_rungs(truth, tmp_path / "n.net", True)
    assert stock.target == "netx file, stock lava-dl loader" and not stock.not_run
    for rung in (ours, stock):
        assert rung.ok and (rung.steps, rung.populations) == (STREAM, len(truth.expected)), rung.verdict
    assert all(spikes.any() for spikes in truth.expected.values())


@needs_lava
@pytest.mark.slow
@pytest.mark.parametrize("attention", ["gated", "spike-driven", "none"])
def test_all_of_lava_without_a_reset_equals_the_reference_on_a_thousand_frames(attention, tmp_path):
    student, frames = firing_student(12, attention=attention), random_frames(2, 25, 40)
    truth = truth_of(student, frames)
    write_netx(truth.subject.chain, tmp_path / "n.net", period=None)
    own = [truth.against_student(student, frames.flatten(0, 1)[None]), *form_rungs(truth)]
    rungs = [*own, *netx_rungs(truth, tmp_path / "n.net", True)]
    assert {"SLAYER blocks", "Lava process graph", "netx file, stock lava-dl loader"} <= {r.target for r in rungs}
    assert all(rung.ok and not rung.not_run and rung.steps == STREAM for rung in rungs), [r.verdict for r in rungs]
