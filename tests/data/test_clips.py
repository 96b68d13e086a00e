import numpy as np
import pytest

from mksgn_neuro.errors import BadInput
from tests.data.make import clips


def test_clips_are_views_in_order():
    made = clips((3, 4))
    assert np.array_equal(np.concatenate([made[0], made[1]]), made.positions)
    assert np.shares_memory(made[1], made.positions)


def test_subset_shares_positions_and_keeps_clips():
    made = clips((3, 4, 5))
    part = made.subset(np.array([False, True, True]))
    assert len(part) == 2 and part.names == ("clip 1", "clip 2")
    assert np.array_equal(part[1], made[2]) and np.shares_memory(part[1], made.positions)
    again = part.subset(np.array([1]))
    assert np.array_equal(again[0], made[2])


def test_leaks_are_test_clips_that_equal_a_training_clip():
    made = clips((5, 5, 5, 5, 5))
    positions = made.positions.copy()
    positions[5:10] = positions[20:25]  # test clip 1 := training clip 4
    positions[15:20] = positions[0:5]  # test clip 3 := training clip 0 but for one bit
    positions[19, 3, 1] = np.nextafter(positions[19, 3, 1], np.float32(9))
    assert clips((5, 5, 5, 5, 5), positions=positions).leaked.tolist() == [False, True, False, False, False]


def test_a_subset_remembers_its_leaks():
    made = clips((5, 5, 5, 5))
    positions = made.positions.copy()
    positions[15:20] = positions[0:5]
    whole = clips((5, 5, 5, 5), positions=positions)
    test = whole.subset(~whole.train)
    assert test.leaked.tolist() == [False, True] and test.subset(np.array([1])).leaked.tolist() == [True]
    assert not whole.subset(whole.train).leaked.any()


def test_held_out_split_is_by_subject_and_leaves_test_alone():
    n = 60
    made = clips((2,) * n, subjects=np.arange(n) % 10, train=np.arange(n) % 10 < 8)
    fit, select = made.held_out_split(fraction=0.25, seed=3)
    assert fit.train.all() and select.train.all() and len(fit) + len(select) == made.train.sum()
    assert not set(fit.subjects) & set(select.subjects)
    assert len(set(select.subjects)) == 2
    assert made.held_out_split(fraction=0.25, seed=3)[1].names == select.names


def test_held_out_split_without_subjects_draws_from_every_class():
    made = clips((2,) * 40, subjects=np.full(40, -1), train=np.ones(40, dtype=bool))
    fit, select = made.held_out_split(fraction=0.2)
    assert np.bincount(select.labels).tolist() == [4, 4] and np.bincount(fit.labels).tolist() == [16, 16]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.array([0, 1, 2, 0])}, "label outside"),
        ({"starts": np.array([0, 5, 6, 16])}, "more than"),
        ({"subjects": np.array([1])}, "1 subjects for 4"),
        ({"positions": np.zeros((20, 19, 3), np.float32)}, "expected"),
    ],
)
def test_inconsistent_fields_are_refused(changes, message):
    with pytest.raises(BadInput, match=message):
        clips(**changes)


def test_an_empty_clip_is_refused():
    with pytest.raises(BadInput, match="clip 1 has no frame"):
        clips((5, 0, 9, 5))
