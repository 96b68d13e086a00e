"""`train --background`: a class more, which every command says as any other."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.readers.npz import save
from mksgn_neuro.names import NONE_OF_THESE
from mksgn_neuro.training import presets
from tests.training.runs import WITHOUT_TEACHER, few_clips


def run(*arguments, **more):
    result = CliRunner().invoke(cli, [*map(str, arguments)], catch_exceptions=False, **more)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, clips = tmp_path_factory.mktemp("background"), few_clips()
    save(replace(clips, dataset="mine"), folder / "clips.npz")
    short = replace(WITHOUT_TEACHER, epochs=1, integer_epochs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(presets.PRESETS, "tiny", short)
        others = [part for name in few_clips().class_names[:2] for part in ("--other", name)]
        run(
            "train",
            "--preset",
            "tiny",
            "--dataset",
            "npz",
            "--data",
            folder / "clips.npz",
            "--output",
            folder / "run",
            *others,
        )
    return folder


def test_simulate_counts_false_decisions_on_the_data_as_it_is(folder):
    options = ("--dataset", "npz", "--data", folder / "clips.npz")
    found = json.loads(run("simulate", folder / "run" / "model.pt", *options, "--json"))
    kept = few_clips().class_names[2:]
    assert list(found["accuracy_of_classes"]) == [*kept, NONE_OF_THESE]
    assert found["samples"] > int((~few_clips().train).sum())  # pauses too
    continuous = found["protocols"]["continuous"]
    assert continuous["false_decisions_per_hour"] >= 0 <= continuous["false_decisions_per_hour_of_nothing"]
    assert "false decisions an hour" in run("simulate", folder / "run" / "model.pt", *options)
    config = json.loads((folder / "run" / "config.json").read_text())
    assert config["background"] and config["others"] == list(few_clips().class_names[:2])


def test_it_is_exported_streamed_and_recognised_as_any_class(folder):
    run("export", folder / "run" / "model.pt", "--target", "loihi2", "--no-verify", "--output", folder / "out.net")
    clip = few_clips()[0]
    lines = "\n".join(json.dumps(frame.tolist()) for frame in clip)
    answer = json.loads(run("stream", folder / "out.net", input=lines).splitlines()[-1])
    assert list(answer["scores"])[-1] == NONE_OF_THESE
    np.save(folder / "clip.npy", clip)
    found = json.loads(run("recognise", folder / "clip.npy", "--model", folder / "run" / "model.pt", "--json"))
    assert list(found["clips"][0]["scores"])[-1] == NONE_OF_THESE
