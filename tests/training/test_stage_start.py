"""No integer stage ends worse than it began, where there are clips to see that on; what was kept is said."""

import json
from dataclasses import replace

import pytest

from mksgn_neuro.training.evaluate import evaluate
from mksgn_neuro.training.tune import tune
from tests.training.runs import WITHOUT_TEACHER, few_clips, same_weights, trained

RUINOUS = {"integer_learning_rate": 1.0, "integer_epochs": 1}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Trained for long enough to recognise something."""
    preset = replace(WITHOUT_TEACHER, integer_epochs=0, epochs=8, learning_rate=2e-2)
    return trained(tmp_path_factory.mktemp("given"), preset)


def tuned(given, directory, **changes):
    seen = []
    preset = replace(WITHOUT_TEACHER, **RUINOUS, **changes)
    model = tune(given, few_clips(), preset, directory, seed=5, report=lambda kind, record: seen.append((kind, record)))
    return model, dict(seen)


def score(figures):
    return sum(figures[name]["accuracy"]["standard"] for name in ("clip", "continuous"))


def test_what_a_bad_stage_began_with_is_kept_and_said(given, tmp_path):
    model, seen = tuned(given, tmp_path)
    began, after = (score(model.training["held_out"][form]) for form in ("given", "integer"))
    assert seen["epoch"]["validation_accuracy"] < began / 2 == seen["kept"]["accuracy"]
    assert after == began and same_weights(model, given)
    assert seen["kept"]["epoch"] is None and model.training["kept"] == {"integer": None}
    assert json.loads((tmp_path / "metrics.json").read_text())["kept"] == {"integer": None}


@pytest.mark.parametrize("changes", [{"held_out": 0.0}, {"synop_regularisation": 1.0}])
def test_the_last_epoch_is_kept_where_nothing_is_chosen(given, tmp_path, changes):
    model, seen = tuned(given, tmp_path, **changes)
    assert not same_weights(model, given) and seen["kept"]["epoch"] == 0


def test_clips_that_are_trained_on_are_not_called_held_out(given, tmp_path):
    model, seen = tuned(given, tmp_path, held_out=0.0)
    assert model.training["held_out"] == {} and model.training["trained_on"].keys() == {"given", "integer"}
    assert model.training["held_out_clips"] == 0 and seen["epoch"]["validation_on"] == "trained_on"


def test_what_is_forgotten_is_measured_and_replay_learns_from_both(given, tmp_path):
    former = few_clips().subset(few_clips().subjects < 4)
    new = replace(few_clips(), dataset="own", names=tuple(f"own {i}" for i in range(60)))
    preset = replace(WITHOUT_TEACHER, **RUINOUS, held_out=0.0)
    options = {"seed": 5, "report": lambda kind, record: None, "former": former}
    alone = tune(given, new, preset, tmp_path / "alone", **options)
    both = tune(given, new, preset, tmp_path / "both", replay=True, **options)
    asked = former.subset(~former.train)
    for model in (alone, both):
        found = model.training["former"]
        assert found.keys() == {"given", "integer"} and model.training["former_clips"] == f"{len(asked)} test clips"
        for name, form in (("given", given), ("integer", model)):
            seen = evaluate(form.student, asked, model.scaling, model.timing)
            assert found[name] == seen.recognition
    assert (alone.training["replayed"], both.training["replayed"]) == (0, len(former))
    assert not same_weights(alone, both)
    assert not alone.training["held_out_known_before"] and both.training["held_out_known_before"]


def test_the_same_held_out_clips_are_not_doubted_others_are(given, tmp_path):
    preset = replace(WITHOUT_TEACHER, integer_epochs=0)
    for seed, known in ((5, False), (7, True)):
        model = tune(given, few_clips(), preset, tmp_path / str(seed), seed=seed, report=lambda kind, record: None)
        assert model.training["held_out_known_before"] == known
