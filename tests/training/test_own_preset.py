"""The preset for clips of one's own: epochs follow from the number of clips."""

import math
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.commands.training import default_preset
from mksgn_neuro.data.synthetic import generate
from mksgn_neuro.training.batches import batches_per_epoch
from mksgn_neuro.training.presets import OWN, PRESETS, preset
from mksgn_neuro.training.train import started_run
from tests.training.runs import silent


@pytest.mark.parametrize("clips", [40, 600, 3000])
def test_few_clips_are_shown_as_often_as_it_takes(clips, tmp_path):
    made = generate(clips)
    found = OWN.for_clips(made)
    assert found.epochs * found.batches(made) >= 1200 and found.epochs >= 20 and found.steps == 0
    assert (found.epochs - 1) * found.batches(made) < 1200 or found.epochs == 20
    assert found.integer_epochs == round(3 * found.epochs / 20)
    with started_run(made, OWN, tmp_path, seed=0, resume=False, report=silent) as (run, *_):
        assert run.preset.epochs == found.epochs
        exact = batches_per_epoch(run.fit_clips, run.preset.sequences)
        assert math.isclose(exact, found.batches(made), rel_tol=0.3)


def test_slow_actions_get_fewer_frames_a_second_and_a_window_of_their_own():
    clips = generate(40)
    for frames, rate, window in ((30, 30, 20), (48, 30, 32), (71, 15, 24), (130, 10, 29), (900, 10, 60), (3, 30, 10)):
        made = replace(
            clips, lengths=np.full(40, frames), positions=np.zeros((40 * frames, 20, 3), np.float32), starts=None
        )
        found = OWN.for_clips(made)
        assert (found.rate, found.window) == (rate, window) == (found.timing.rate, found.sequences.rate and window)
        assert found.for_clips(made) == found
        assert preset("own", epochs=3).for_clips(made).rate == rate
    nobody = replace(made, train=np.zeros(40, bool))
    assert preset("own", epochs=3).for_clips(nobody).rate == 30


def test_who_says_how_many_epochs_gets_them():
    assert preset("own", epochs=3).for_clips(generate(40)).epochs == 3


def test_presets_without_steps_stay_as_they_are():
    for name, other in PRESETS.items():
        assert name == "own" or other.for_clips(generate(40)) is other


def test_an_epoch_has_no_fewer_batches_than_the_preset_asks_for():
    clips = generate(40)
    assert batches_per_epoch(clips, OWN.sequences) == 40
    assert batches_per_epoch(clips, replace(OWN, least_batches=1).sequences) < 10


def test_it_is_the_default_for_own_data_only_and_is_said_with_its_cost(tmp_path):
    assert (default_preset("npz"), default_preset("synthetic"), default_preset("nw-ucla")) == ("own", "tiny", "tiny")
    assert "own for --dataset npz" in " ".join(CliRunner().invoke(cli, ["train", "--help"]).stdout.split())
