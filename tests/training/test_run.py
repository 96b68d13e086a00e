import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mksgn_neuro.errors import BadInput
from mksgn_neuro.processes.locks import Busy
from mksgn_neuro.training.stage import CHECKPOINT, FORMAT, VERSION
from mksgn_neuro.training.train import started_run
from tests.training.runs import WITHOUT_TEACHER, few_clips, silent


@pytest.mark.parametrize(
    ("held_out", "synop_regularisation", "keeps_last"), [(0.2, 0.0, False), (0.0, 0.0, True), (0.2, 3.0, True)]
)
def test_the_best_epoch_is_kept_where_something_is_held_out_and_spikes_cost_nothing(
    tmp_path, held_out, synop_regularisation, keeps_last
):
    preset = replace(WITHOUT_TEACHER, held_out=held_out, synop_regularisation=synop_regularisation)
    with started_run(few_clips(), preset, tmp_path, seed=5, resume=False, report=silent) as (run, *_):
        student = run.sequence_stage("float", preset.float_schedule, None, None)
        teacher = run.clip_stage("teacher-joint", preset.teacher_schedule, None, None)
    assert student.keep_last == teacher.keep_last == keeps_last


def started(folder, **changes):
    options = {"seed": 5, "resume": False, "report": silent, "config": {"seed": 5}} | changes
    return started_run(few_clips(), WITHOUT_TEACHER, folder, **options)


def test_a_second_training_into_a_folder_is_refused(tmp_path):
    (tmp_path / "float.checkpoint.pt").write_text("of the first")
    with started(tmp_path, resume=False):
        (tmp_path / "float.checkpoint.pt").write_text("of the first")
        with pytest.raises(Busy, match="another training writes into this folder"), started(tmp_path, seed=6):
            pass
        assert (tmp_path / "float.checkpoint.pt").exists()
    with started(tmp_path, seed=6):
        assert not (tmp_path / "float.checkpoint.pt").exists()


def test_a_refused_resume_leaves_the_options_of_the_run_that_it_cannot_go_on_with(tmp_path):
    with started(tmp_path) as (run, *_):
        checkpoint = {"format": FORMAT, "version": VERSION, "epochs": 2, "fingerprint": run.fingerprint()}
        torch.save(checkpoint, tmp_path / f"float{CHECKPOINT}")
    with pytest.raises(BadInput, match="other clips or options"):
        started(tmp_path, resume=True, seed=6, config={"seed": 6}).__enter__()
    assert json.loads((tmp_path / "config.json").read_text()) == {"seed": 5}
    with started(tmp_path, resume=True, config={"seed": 5, "again": True}):
        assert json.loads((tmp_path / "config.json").read_text())["again"]


@pytest.mark.parametrize("number", [0, 1])
def test_fewer_than_two_training_clips_are_refused(tmp_path, number):
    clips = few_clips()
    few = replace(clips, train=np.arange(len(clips)) < number)
    with pytest.raises(BadInput, match=f"{number} training clips; give at least two"):
        started_run(few, WITHOUT_TEACHER, tmp_path / "out", seed=5, resume=False, report=silent).__enter__()
    assert not (tmp_path / "out").exists()
