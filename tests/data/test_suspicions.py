"""What looks wrong with a data set: each thing alone is found, and a sound one has none."""

from dataclasses import replace

import numpy as np
import pytest

from mksgn_neuro.commands.training import announce
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.data.suspicions import about_classes, body_height, suspicions
from mksgn_neuro.data.synthetic import generate
from tests.data.make import clips as random_walks


@pytest.fixture(scope="module")
def sound():
    return generate(20, seed=1)


def test_a_sound_data_set_has_none(sound):
    assert suspicions(sound) == [] and 1.2 < body_height(sound) < 2.2


@pytest.mark.parametrize("factor", [100, 1 / 100])
def test_another_unit(sound, factor):
    (said,) = suspicions(replace(sound, positions=sound.positions * np.float32(factor)))
    assert said.startswith("a body of ") and "metres along axis y: another unit" in said
    flat = replace(KINECT_20, coordinates=2)
    assert suspicions(replace(sound, positions=sound.positions * np.float32(factor), skeleton=flat)) == []


def test_frames_at_0(sound):
    positions = sound.positions.copy()
    positions[sound.starts[3] : sound.starts[3] + 4] = 0
    positions[sound.starts[7]] = 0
    (said,) = suspicions(replace(sound, positions=positions))
    assert said == "5 frames with every joint at 0 in 2 clips (most in synthetic 3: 4)"


def test_copies_in_training_and_equal_clips_of_two_classes(sound):
    a, b = np.flatnonzero(sound.train)[:2]
    lengths, starts = sound.lengths.copy(), sound.starts.copy()
    lengths[b], starts[b] = lengths[a], starts[a]
    labels = sound.labels.copy()
    labels[b] = labels[a]
    changed = replace(sound, lengths=lengths, starts=starts, labels=labels)
    (said,) = [line for line in suspicions(changed) if "copies" in line or "equal" in line]
    assert said == "1 training clips are copies of other training clips"
    labels[b] = (labels[a] + 1) % 10
    said = "\n".join(suspicions(replace(changed, labels=labels)))
    assert f"1 times equal clips have different classes: synthetic {a} (" in said


def test_names_twice_and_frames_left_over():
    made = random_walks(skeleton=replace(KINECT_20, coordinates=2), class_names=("sit", "sit"))
    assert suspicions(made) == ["2 classes are called 'sit'"]
    positions = np.concatenate([made.positions, made.positions[:3]])
    left = suspicions(replace(made, positions=positions, class_names=("sit", "stand")))
    assert left == ["3 frames at the end belong to no clip"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_names": ("sit", "Sit ")}, "2 classes differ in capitals or spaces only: 'sit'"),
        ({"class_names": ("sit", "\n")}, "a class has no name, or one that cannot be printed"),
        ({"train": np.array([True, True, False, False])}, "class 'stand' is tested and never trained"),
        ({"labels": np.zeros(4, int)}, "all clips are of one class: every answer is right"),
    ],
)
def test_classes_that_cannot_be_told_apart_or_learned(changes, message):
    made = random_walks()
    assert about_classes(made) == [] and about_classes(replace(made, **changes)) == [message]
    assert message in suspicions(replace(made, **changes))


def test_they_are_said_before_training(capsys):
    announce(replace(random_walks(), labels=np.zeros(4, int)))
    assert "made up looks wrong: all clips are of one class: every answer is right" in capsys.readouterr().err
