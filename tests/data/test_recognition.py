import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mksgn_neuro.data.protocols import Timing, streams
from mksgn_neuro.data.recognition import evidence, frames_to_decision, recognition
from tests.data.make import clips


@given(st.integers(1, 30), st.one_of(st.none(), st.integers(1, 40)), st.integers(0, 99))
def test_evidence_is_the_count_of_the_last_frames(frames, window, seed):
    spikes = np.random.default_rng(seed).integers(0, 5, (frames, 3))
    expected = [spikes[max(0, t + 1 - (window or frames)) : t + 1].sum(axis=0) for t in range(frames)]
    assert np.array_equal(evidence(spikes, window), expected)


@pytest.mark.parametrize(("right", "frame"), [("TTT", 1), ("FTT", 2), ("TFT", 3), ("TTF", 0), ("F", 0), ("T", 1)])
def test_frames_to_decision(right, frame):
    assert frames_to_decision(np.array([r == "T" for r in right])) == frame


def class_spikes(decided: list[int]) -> np.ndarray:
    """Spikes with which a window of one frame decides as asked."""
    return np.eye(2, dtype=np.int64)[decided]


def test_clip_is_asked_at_the_last_frame_and_after_the_hold():
    made = clips((2, 3, 2, 2))  # labels 0, 0, 1, 1
    given_ = streams("clip", made, Timing(30.0, 1, 3))
    spikes = [[[2, 1], [0, 0], [0, 3]], [[0, 1], [0, 0], [0, 0]], [[0, 0], [0, 1], [0, 0]], [[1, 0], [0, 0], [0, 2]]]
    found = recognition([np.array(s) for s in spikes], given_, made, 30.0)
    assert found["accuracy"]["standard"] == 0.5  # after 2, 3, 2 and 2 frames: 0 (right), 1, 1 (right), 0
    assert found["accuracy_held"]["standard"] == 0.5  # after 3: 1, 1, 1 (right), 1 (right)
    assert found["clips"] == 4


def test_leaked_clips_are_left_out_of_clean():
    made = clips((4, 4, 4, 4))
    positions = made.positions.copy()
    positions[4:8] = positions[:4]  # test clip 1 is training clip 0
    test = clips((4, 4, 4, 4), positions=positions)
    test = test.subset(~test.train)
    given_ = streams("offline", test, Timing(30.0, 1, 4))
    found = recognition([class_spikes([0] * 4), class_spikes([0] * 4)], given_, test, 30.0)
    assert found["accuracy"] == {"standard": 0.5, "clean": 0.0}


def test_continuous_figures():
    made = clips((4, 4, 4))  # labels 0, 0, 1
    given_ = streams("continuous", made, Timing(30.0, 1, 4), seed=0)
    labels = made.labels[given_.clip]
    decided = np.repeat(labels, 4)
    found = recognition([class_spikes(decided)], given_, made, 30.0)
    assert found["accuracy"]["standard"] == found["second_half"] == 1.0
    assert found["median_frames_to_decision"] == 1.0 and found["false_changes_per_minute"] == 0.0
    decided[0:2] = 1 - labels[0]  # wrong for two frames, then right
    decided[7] = 1 - labels[1]  # changes to a wrong class at a clip's last frame
    found = recognition([class_spikes(decided)], given_, made, 30.0)
    assert found["accuracy"]["standard"] == pytest.approx(2 / 3) and found["second_half"] == pytest.approx(5 / 6)
    assert found["median_frames_to_decision"] == 2.0  # of 3 and 1
    assert found["false_changes_per_minute"] == pytest.approx(1 / (12 / 30 / 60))
    assert found["frames"] == 12
