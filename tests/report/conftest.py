"""A small model with a wrong and a right clip or two, its simulation and its page, made once."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.frames import fit_scaling
from mksgn_neuro.data.registry import load
from mksgn_neuro.models.store import Model, build_student, save_model
from mksgn_neuro.models.student import StudentConfig
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.report.collect import report_of
from mksgn_neuro.training.evaluate import settle_statistics
from mksgn_neuro.workflows.inputs import Request, clips_for
from mksgn_neuro.workflows.load import load_networks
from mksgn_neuro.workflows.simulate import classify, describe

CLIPS, FRAMES = 24, 12


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


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    clips = load("synthetic", None)
    config = StudentConfig(10, encoder_channels=2, channels=(8, 8), heads=2, query_channels=4, taps=3, dilations=(1, 1))
    torch.manual_seed(0)
    scaling = fit_scaling(clips, FRAMES)
    student = build_student(config, clips.skeleton, 1)
    settle_statistics(student, clips.subset(clips.train), scaling, FRAMES)
    path = tmp_path_factory.mktemp("report") / "model.pt"
    training = {"teacher": {"macs_per_clip": 1000, "modalities": ["joint"]}, "seed": 0, "held_out_clips": 60}
    training |= {"held_out_accuracy": {"float": 0.75, "integer": 0.5}}
    training |= {"test_accuracy": {"float": {"standard": 0.625, "clean": None}}}
    whole = Model(quantize(student), clips.skeleton, 1, scaling, clips.class_names, FRAMES, "synthetic", training)
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
def classified(model):
    network = load_networks(model).forms["graph"]
    return classify(network, clips_for(network.task, Request(limit=CLIPS)), "emulator")


@pytest.fixture(scope="session")
def collected(model, classified):
    return report_of(model, classified, describe(model, "graph", classified, "paper"), None)
