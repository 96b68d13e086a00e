"""Training exchanges left and right only where that makes sense, and says where it does not."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.readers import npz
from mksgn_neuro.data.skeleton import from_parents
from mksgn_neuro.errors import BadInput
from mksgn_neuro.training.presets import PRESETS
from mksgn_neuro.training.train import started_run
from tests.training.runs import WITHOUT_TEACHER, few_clips

MIRRORED = WITHOUT_TEACHER.mirroring(0.5)
NAMES = tuple("abcdefghij")


def both_sided():
    """Clips whose classes have no sides, neither by their names nor to look at."""
    clips = few_clips()
    return replace(clips.subset(np.isin(clips.labels, [0, 1, 6, 7])), class_names=NAMES)


def begun(clips, preset, folder):
    heard = []
    options = {"seed": 5, "resume": False, "report": lambda kind, record: heard.append((kind, record))}
    with started_run(clips, preset, folder, **options) as (run, *_):
        return run, [record["finding"] for kind, record in heard if kind == "finding"]


def test_sided_classes_are_not_mirrored_and_a_finding_names_them(tmp_path):
    run, said = begun(few_clips(), MIRRORED, tmp_path)
    assert not run.preset.mirrors and list(run.findings) == said and "raise left arm" in said[0]


def test_others_are_and_so_are_sided_ones_where_the_user_says_so(tmp_path):
    for clips, preset in (
        (both_sided(), MIRRORED),
        (few_clips(), replace(MIRRORED, mirror_sided=True)),
    ):
        run, said = begun(clips, preset, tmp_path)
        assert run.preset.mirrors and said == []


def test_what_is_never_mirrored_needs_no_finding(tmp_path):
    assert begun(few_clips(), WITHOUT_TEACHER, tmp_path)[1] == []


def test_every_preset_can_be_mirrored_or_not():
    for preset in PRESETS.values():
        assert preset.mirroring(0.5).mirrors and not preset.mirroring(0.0).mirrors
        schedules = (preset.mirroring(0.5).float_schedule, preset.mirroring(0.5).integer_schedule)
        assert [schedule.augmentation.mirror for schedule in schedules] == [0.5, 0.5]


def test_the_option_is_refused_for_joints_without_sides(tmp_path):
    clips = few_clips()
    npz.save(replace(clips, skeleton=from_parents(clips.skeleton.parents)), tmp_path / "own.npz")
    asked = ["train", "--dataset", "npz", "--data", str(tmp_path / "own.npz"), "--mirror", "--output"]
    result = CliRunner().invoke(cli, [*asked, str(tmp_path / "run")])
    assert isinstance(result.exception, BadInput) and "no joint's name says left or right" in str(result.exception)


@pytest.mark.slow
def test_the_finding_is_printed_kept_and_in_the_json(tmp_path):
    asked = ["train", "--preset", "tiny", "--epochs", "1", "--no-teacher", "--ptq", "--mirror", "--json", "--output"]
    result = CliRunner().invoke(cli, [*asked, str(tmp_path)], catch_exceptions=False)
    assert "findings" not in json.loads(result.stdout)
    assert json.loads((tmp_path / "config.json").read_text())["mirror_sided"] is True
