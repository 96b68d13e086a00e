import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mksgn_neuro.data import synthetic
from mksgn_neuro.data.synthetic import Sensor


def test_equal_seeds_give_equal_clips():
    a, b, c = (synthetic.generate(40, seed=s) for s in (7, 7, 8))
    assert np.array_equal(a.positions, b.positions) and np.array_equal(a.labels, b.labels)
    assert a.positions.shape != c.positions.shape or not np.array_equal(a.positions, c.positions)


def test_classes_are_balanced_and_subjects_do_not_cross_the_split():
    made = synthetic.generate(600, seed=1)
    assert np.bincount(made.labels).tolist() == [60] * 10
    assert len(set(made.subjects[made.train])) == 7 and len(set(made.subjects[~made.train])) == 3
    assert not set(made.subjects[made.train]) & set(made.subjects[~made.train])
    assert made.lengths.min() >= 24 and made.lengths.max() <= 80


def test_bones_keep_their_length_before_the_sensor():
    made = synthetic.generate(50, seed=2, sensor=Sensor(noise=0, dropouts=0))
    child, parent = zip(*made.skeleton.bones)
    for i in range(len(made)):
        lengths = np.linalg.norm(made[i][:, child] - made[i][:, parent], axis=2)
        assert np.allclose(lengths, lengths[0], atol=1e-5) and (lengths > 0.05).all()


def test_a_dropout_holds_a_joint_where_it_was():
    made = synthetic.generate(50, seed=2, sensor=Sensor(noise=0.01, dropouts=0.05, longest=4))
    still = [(np.diff(made[i], axis=0) == 0).all(axis=2) for i in range(len(made))]
    share = np.concatenate(still).mean()
    assert 0.08 < share < 0.16  # 5 % begin a loss of 1 to 4 frames
    none = synthetic.generate(50, seed=2, sensor=Sensor(noise=0.01, dropouts=0))
    assert not any((np.diff(none[i], axis=0) == 0).any() for i in range(len(none)))


def test_sitting_lowers_the_hips_and_raising_an_arm_raises_that_hand():
    made = synthetic.generate(200, seed=3, sensor=Sensor(noise=0, dropouts=0))
    names = made.skeleton.joint_names
    for i in range(len(made)):
        gain = dict(zip(names, (made[i][-1] - made[i][0])[:, 1]))
        action = made.class_names[made.labels[i]]
        if action in ("sit down", "stand up"):
            assert (gain["hip centre"] < -0.2) == (action == "sit down")
        for side in ("left", "right"):
            if action.endswith(f"{side} arm"):
                assert abs(gain[f"{side} hand"]) > 0.5 and (gain[f"{side} hand"] > 0) == action.startswith("raise")


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("origin", ["camera", "body"])
def test_average_poses_do_not_tell_the_actions_apart(seed, origin):
    made = synthetic.generate(600, seed=seed)
    means = np.array([made[i].mean(axis=0) for i in range(len(made))], dtype=np.float64)
    if origin == "body":
        means -= means[:, :1]
    x = means.reshape(len(made), -1)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000)).fit(
        x[made.train], made.labels[made.train]
    )
    score = linear.score(x[~made.train], made.labels[~made.train])
    assert 0.2 < score < 0.6
