from dataclasses import replace

import pytest

from mksgn_neuro.training.train import start_run
from tests.training.runs import WITHOUT_TEACHER, few_clips, silent


@pytest.mark.parametrize(
    ("held_out", "rate_penalty", "keeps_last"), [(0.2, 0.0, False), (0.0, 0.0, True), (0.2, 3.0, True)]
)
def test_the_best_epoch_is_kept_where_something_is_held_out_and_spikes_cost_nothing(
    tmp_path, held_out, rate_penalty, keeps_last
):
    preset = replace(WITHOUT_TEACHER, held_out=held_out, rate_penalty=rate_penalty)
    run, _ = start_run(few_clips(), preset, tmp_path, seed=5, resume=False, report=silent)
    student = run.sequence_stage("float", preset.float_schedule, None, None)
    teacher = run.clip_stage("teacher-joint", preset.teacher_schedule, None, None)
    assert student.keep_last == teacher.keep_last == keeps_last
