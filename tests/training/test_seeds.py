import pytest

from mksgn_neuro.training.seeds import spread


def figures(standard, clean):
    both = {"standard": standard, "clean": clean}
    return {"clip": {"accuracy": both, "accuracy_held": both}, "continuous": {"accuracy": both}}


def test_mean_and_deviation_of_every_figure():
    found = spread([figures(0.8, 0.7), figures(0.9, 0.7), figures(1.0, 0.7)])
    assert found.keys() == {"continuous accuracy", "clip accuracy", "clip accuracy_held"}
    standard = found["clip accuracy_held"]["standard"]
    assert standard["mean"] == pytest.approx(0.9) and standard["deviation"] == pytest.approx(0.1)
    assert standard["seeds"] == [0.8, 0.9, 1.0] and found["clip accuracy"]["clean"]["deviation"] == pytest.approx(0)


def test_a_figure_that_a_seed_lacks_is_left_out():
    assert "clean" not in spread([figures(0.8, None), figures(0.9, 0.5)])["clip accuracy"]
    assert spread([figures(0.5, 0.5)])["clip accuracy"]["standard"]["deviation"] == 0.0
