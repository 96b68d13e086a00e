"""The three protocols' figures against loops over frames, their energy, Ctrl-C, and networks without a rate."""

import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.chip.placement import place_cores
from mksgn_neuro.cli import cli
from mksgn_neuro.data.frames import FrameEncoder, resample
from mksgn_neuro.data.protocols import PROTOCOLS
from mksgn_neuro.data.readers.npz import save as save_clips
from mksgn_neuro.lowering import balance_delays, lower
from mksgn_neuro.lowering.interleave import interleave
from mksgn_neuro.models.store import save_model
from mksgn_neuro.nn.population import DECAY_ONE
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.measure import measure
from mksgn_neuro.sim.stepwise import StepEmulator
from mksgn_neuro.workflows import recognise as module
from mksgn_neuro.workflows.recognise import default_protocols, document_of, recognise
from mksgn_neuro.workflows.simulate import silent_steps_after
from tests.paths import NW_UCLA, SHIPPED, needs_shared_data
from tests.small_models import CAMERA, STRETCHED, small_model, synthetic
from tests.version_2 import as_version_2
from tests.workflows.by_hand import events_by_hand, recorded

LIMIT = 15
DESIGNED = (
    *("accuracy", "accuracy_clean", "samples", "backend", "steps_per_sample", "populations", "synaptic_operations"),
    *("energy", "cores", "throughput"),
)


def network_of(model):
    return balance_delays(lower(model.student, model.task()))


@pytest.fixture(scope="module")
def network():
    return network_of(small_model())


@pytest.fixture(scope="module")
def clips(network):
    """Test clips, some short and some also in training, and labels with which the network is right at times."""
    whole = synthetic()
    positions, lengths = whole.positions.copy(), whole.lengths.copy()
    test, train = np.flatnonzero(~whole.train), np.flatnonzero(whole.train)
    for duplicate in test[::3]:
        source = next(i for i in train if whole.lengths[i] == whole.lengths[duplicate])
        positions[whole.starts[duplicate] :][: whole.lengths[duplicate]] = whole[source]
    chosen = test[np.linspace(0, len(test) - 1, LIMIT).astype(int)]
    lengths[chosen[1::2]] = np.arange(3, 3 + LIMIT // 2)
    made = replace(whole, positions=positions, lengths=lengths)
    run, labels = recognise(network, made.subset(chosen), "clip"), whole.labels.copy()
    for first, spans in enumerate((run.given.end, run.given.held)):  # right at the end, or when the pose was held
        decided = [int(s[:span].sum(0).argmax()) for s, span in zip(run.simulation.class_spikes, spans)]
        labels[chosen[first::3]] = decided[first::3]
    return replace(made, labels=labels).subset(chosen)


@pytest.fixture(scope="module")
def runs(network, clips):
    return {name: recognise(network, clips, name, seed=3) for name in PROTOCOLS}


def frame_by_frame(model, positions):
    """Frames as the network gets them when a camera delivers them."""
    encoder = FrameEncoder(model.scaling, model.skeleton)
    return np.stack([encoder(frame).ravel() for frame in positions])


def class_spikes_of(network, inputs):
    """Spikes of each class that answer each frame, from rest: (T, classes)."""
    silent_steps = silent_steps_after(network)
    ran = Emulator(network).run(
        inputs, record=["readout"], silent_steps=silent_steps, reset_interval=len(inputs) + silent_steps
    )
    first = network.level["readout"]
    return ran.spikes["readout"][0, first : first + len(inputs)].reshape(len(inputs), 10, -1).sum(2)


def shares(right, leaked):
    return {"standard": np.mean(right), "clean": np.mean([r for r, duplicate in zip(right, leaked) if not duplicate])}


def test_offline_and_clip_equal_a_loop_over_clips(network, clips, runs):
    offline, at_end, held = [], [], []
    for i, label in enumerate(clips.labels):
        stretched = class_spikes_of(network, frame_by_frame(small_model(), resample(clips[i], 40)))
        offline.append(stretched.sum(0).argmax() == label)
        shown = [clips[i][min(t, len(clips[i]) - 1)] for t in range(max(40, len(clips[i])))]
        class_spikes = class_spikes_of(network, frame_by_frame(small_model(), shown))
        at_end.append(class_spikes[: len(clips[i])].sum(0).argmax() == label)
        held.append(class_spikes.sum(0).argmax() == label)
    assert 0 < clips.leaked.sum() < len(clips)
    found = {name: run.as_json("paper") for name, run in runs.items()}
    assert found["offline"]["accuracy"] == shares(offline, clips.leaked)
    assert found["clip"]["accuracy"] == shares(at_end, clips.leaked)
    assert found["clip"]["accuracy_held"] == shares(held, clips.leaked)
    assert found["offline"]["clips"] == found["clip"]["clips"] == LIMIT
    assert not np.array_equal(at_end, held) and any(offline) and not all(held)
    right = runs["clip"].predictions() == clips.labels
    assert np.array_equal(right, at_end)


def test_continuous_equals_a_loop_over_the_frames_of_one_stream(network, clips, runs):
    order = np.random.default_rng(3).permutation(LIMIT)
    stream = frame_by_frame(small_model(), np.concatenate([clips[i] for i in order]))
    emulator = StepEmulator(network, window=CAMERA.window)
    latency = emulator.readout.first
    decided = [emulator.step(frame).decision for frame in np.pad(stream, ((0, latency), (0, 0)))][latency:]
    labels = [clips.labels[i] for i in order for _ in clips[i]]
    at_end, second, delays, begin = [], [], [], 0
    for i in order:
        right = [decided[begin + t] == clips.labels[i] for t in range(len(clips[i]))]
        at_end.append(right[-1])
        second += right[len(right) // 2 :]
        settled = [t for t in range(len(right)) if all(right[t:])]
        delays += [settled[0] + 1] if settled else []
        begin += len(right)
    false = sum(b not in (a, label) for a, b, label in zip(decided, decided[1:], labels[1:]))
    found = runs["continuous"].as_json("paper")
    assert found["accuracy"] == shares(at_end, clips.leaked[order])
    assert found["second_half"] == np.mean(second) and found["frames"] == len(stream)
    assert found["median_frames_to_decision"] == np.median(delays)
    assert found["false_changes_per_minute"] == pytest.approx(false * 60 * 30 / len(stream))
    assert any(at_end) and false > 0


def test_energy_per_clip_and_milliwatts_are_those_of_the_same_events(network, runs):
    for name, run in runs.items():
        found = run.as_json("paper")
        counted = (
            Emulator(network)
            .run(
                list(run.inputs), silent_steps=silent_steps_after(network), reset_interval=run.simulation.reset_interval
            )
            .counts
        )
        operations = measure(network, counted).operations
        joules = 1e-12 * (0.9 * operations.acs + 4.6 * operations.macs)
        assert joules > 0 and found["joules_per_clip"] == pytest.approx(joules / LIMIT)
        assert ("milliwatts" in found) == ("rate" in found) == (name != "offline")
        if name != "offline":
            frames = sum(map(len, run.inputs))
            assert found["milliwatts"] == pytest.approx(1e3 * joules / (frames / 30)) and found["rate"] == 30
    clip, stream = (runs[name].as_json("paper") for name in ("clip", "continuous"))
    assert stream["joules_per_clip"] < clip["joules_per_clip"]  # no pose is held, no silence after each clip


def test_the_document_has_the_counts_of_one_protocol_and_the_figures_of_all(runs):
    document = document_of("m.pt", "graph", runs, "paper", PROTOCOLS)
    clip = document["protocols"]["clip"]
    assert (document["protocol"], document["partial"]) == ("clip", False)
    assert (document["accuracy"], document["accuracy_clean"]) == tuple(clip["accuracy"].values())
    assert document["energy"]["joules_per_sample"] == clip["joules_per_clip"]
    operations = document["synaptic_operations"]
    picojoules = 0.9 * operations["Effective_ACs"] + 4.6 * operations["Effective_MACs"]
    assert clip["joules_per_clip"] == pytest.approx(1e-12 * picojoules)
    assert document["steps_per_sample"] == runs["clip"].simulation.counts.steps / LIMIT
    clips = runs["clip"].clips
    mean = sum(
        share * np.sum(clips.labels == k) for k, share in enumerate(document["accuracy_of_classes"].values()) if share
    )
    assert mean / LIMIT == pytest.approx(document["accuracy"])


def test_several_steps_per_frame_decide_alike_in_the_same_time(clips):
    frames = lower((forgetful := small_model(CAMERA, DECAY_ONE)).student, forgetful.task())
    for name in ("offline", "clip"):
        one, three = (recognise(balance_delays(interleave(frames, steps)), clips, name) for steps in (1, 3))
        assert all(map(np.array_equal, one.simulation.class_spikes, three.simulation.class_spikes))
        assert any(spikes.any() for spikes in one.simulation.class_spikes)
        assert np.array_equal(one.predictions(), three.predictions())
        assert three.simulation.frames == one.simulation.frames < three.simulation.counts.steps / 3
        one, three = (run.as_json("loihi1") for run in (one, three))
        assert three["accuracy"] == one["accuracy"] and three["joules_per_clip"] > one["joules_per_clip"]
        if name == "clip":  # a second of the camera's stream is as long
            ratios = (three[key] / one[key] for key in ("milliwatts", "joules_per_clip"))
            assert next(ratios) == pytest.approx(next(ratios))


def run_cli(*arguments):
    result = CliRunner().invoke(cli, ["simulate", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result


def document(*arguments):
    return json.loads(run_cli(*arguments, "--json").stdout)


@pytest.fixture(scope="module")
def files(tmp_path_factory, clips):
    """model.pt and its clips, duplicates in training among them."""
    folder = tmp_path_factory.mktemp("camera")
    save_model(small_model(), folder / "model.pt")
    save_clips(replace(clips.part_of[0], part_of=None), folder / "clips.npz")
    return folder / "model.pt", ("--data", folder / "clips.npz", "--dataset", "npz", "--limit", LIMIT, "--seed", 3)


def test_a_protocol_alone_says_what_it_says_among_all(files, runs):
    model, options = files
    everything = document(model, *options)
    assert set(DESIGNED) <= everything.keys()
    assert everything["protocols"] == {name: run.as_json("paper") for name, run in runs.items()}
    assert everything["leaked"] == runs["clip"].clips.leaked.sum() > 0
    for name in PROTOCOLS:
        alone = document(model, *options, "--protocol", name)
        assert alone["protocols"] == {name: everything["protocols"][name]}
        assert alone["protocol"] == name and set(DESIGNED) <= alone.keys() and not alone["partial"]
        assert alone["accuracy"] == everything["protocols"][name]["accuracy"]["standard"]
        assert (alone["rate"], alone["window"], alone["samples"]) == (30.0, 8, LIMIT)


def test_people_read_every_protocol(files):
    model, options = files
    said = run_cli(model, *options).stdout
    for words in ("continuous, all clips in one stream, last 8 frames:", "clip, frames as recorded", "offline, each"):
        assert words in said
    assert "false changes a minute" in said and "mW on an endless stream" in said and "without leaked clips" in said
    assert "interrupted" not in said and "simulated on CPU" in said


def test_loihi1_joules_are_those_of_spikes_followed_over_the_cores(files, network, runs, tmp_path):
    """From the spikes that the same command saves, with the constants of Davies et al. 2018 written out."""
    model, options = files
    said = document(
        model, *options, "--protocol", "clip", "--energy-profile", "loihi1", "--save-spikes", tmp_path / "s.npz"
    )
    silent_steps, saved = silent_steps_after(network), np.load(tmp_path / "s.npz")
    inputs = [np.pad(x, ((0, silent_steps), (0, 0))) for x in runs["clip"].inputs]
    spikes = [{"input": x, **{p.name: saved[p.name][i, : len(x)] for p in network.order}} for i, x in enumerate(inputs)]
    defined = recorded(network, runs["clip"].inputs, runs["clip"].simulation.reset_interval)
    assert all(np.array_equal(a[name], b[name]) for a, b in zip(spikes, defined) for name in b)
    totals = {p.name: sum(own[p.name].sum(0, dtype=np.int64) for own in spikes) for p in network.order}
    events = events_by_hand(place_cores(map_network(network), totals), spikes, LIMIT)
    femtojoules = {"acs": 23_600, "macs": 23_600, "messages": 1_700, "hops_x": 3_000, "hops_y": 4_000}
    expected = {name: 1e-15 * price * getattr(events, name) / LIMIT for name, price in femtojoules.items()}
    found = said["energy"]["joules_by_event"]
    assert all(value > 0 for value in expected.values())
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    active, inactive = (
        found[f"{kind}_updates"] * LIMIT * 1e15 / fj for kind, fj in (("active", 81e3), ("inactive", 52e3))
    )
    assert active + inactive == pytest.approx(events.active_updates + events.inactive_updates)
    assert active == pytest.approx(events.active_updates, rel=0.01)  # in pieces
    assert said["protocols"]["clip"]["joules_per_clip"] == pytest.approx(sum(found.values()))


def stopping(after):
    """A progress that is interrupted when so many streams of a protocol are done."""

    def progress(done, total):
        if done >= after:
            raise KeyboardInterrupt

    return progress


def test_ctrl_c_gives_the_figures_of_the_simulated_clips_alone(network, clips):
    run = recognise(network, clips, "clip", backend="reference", progress=stopping(4))
    assert run.samples == 4 and run.simulation.partial
    alone = recognise(network, clips.subset(np.arange(4)), "clip", backend="reference")
    said, expected = (document_of("m.pt", "graph", {"clip": r}, "loihi1", ("clip",)) for r in (run, alone))
    assert said.pop("partial") and not expected.pop("partial")
    assert said.pop("throughput").keys() == expected.pop("throughput").keys()
    assert said == expected


def test_ctrl_c_on_the_command_line_prints_what_is_done(files, monkeypatch):
    model, options = files
    counting = lambda what: nullcontext(stopping(3) if what.startswith("simulating") else None)
    monkeypatch.setattr("mksgn_neuro.commands.progress.counting", counting)
    said = document(model, *options, "--backend", "reference")
    assert said["partial"] and said["samples"] == 3 and said["protocols"].keys() == {"offline"}
    assert said["protocols"]["offline"]["clips"] == 3 and said["protocol"] == "offline"
    assert "interrupted: partial result" in run_cli(model, *options, "--backend", "reference").stdout


def test_ctrl_c_in_the_one_endless_stream_keeps_the_other_protocols(files, runs, monkeypatch):
    model, options = files
    original = module.simulate

    def simulate(network, inputs, *, reset, **rest):
        if not reset:
            raise KeyboardInterrupt
        return original(network, inputs, reset=reset, **rest)

    monkeypatch.setattr(module, "simulate", simulate)
    said = document(model, *options)
    assert said["partial"]
    assert said["protocols"] == {name: runs[name].as_json("paper") for name in ("offline", "clip")}
    alone = CliRunner().invoke(cli, ["simulate", str(model), *map(str, options), "--protocol", "continuous", "--json"])
    assert alone.exit_code != 0 and alone.stdout == ""


def test_a_network_of_stretched_clips_is_asked_offline_unless_told_otherwise(tmp_path):
    save_model(small_model(STRETCHED), tmp_path / "model.pt")
    result = run_cli(tmp_path / "model.pt", "--limit", 6, "--json")
    said = json.loads(result.stdout)
    assert "has no frame rate: it was trained on clips stretched to 12 frames" in result.stderr
    assert said["protocols"].keys() == {"offline"} and said["rate"] is said["window"] is None
    asked = document(tmp_path / "model.pt", "--limit", 6, "--protocol", "clip")
    assert asked["protocols"].keys() == {"clip"} and asked["protocols"]["clip"]["rate"] == 30  # as recorded


def test_of_a_stream_that_is_never_reset_an_old_networks_origin_is_the_first_frame(clips):
    model = small_model(STRETCHED)
    run = recognise(network_of(model), clips, "continuous")
    order = np.random.default_rng(0).permutation(LIMIT)
    assert np.array_equal(run.given.clip, order) and len(run.inputs) == 1
    assert np.array_equal(run.inputs[0], frame_by_frame(model, np.concatenate([clips[i] for i in order])))
    later = frame_by_frame(model, clips[order[1]])
    assert not np.array_equal(run.inputs[0][len(clips[order[0]]) :][1 : len(later)], later[1:])


@needs_shared_data
def test_a_model_of_version_2_says_that_it_has_no_rate(tmp_path):
    result = run_cli(as_version_2(SHIPPED, tmp_path / "old.pt"), "--data", NW_UCLA, "--limit", 20, "--json")
    said = json.loads(result.stdout)
    assert "has no frame rate: it was trained on clips stretched to 40 frames" in result.stderr
    assert said["protocols"].keys() == {"offline"} and said["samples"] == 20 and said["rate"] is None


def test_default_protocols_follow_the_rate():
    assert default_protocols(small_model().task()) == PROTOCOLS
    assert default_protocols(small_model(STRETCHED).task()) == ("offline",)
