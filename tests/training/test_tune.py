"""Training on in integers: shape and scaling stay, a kill costs nothing."""

from dataclasses import replace

import pytest
import torch

from mksgn_neuro.data.frames import fit_scaling
from mksgn_neuro.data.protocols import Timing
from mksgn_neuro.errors import BadInput
from mksgn_neuro.training.tune import at_rate, tune
from tests.training.runs import SMALLEST, WITHOUT_TEACHER, few_clips, same_weights, silent, trained
from tests.training.test_train import Killed, killer

LAST_KEPT = {"synop_regularisation": 1e-9}  # else a few steps on few clips may not be better than none


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("given"), replace(WITHOUT_TEACHER, integer_epochs=0))


def tuned(given, directory, *, epochs=2, **options):
    preset = replace(WITHOUT_TEACHER, integer_epochs=epochs, frames=99, window=7, rate=50.0, **LAST_KEPT)
    return tune(given, few_clips(), preset, directory, **({"seed": 5, "report": silent} | options))


def test_only_weights_change_and_the_given_model_does_not(given, tmp_path):
    before = {name: value.clone() for name, value in given.student.state_dict().items()}
    after = tuned(given, tmp_path)
    assert not same_weights(after, given)
    assert all((before[name] == value).all() for name, value in given.student.state_dict().items())
    assert after.student.config == given.student.config
    assert (after.scaling, after.timing, after.graph_radius) == (given.scaling, given.timing, given.graph_radius)
    assert all(population.is_integer for population in after.student.populations().values())
    assert after.training["held_out"].keys() == {"given", "integer"}


def test_without_epochs_nothing_changes(given, tmp_path):
    assert same_weights(tuned(given, tmp_path, epochs=0), given)


def test_a_killed_run_resumes_to_the_same_weights(given, tmp_path):
    expected = tuned(given, tmp_path / "whole")
    with pytest.raises(Killed):
        tuned(given, tmp_path / "killed", report=killer("integer", 1, 1))
    assert same_weights(tuned(given, tmp_path / "killed", resume=True), expected)


def test_a_network_of_stretched_clips_is_brought_to_a_cameras_frames(given, tmp_path):
    scaling = replace(given.scaling, origin="first frame", counts_per_metre=(100.0, 80.0, 60.0, 40.0))
    old = replace(given, timing=Timing(None, None, given.timing.frames), scaling=scaling)
    moved = at_rate(old, few_clips(), WITHOUT_TEACHER)
    assert moved.timing == Timing(30.0, WITHOUT_TEACHER.window, given.timing.frames)
    assert moved.scaling.origin == "frame" and moved.scaling == fit_scaling(few_clips(), 30.0)
    before, after = (m.student.encode.synapses["input"].weight for m in (old, moved))
    counts = [torch.tensor(m.scaling.counts_per_metre) for m in (old, moved)]
    same_drive = [weight * count[:, None, None] for weight, count in zip((before, after), counts)]
    assert torch.allclose(*same_drive)
    after_training = tuned(old, tmp_path)
    assert after_training.timing == Timing(50.0, 7, given.timing.frames)
    assert after_training.scaling == fit_scaling(few_clips(), 50.0)


def test_teachers_go_on_teaching(given, tmp_path):
    taught = replace(SMALLEST, integer_epochs=0)
    model = trained(tmp_path / "taught", taught)
    options = {"seed": 5, "report": silent}
    preset = replace(SMALLEST, feature_weight=0.0, frames=99, **LAST_KEPT)
    teachers = tmp_path / "taught" / "teachers"
    after = tune(model, few_clips(), preset, tmp_path / "with", teacher=teachers, **options)
    without = tune(model, few_clips(), replace(preset, soft_label_weight=0.0), tmp_path / "without", **options)
    assert after.training["teacher"]["modalities"] == list(model.scaling.modalities)
    assert not same_weights(after, without)


@pytest.mark.parametrize(
    ("preset", "problem"),
    [(WITHOUT_TEACHER, "learns nothing from teachers"), (SMALLEST, "joint.pt: no such file")],
    ids=["nobody listens", "no teachers"],
)
def test_teachers_of_no_use_are_refused_before_anything_is_removed(given, tmp_path, preset, problem):
    tuned(given, tmp_path, epochs=1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(path.name.endswith(".checkpoint.pt") for path in before)
    with pytest.raises(BadInput, match=problem):
        tune(given, few_clips(), preset, tmp_path, teacher=tmp_path / "none", config={}, seed=5, report=silent)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
