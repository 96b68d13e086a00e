"""Clips of a picture: the network sees two coordinates, and trains, deploys and verifies as one of three does."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.frames import FrameEncoder, encode, fit_scaling
from mksgn_neuro.data.readers import npz
from mksgn_neuro.errors import BadInput
from mksgn_neuro.lowering import as_layered, balance_delays, lower
from mksgn_neuro.models.store import Model, build_student, load_model, save_model
from mksgn_neuro.models.student import StudentConfig
from mksgn_neuro.nn.stages import quantize
from mksgn_neuro.training.batches import Sequences
from mksgn_neuro.training.evaluate import recalibrate_batch_norm
from mksgn_neuro.workflows.inputs import encoded, in_coordinates, random_walks
from mksgn_neuro.workflows.simulate import simulate
from tests.data import pose_files
from tests.data.make import clips as random_clips
from tests.small_models import CAMERA, ONE_BLOCK, synthetic
from tests.workflows.test_importing import folder_of


@pytest.fixture(scope="module")
def model():
    whole = synthetic()
    clips = replace(whole, skeleton=replace(whole.skeleton, coordinates=2))
    config = StudentConfig(10, encoder_channels=2, heads=2, query_channels=4, taps=3, **ONE_BLOCK)
    torch.manual_seed(0)
    scaling, student = fit_scaling(clips, 30.0), build_student(config, clips.skeleton, 1)
    recalibrate_batch_norm(student, clips.subset(clips.train), scaling, Sequences(8, 80, 30.0, 8), at_most=64)
    return Model(quantize(student), clips.skeleton, 1, scaling, clips.class_names, CAMERA, "synthetic")


def test_the_third_coordinate_means_nothing(model):
    clip = synthetic()[0]
    other = clip.copy()
    other[..., 2] = np.random.default_rng(0).normal(0, 9, clip.shape[:2])
    frames = encode(clip, model.scaling, model.skeleton)
    assert frames.shape == (len(clip), 4, 20, 2)
    assert np.array_equal(encode(other, model.scaling, model.skeleton), frames)
    whole = encode(clip, model.scaling, replace(model.skeleton, coordinates=3))
    assert np.array_equal(whole[..., :2], frames)
    encoder = FrameEncoder(model.scaling, model.skeleton)
    assert np.array_equal(np.stack([encoder(frame) for frame in other]), frames)


def test_it_is_a_third_less_input_and_every_form_computes_the_students_spikes(model):
    task, frames = model.task(), lower(model.student, model.task())
    assert frames.source.shape == (4, 20, 2) and task.coordinates == 2
    assert random_walks(task, 8, 2).shape == (2, 40, 4, 20, 2)
    inputs = encoded(task, 8, model.skeleton, synthetic()[0])
    with torch.no_grad():
        x = torch.from_numpy(encode(synthetic()[0], model.scaling, model.skeleton))[None].float()
        expected = model.student(x).class_spikes.sum(-1)[:, 0].numpy()
    for representation in (balance_delays(frames), as_layered(frames)):
        assert np.array_equal(simulate(representation, [inputs]).class_spikes[0], expected)
    assert expected.sum() > 0


def test_files_keep_it(model, tmp_path):
    save_model(model, tmp_path / "model.pt")
    again = load_model(tmp_path / "model.pt")
    assert again.skeleton == model.skeleton and again.hash() == model.hash()
    flat = random_clips(skeleton=model.skeleton)
    npz.save(flat, tmp_path / "flat.npz")
    with np.load(tmp_path / "flat.npz") as file:
        assert file["positions"].shape == (20, 20, 2)
    read = npz.load(tmp_path / "flat.npz")
    assert read.skeleton == model.skeleton and np.array_equal(read.positions[..., :2], flat.positions[..., :2])
    assert read.positions.shape == (20, 20, 3) and not read.positions[..., 2].any()


def test_a_picture_is_recognised_without_an_option(model, tmp_path):
    save_model(model, tmp_path / "model.pt")
    path, _ = pose_files.openpose(tmp_path)
    result = CliRunner().invoke(cli, ["recognise", str(path), "--model", str(tmp_path / "model.pt"), "--json"])
    (clip,) = json.loads(result.stdout)["clips"]
    assert sum(clip["scores"].values()) > 0 and "two coordinates: size as that of a person" in " ".join(clip["notes"])
    path, _ = pose_files.npy(tmp_path)
    result = CliRunner().invoke(cli, ["recognise", str(path), "--model", str(tmp_path / "model.pt"), "--json"])
    assert "its depth is left out: two coordinates are wanted" in json.loads(result.stdout)["clips"][0]["notes"]


def test_a_stream_of_a_picture_is_answered_whatever_its_scale(model, tmp_path):
    save_model(model, tmp_path / "model.pt")
    clip = synthetic()[0][:, :, :2].astype(float)

    def answers(unit):
        lines = "\n".join(json.dumps((unit * frame).tolist()) for frame in clip)
        result = CliRunner().invoke(cli, ["stream", str(tmp_path / "model.pt")], input=lines)
        return [json.loads(line)["scores"] for line in result.stdout.splitlines()]

    found = answers(1.0)
    assert len(found) == len(clip) and max(found[-1].values()) > 0
    assert answers(1024.0) == found  # a power of two: the same bits


def test_three_coordinates_are_not_made_of_two(model):
    with pytest.raises(BadInput, match="x: has 2 coordinates, 3 are wanted"):
        in_coordinates(model.skeleton, 3, "x")
    assert in_coordinates(replace(model.skeleton, coordinates=3), 2, "x") == model.skeleton


def test_a_depth_that_simulate_leaves_out_is_said(model, tmp_path):
    save_model(model, tmp_path / "model.pt")
    npz.save(synthetic().subset(np.flatnonzero(~synthetic().train)[:2]), tmp_path / "x.npz")
    asked = ["simulate", tmp_path / "model.pt", "--dataset", "npz", "--data", tmp_path / "x.npz", "--protocol", "clip"]
    result = CliRunner().invoke(cli, [*map(str, asked), "--json"])
    said = "its depth is left out: two coordinates are wanted"
    assert json.loads(result.stdout)["notes"] == [said] and result.stderr.count(f"x: {said}") == 1


def run(*arguments):
    result = CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("writer", [pose_files.mmpose, pose_files.mediapipe_lines, pose_files.kinect_2])
def test_from_a_folder_of_recordings_to_a_verified_net(tmp_path, writer):
    folder_of(tmp_path / "own", writer=writer)
    data = tmp_path / "own.npz"
    run("data", "import", tmp_path / "own", data)
    asked = ("--dataset", "npz", "--data", data)
    run("train", *asked, "--epochs", 1, "--no-teacher", "--ptq", "--output", tmp_path / "run")
    model = tmp_path / "run" / "model.pt"
    run("export", model, "--target", "loihi2", "--no-verify")
    run("verify", model, *asked, "--no-lava", "--samples", 1)
    out = run("recognise", tmp_path / "own" / "sit" / "0", "--model", model, "--json", "--evidence", 0)
    assert json.loads(out)["clips"][0]["decision"] in ("sit", "wave")
