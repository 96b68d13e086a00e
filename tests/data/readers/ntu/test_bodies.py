import numpy as np
import pytest

from mksgn_neuro.data.readers.ntu.bodies import tracks, two_bodies
from mksgn_neuro.data.readers.ntu.text import parse
from tests.data.readers.ntu.skeleton_files import skeleton_text, walk


def assembled(*walks, frames=40):
    return two_bodies(tracks(parse(skeleton_text([s for w in walks for s in w], frames), "x")))


def poses(walk_):
    return np.array([xyz for _, _, xyz in walk_])


def test_the_body_that_moves_most_comes_first():
    still, lively = walk(40, seed=1, size=0.01), walk(40, seed=2, size=0.2)
    clip = assembled(still, lively)
    assert clip.shape == (40, 50, 3) and clip.dtype == np.float32
    assert np.array_equal(clip[:, :25], poses(lively)) and np.array_equal(clip[:, 25:], poses(still))


def test_one_body_leaves_the_second_slot_at_zero():
    clip = assembled(walk(30, seed=1))
    assert np.array_equal(clip[:, :25], poses(walk(30, seed=1))) and not clip[:, 25:].any()


def test_a_person_found_again_under_a_new_id_stays_in_the_slot_and_stands_still_between():
    before, after = walk(15, seed=1, first=2, size=0.3), walk(12, seed=2, first=20)
    clip = assembled(before, after)
    assert clip.shape == (30, 50, 3)  # frames 2 to 31
    assert np.array_equal(clip[:15, :25], poses(before)) and np.array_equal(clip[18:, :25], poses(after))
    assert (clip[15:18, :25] == clip[14, :25]).all() and not clip[:, 25:].any()


def test_the_clip_is_cut_to_the_main_body():
    main, other = walk(20, seed=1, first=5, size=0.5), walk(40, seed=2, size=0.01)
    clip = assembled(main, other)
    assert len(clip) == 20 and np.array_equal(clip[:, 25:], poses(other)[5:25])


def test_short_tracks_are_left_out_unless_there_is_nothing_else():
    clip = assembled(walk(40, seed=1), walk(10, seed=2, first=3, size=9))
    assert np.array_equal(clip[:, :25], poses(walk(40, seed=1))) and not clip[:, 25:].any()
    assert np.array_equal(assembled(walk(4, seed=2))[:, :25], poses(walk(4, seed=2)))


def test_at_most_two_of_three_bodies_stay():
    walks = [walk(40, seed=s, size=0.1 * s) for s in (1, 2, 3)]
    clip = assembled(*walks)
    assert np.array_equal(clip, np.concatenate([poses(walks[2]), poses(walks[1])], axis=1))


def test_nobody_gives_no_clip():
    assert assembled() is None


def shaped(walk_, scale):
    """The same sightings with every body made wider, flatter, smaller about its own middle."""
    found = []
    for t, body, xyz in walk_:
        middle = xyz.mean(axis=0)
        found.append((t, body, ((xyz - middle) * np.array(scale) + middle).astype(np.float32)))
    return found


@pytest.mark.parametrize("scale", [(8, 0.3, 1), (0.19, 0.19, 0.19)], ids=["a table", "0.33 m tall"])
def test_furniture_is_nobody_however_much_it_jitters(scale):
    person, table = walk(40, seed=1, size=0.02), shaped(walk(40, seed=2, size=0.5), scale)
    clip = assembled(table, person)
    assert np.array_equal(clip[:, :25], poses(person)) and not clip[:, 25:].any()


def test_whoever_lies_down_alone_is_somebody():
    lying = shaped(walk(40, seed=2), (8, 0.3, 1))
    assert np.array_equal(assembled(lying)[:, :25], poses(lying))


def test_a_person_who_bends_down_for_some_of_the_time_stays():
    upright, other = walk(40, seed=1, size=0.3), walk(40, seed=2, size=0.1)
    bent = [*upright[:20], *shaped(upright[20:], (8, 0.3, 1))]
    assert np.array_equal(assembled(bent, other)[:, :25], poses(bent))
