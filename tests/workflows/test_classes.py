"""Clips whose classes have other names or another order than the network's."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from mksgn_neuro.cli import cli
from mksgn_neuro.data.synthetic import ACTIONS
from mksgn_neuro.errors import BadInput
from mksgn_neuro.workflows.inputs import Request, chosen, fitted
from tests.small_models import small_model, synthetic

TASK = small_model().task()


def test_equal_names_in_another_order_are_the_same_classes():
    order = np.random.default_rng(0).permutation(10)
    clips = synthetic()
    other = replace(clips, labels=np.argsort(order)[clips.labels], class_names=tuple(ACTIONS[k] for k in order))
    assert other.class_names != ACTIONS and np.array_equal(fitted(other, TASK, "x").labels, clips.labels)


def test_a_map_names_what_is_called_differently_and_some_classes_are_enough():
    clips = synthetic()
    few = replace(clips.subset(clips.labels < 2), class_names=("hinsetzen", "stand up"))
    found = chosen(few, TASK, Request(split="all", renames={"hinsetzen": "sit down"}), "x")
    assert np.array_equal(found.labels, few.labels) and found.class_names == ACTIONS
    both = chosen(few, TASK, Request(split="all", renames={"hinsetzen": "sit down", "stand up": "sit down"}), "x")
    assert not both.labels.any()


def test_a_class_that_no_clip_has_need_not_be_the_networks():
    clips = replace(synthetic(), class_names=(*ACTIONS, "swim"))
    assert np.array_equal(fitted(clips, TASK, "x").labels, clips.labels)


@pytest.mark.parametrize(
    ("renames", "message"),
    [
        ({}, r"other classes than the network: 'hop'.*--map hop=sit down"),
        ({"hop": "swim"}, r"--map: no such classes: hop=swim"),
        ({"hip": "sit down"}, r"--map: no such classes: hip=sit down"),
    ],
)
def test_what_stays_unknown_is_refused_by_name(renames, message):
    clips = replace(synthetic(), class_names=("hop", *ACTIONS[1:]))
    with pytest.raises(BadInput, match=message):
        fitted(clips, TASK, "x", renames)


@pytest.mark.parametrize("pair", ["hop", "=sit", "hop="])
def test_what_is_no_pair_is_refused(pair):
    result = CliRunner().invoke(cli, ["simulate", "x.pt", "--map", pair])
    assert isinstance(result.exception, BadInput) and "no old=new" in str(result.exception)


def test_roots_are_no_bodies(tmp_path):
    from mksgn_neuro.workflows.streaming import skeleton_of

    task = replace(TASK, parents=(-1, -1, -1, *TASK.parents[3:]), bodies=1)
    assert skeleton_of(task).bodies == 1
    old = replace(TASK, bodies=None, joint_names=tuple(f"{name} (1)" for name in TASK.joint_names))
    assert skeleton_of(old).bodies == 1
    two = small_model().skeleton.repeated(2)
    old = replace(TASK, bodies=None, joint_names=two.joint_names, parents=two.parents)
    assert skeleton_of(old) == replace(two, up_axis=1)
