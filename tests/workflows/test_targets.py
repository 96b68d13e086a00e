"""The table of targets: what passes make, what they leave in a folder, and that it is what was written."""

import copy

import numpy as np
import pytest
import torch

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.netx.reader import read_netx
from mksgn_neuro.ir import ConvKernel, store
from mksgn_neuro.lowering import as_layered, lower
from mksgn_neuro.lowering.passes import Options
from mksgn_neuro.sim.reference import run
from mksgn_neuro.workflows.checks import carried_out, representation_checks
from mksgn_neuro.workflows.equivalence import Pair, ReferenceRun, compare
from mksgn_neuro.workflows.export import write_target
from mksgn_neuro.workflows.targets import TARGETS, WRITTEN, build
from mksgn_neuro.workflows.verify import Driven, check_all
from tests.networks import conv_network, random_inputs, random_network
from tests.small_models import small_model
from tests.students import random_frames

PASSES = ("lower", "zero_delay", "interleave", "prune", "split_delays", "balance_delays", "levelize", "pad_for_netx")


def assert_same(one, other):
    inputs = random_inputs(0, one, 30)
    expected, found = run(one, inputs), run(other, inputs)
    assert list(expected) == list(found)
    assert all(np.array_equal(found[name].spikes, trace.spikes) for name, trace in expected.items())


def test_each_pass_leaves_its_network_numbered_and_named_and_the_last_is_written(tmp_path):
    written = write_target(small_model(), "loihi2", tmp_path / "m", dump=tmp_path / "passes")
    files = sorted((tmp_path / "passes").iterdir())
    assert [file.name for file in files] == [f"{i:02d}-{name}.ir.h5" for i, name in enumerate(PASSES)]
    first, *_, last = map(store.load, files)
    assert (first.transmission_delay, last.transmission_delay) == (0, 1) and first.task == last.task
    assert_same(last, written.network)
    assert_same(last, read_netx(written.main)[0])


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_makes_a_network_from_a_lowered_one(target):
    built = build(lower(small_model().student), target)
    assert list(built.after) == [step.name for step in TARGETS[target].passes]
    assert built.network.transmission_delay == (0 if target in ("stream", "nir") else 1)
    assert built.is_layered == (target in ("loihi2", "slayer"))


def test_what_was_built_is_verified_and_not_built_again(monkeypatch, tmp_path):
    """One weight of what was built is changed after the passes: every representation of it must differ."""
    model, frames = small_model(), random_frames(0, 1, 40, joints=20)
    written = write_target(model, "loihi2", tmp_path / "m")
    monkeypatch.setattr("mksgn_neuro.workflows.verify.build", None)  # whoever builds again fails
    options = {"driven": Driven(False), "built": written.built, "lava": False}
    checks = list(check_all(model, frames, "loihi2", written.main, **options))
    assert len(checks) == 6 and all(check.ok and check.spikes for check in checks)
    after = dict(written.built.after)
    layered = after["pad_for_netx"]
    first, *others = layered.projections
    after["pad_for_netx"] = layered.with_(projections=(type(first)(first.pre, first.post, first.matrix * 0), *others))
    broken = {**options, "built": type(written.built)(written.built.given, after)}
    checks = {r.target: r for r in check_all(model, frames, "loihi2", written.main, **broken)}
    assert not checks["layered network"].ok and checks["emulator"].ok and checks["netx file, our reader"].ok


def with_a_silent_channel():
    model = copy.deepcopy(small_model())
    with torch.no_grad():
        model.student.blocks[0].graph.beta[1] = -31
    return model


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("target", ["loihi2", "lava", "nir"])
def test_a_pruned_file_is_smaller_and_proved_against_the_whole_network(target, reset, tmp_path):
    model, frames = with_a_silent_channel(), random_frames(1, 2 if reset else 1, 40, joints=20)
    whole = build(lower(model.student, model.task()), target)
    written = write_target(model, target, tmp_path / "m", reset=reset, options=Options(prune=True))
    assert written.as_json()["pruned_neurons"] == written.built.pruned > 0 == whole.pruned
    assert sum(p.size for p in written.network.populations) < sum(p.size for p in whole.network.populations)
    driven = Driven.of(model, target, written.main) if target == "loihi2" else Driven(reset, Options(prune=True))
    assert driven == Driven(reset, Options(prune=True))
    checks = list(check_all(model, frames, target, written.main, driven=driven, lava=False))
    assert all(check.ok and not check.not_run and check.spikes for check in checks), [r.verdict for r in checks]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("target", WRITTEN)
def test_random_networks_in_steps_become_every_target_and_are_equal(target, seed):
    network = random_network(
        seed, transmission_delay=0, subthreshold_bias=True, message_bits=0, threshold=128, source_delays=False
    )
    steps = build(network, "emulator").network
    reference_run = ReferenceRun.of(build(steps, target), random_inputs(seed, network, 40)[None], reset=False)
    checks = list(carried_out(representation_checks(reference_run, lava=False)))
    assert all(check.ok and check.populations == len(network.populations) for check in checks), [
        r.verdict for r in checks
    ]


def test_a_chain_keeps_its_names_and_its_convolutions():
    network = conv_network(1)
    layered = as_layered(network)
    assert layered.populations == network.order
    assert [q.weights for q in layered.projections[:-1]] == [q.weights for q in network.projections[:-1]]
    assert isinstance(layered.projections[0].weights, ConvKernel)


def test_a_network_in_steps_cannot_take_several_per_frame():
    with pytest.raises(Unsupported, match="time steps already"):
        build(random_network(0), "lava", Options(2))


def test_where_nothing_can_be_compared_that_is_no_success():
    nothing = compare("a", "b", random_network(0), iter(()))
    assert not nothing.ok and nothing.verdict == "nothing could be compared"
    spikes = np.ones((1, 3, 2), np.uint8)
    network = random_network(0)
    (first, *_) = network.order
    pair = Pair(first.name, spikes, spikes * 0, np.array([1, 0]))
    assert "neuron 1: sample 0, frame 0" in compare("a", "b", network, iter([pair])).first
