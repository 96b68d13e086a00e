"""Recordings at another rate than the network's: brought to its rate, and recognised as well."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.clips import joined
from mksgn_neuro.data.frames import at_rate, fit_scaling
from mksgn_neuro.data.protocols import Timing
from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.lowering import lower
from mksgn_neuro.models.store import Model, build_student, load_model, save_model
from mksgn_neuro.models.student import StudentConfig
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.training.batches import Sequences
from mksgn_neuro.training.evaluate import recalibrate_batch_norm
from mksgn_neuro.workflows.inputs import encoded
from mksgn_neuro.workflows.recognise import recognise

TIMING = Timing(30.0, 20, 40)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Untrained, but all of it fires on synthetic motion."""
    clips = generate(120)
    config = StudentConfig(10, encoder_channels=4, channels=(8, 8), heads=2, query_channels=4, taps=3, dilations=(1, 1))
    torch.manual_seed(0)
    scaling = fit_scaling(clips, 30.0)
    student = build_student(config, clips.skeleton, 1)
    recalibrate_batch_norm(student, clips.subset(clips.train), scaling, Sequences(4, 80, 30.0, 8))
    path = tmp_path_factory.mktemp("rates") / "model.pt"
    save_model(Model(quantize(student), clips.skeleton, 1, scaling, clips.class_names, TIMING, "synthetic"), path)
    return path


def recorded_at(rate, clips):
    """What a camera at another rate would have seen of the same clips."""
    positions, lengths = joined([at_rate(clips[i], clips.rate, rate) for i in range(len(clips))])
    return replace(clips, positions=positions, lengths=lengths, starts=None, rate=rate)


def simulated(*arguments):
    result = CliRunner().invoke(cli, ["simulate", *map(str, arguments), "--protocol", "clip", "--json"])
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_twice_as_many_frames_are_recognised_alike(model, tmp_path):
    clips = generate(120)
    for name, made in (("30", clips), ("60", recorded_at(60.0, clips))):
        npz.save(made, tmp_path / f"{name}.npz")
    at_30, at_60 = (simulated(model, "--dataset", "npz", "--data", tmp_path / f"{rate}.npz") for rate in (30, 60))
    assert (at_30["rate"], at_60["rate"]) == (30, 30)
    for what in ("accuracy", "samples", "accuracy_of_classes", "populations", "synaptic_operations", "protocols"):
        assert at_60[what] == at_30[what], what


@pytest.mark.parametrize("rate", [25.0, 50.0, 59.94, 120.0])
def test_the_network_gets_what_at_rate_makes_of_a_recording(model, rate):
    loaded, clips = load_model(model), generate(120)
    network = lower(loaded.student, loaded.task())
    test = clips.subset(~clips.train)
    recorded = recorded_at(rate, test)
    known, other = recognise(network, test, "clip"), recognise(network, recorded, "clip")
    assert (other.rate, len(other.inputs)) == (30, len(test))
    for i, inputs in enumerate(other.inputs):
        expected = encoded(network.task, 8, test.skeleton, at_rate(recorded[i], rate, 30.0))
        assert np.array_equal(inputs[: len(expected)], expected)
        assert len(expected) == other.given.end[i] <= len(inputs)
    accuracy, at_other = ((run.predictions() == test.labels).mean() for run in (known, other))
    assert abs(at_other - accuracy) < 0.1
    if rate == 120:  # every fourth frame is a recorded one
        assert np.array_equal(other.predictions(), known.predictions())
