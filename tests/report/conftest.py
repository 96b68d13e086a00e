"""A small model with a wrong and a right clip or two, its simulation and its page, made once."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.frames import fit_scaling
from mksgn_neuro.data.protocols import PROTOCOLS, Timing
from mksgn_neuro.data.registry import load
from mksgn_neuro.models.store import Model, build_student, save_model
from mksgn_neuro.models.student import StudentConfig
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.report.collect import report_of
from mksgn_neuro.training.batches import Sequences
from mksgn_neuro.training.evaluate import recalibrate_batch_norm
from mksgn_neuro.workflows.inputs import Request, clips_for
from mksgn_neuro.workflows.load import load_networks
from mksgn_neuro.workflows.recognise import document_of, recognise

CLIPS = 24
TIMING = Timing(rate=30.0, window=20, frames=40)


@dataclass(frozen=True)
class Made:
    """model.pt, its page, what `report --json` and `simulate --json` said."""

    model: Path
    page: Path
    report: dict
    simulation: dict


def run(*arguments: object) -> dict:
    """A command's one JSON document."""
    result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def measured(standard: float, clean: float) -> dict:
    """What training notes of one form: by protocol, worse on the stream."""
    figures = {"standard": standard, "clean": clean}
    worse = {part: value / 2 for part, value in figures.items()}
    return {"offline": {"accuracy": figures}, "clip": {"accuracy": figures}, "continuous": {"accuracy": worse}}


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    clips = load("synthetic", None)
    config = StudentConfig(10, encoder_channels=2, channels=(8, 8), heads=2, query_channels=4, taps=3, dilations=(1, 1))
    torch.manual_seed(3)  # recognises some clips, mistakes others
    scaling = fit_scaling(clips, TIMING.rate)
    student = build_student(config, clips.skeleton, 1)
    recalibrate_batch_norm(student, clips.subset(clips.train), scaling, Sequences(8, 40, TIMING.rate, 4), at_most=40)
    path = tmp_path_factory.mktemp("report") / "model.pt"
    training = {"teacher": {"macs_per_clip": 1000, "modalities": ["joint"]}, "seed": 0, "held_out_clips": 60}
    training |= {"held_out": {"float": measured(0.75, 0.75), "integer": measured(0.5, 0.5)}}
    training |= {"test": {"float": measured(0.625, 0.625)}}
    whole = Model(quantize(student), clips.skeleton, 1, scaling, clips.class_names, TIMING, "synthetic", training)
    save_model(whole, path)
    epochs = [{"stage": s, "epoch": 0, "validation_accuracy": 0.5, "accuracy": 0.4} for s in ("teacher-joint", "float")]
    (path.parent / "metrics.json").write_text(json.dumps({"history": epochs, **training}))
    return path


@pytest.fixture(scope="session")
def made(model):
    page = model.with_name("page.html")
    report = run("report", model, "--limit", CLIPS, "--output", page, "--no-verify")
    return Made(model, page, report, run("simulate", model, "--limit", CLIPS))


@pytest.fixture(scope="session")
def runs(model):
    network = load_networks(model).representations["graph"]
    clips = clips_for(network.task, Request(limit=CLIPS))
    return {protocol: recognise(network, clips, protocol) for protocol in PROTOCOLS}


@pytest.fixture(scope="session")
def collected(model, runs):
    return report_of(model, runs, document_of(model, "graph", runs, "paper"), None)
