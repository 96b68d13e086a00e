"""The equivalence check on one long stream that nothing resets."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings

from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.lowering import balance_delays, lower
from mksgn_neuro.sim.reference import run
from mksgn_neuro.workflows.checks import carried_out, netx_checks, representation_checks
from mksgn_neuro.workflows.equivalence import ReferenceRun
from mksgn_neuro.workflows.simulators import by_emulator, by_reference
from mksgn_neuro.workflows.targets import build
from tests.export.lava import needs_lava
from tests.networks import random_inputs, random_network, seeds
from tests.students import firing_student, random_frames

STREAM = 1000
ONE_BLOCK = {"encoder_channels": 2, "channels": (4,), "query_channels": 2, "dilations": (1,)}


def truth_of(student, frames):
    return ReferenceRun.of(build(lower(student), "loihi2"), frames.flatten(2).numpy().astype(np.int64), reset=False)


@pytest.mark.parametrize("attention", ["gated", "spike-driven", "none"])
def test_a_student_equals_every_form_of_ours_on_a_thousand_frames(attention, tmp_path):
    student, frames = firing_student(12, attention=attention), random_frames(0, 25, 40)
    reference_run = truth_of(student, frames)
    write_netx(reference_run.case.layered, tmp_path / "n.net", reset_interval=None)
    one_stream = frames.flatten(0, 1)[None]
    own = [
        reference_run.against_student(student, one_stream),
        *carried_out(representation_checks(reference_run, lava=False)),
    ]
    checks = [*own, *carried_out(netx_checks(reference_run, tmp_path / "n.net", False))]
    assert [check.target for check in checks] == [
        "reference",
        "reference in time steps",
        "emulator",
        "emulator, frame by frame",
        "layered network",
        "netx file, our reader",
    ]
    assert all(check.ok and (check.samples, check.steps) == (1, STREAM) for check in checks)
    assert all(spikes.any() for spikes in reference_run.expected.values())
    assert "1000 steps without a reset" in checks[0].verdict


@settings(max_examples=40, deadline=None)
@example(6662)  # a population with two delays that keeps current: its relays must not
@given(seeds)
def test_random_networks_start_alike_in_every_form(seed):
    """With biases that fire unasked: a population deep in the network fires before a frame can have reached it."""
    network = random_network(seed, transmission_delay=0, message_bits=0, threshold=128, source_delays=False)
    reference_run = ReferenceRun.of(build(network, "loihi2"), random_inputs(seed, network, 60)[None], reset=False)
    assert reference_run.against_steps("steps", reference_run.case.steps, by_reference).ok
    assert reference_run.against_layered("layers", reference_run.case.layered, by_emulator).ok


def test_a_form_that_is_put_to_rest_before_its_first_frame_is_another():
    """What a reset of every population would hide: the bias has acted for as many steps as its level."""
    reference_run = truth_of(firing_student(12), random_frames(0, 1, 60))
    at_rest = replace(reference_run, in_steps=reference_run.expected)
    check = at_rest.against_steps("steps", reference_run.case.steps, by_reference)
    assert not check.ok and "frame 0" in check.first


def test_a_population_is_silent_and_at_rest_until_it_starts():
    network = balance_delays(random_network(1, transmission_delay=0))
    inputs = random_inputs(1, network, 30)
    name = network.order[0].name
    late = run(network, inputs, states=True, starts={name: 11})[name]
    assert not late.spikes[:11].any() and not late.v[:11].any() and not late.u[:11].any()
    assert late.v[11:].any()


@needs_lava
def test_without_the_memory_the_stock_loader_is_not_run_and_said_so(monkeypatch, tmp_path):
    monkeypatch.setattr("mksgn_neuro.processes.memory.free_memory", lambda: 10**8)
    reference_run = truth_of(firing_student(12, **ONE_BLOCK), random_frames(2, 2, 10))
    write_netx(reference_run.case.layered, tmp_path / "n.net", reset_interval=None)
    ours, stock = carried_out(netx_checks(reference_run, tmp_path / "n.net", True))
    assert not ours.not_run and stock.verdict.startswith("not run: the stock loader: needs about ")


@needs_lava
def test_the_stock_loader_without_a_reset_equals_the_reference_on_a_thousand_frames(tmp_path):
    """Every layer of the file at every step, in one go."""
    frames = random_frames(2, 25, 40)
    reference_run = truth_of(firing_student(12, **ONE_BLOCK), frames)
    write_netx(reference_run.case.layered, tmp_path / "n.net", reset_interval=None)
    ours, stock = carried_out(netx_checks(reference_run, tmp_path / "n.net", True))
    assert stock.target == "netx file, stock lava-dl loader" and not stock.not_run
    for check in (ours, stock):
        assert check.ok and (check.steps, check.populations) == (STREAM, len(reference_run.expected)), check.verdict
    assert all(spikes.any() for spikes in reference_run.expected.values())


@needs_lava
@pytest.mark.slow
@pytest.mark.parametrize("attention", ["gated", "spike-driven", "none"])
def test_all_of_lava_without_a_reset_equals_the_reference_on_a_thousand_frames(attention, tmp_path):
    student, frames = firing_student(12, attention=attention), random_frames(2, 25, 40)
    reference_run = truth_of(student, frames)
    write_netx(reference_run.case.layered, tmp_path / "n.net", reset_interval=None)
    own = [
        reference_run.against_student(student, frames.flatten(0, 1)[None]),
        *carried_out(representation_checks(reference_run)),
    ]
    checks = [*own, *carried_out(netx_checks(reference_run, tmp_path / "n.net", True))]
    assert {"SLAYER blocks", "Lava process graph", "netx file, stock lava-dl loader"} <= {r.target for r in checks}
    assert all(check.ok and not check.not_run and check.steps == STREAM for check in checks), [
        r.verdict for r in checks
    ]
