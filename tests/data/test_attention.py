"""What the figures about gates say of gates whose behaviour is known."""

import numpy as np
import pytest

from mksgn_neuro.data.attention import chance_distance, gate_use, map_distance


def test_gates_that_never_move_are_counted_and_said():
    use = gate_use(np.array([1.0, 0.99, 0.96, 0.95, 0.5, 0.0]))
    assert use.as_json() == {
        "gates": 6, "opened": pytest.approx(4.40 / 6), "always": pytest.approx(3 / 6), "never": pytest.approx(1 / 6)
    }  # fmt: skip
    assert use.finding == (
        "50% of 6 attention gates are open more than 95% of the time and 17% less than 5%: they do not attend"
    )


def test_gates_that_move_are_no_finding_and_no_gates_no_figure():
    assert gate_use(np.array([0.2, 0.5, 0.9, 1.0])).finding is None
    assert gate_use(np.zeros(0)) is None


def test_distance_is_that_of_the_classes_maps_and_nothing_else():
    labels = np.repeat([0, 1], 50)
    own = np.stack([np.where(labels == 0, 0.2, 0.6), np.full(100, 0.3)], axis=1)
    assert map_distance(own, labels) == pytest.approx(0.1)  # 0.2 for the first gate, 0 for the second
    assert chance_distance(own, labels) < 0.04
    rng = np.random.default_rng(1)
    noise = rng.random((200, 30))
    labels = rng.integers(0, 10, 200)
    assert map_distance(noise, labels) == pytest.approx(chance_distance(noise, labels), rel=0.2)
