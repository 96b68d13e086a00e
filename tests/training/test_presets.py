from dataclasses import replace

import pytest
import torch

from mksgn_neuro import names
from mksgn_neuro.chip.mapping import map_network
from mksgn_neuro.chip.rules import deployable
from mksgn_neuro.data.readers.ntu import SKELETON
from mksgn_neuro.errors import BadInput
from mksgn_neuro.lowering import balance_delays, lower
from mksgn_neuro.models.attention import ATTENTIONS
from mksgn_neuro.models.store import build_student
from mksgn_neuro.nn.stages import fold, quantize
from mksgn_neuro.training.presets import PRESETS, preset

TWO_CHIPS = {"channels": (144, 144, 144, 144, 216, 216), "query_channels": 72}


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("attention", ["gated", "spike-driven", "none"])
def test_every_preset_has_a_student_with_and_without_gates(name, attention):
    student = replace(preset(name), attention=attention).student(10)
    assert student.classes == 10 and student.channels == preset(name).channels


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_does_with_one_modality(name):
    student = preset(name).only("bone").student(10)
    assert student.modalities == 1 and all(taken == (0,) for taken in student.branch_modalities)


def test_groups_hear_what_their_preset_says():
    assert preset("nw-ucla").student(10).branch_modalities == ((0,), (1,), (2,), (3,))
    assert preset("nw-ucla-mixed").student(10).branch_modalities == ((0,), (1,), (2,), (3,), (0, 1, 2, 3), (0, 1, 2, 3))
    assert preset("base").student(10).branch_modalities == ()


def test_help_names_every_preset_and_attention():
    assert tuple(PRESETS) == names.PRESETS and tuple(ATTENTIONS) == names.ATTENTIONS


def test_a_change_that_is_none_keeps_what_the_preset_has():
    assert preset("tiny", epochs=None, synop_regularisation=2.0) == replace(preset("tiny"), synop_regularisation=2.0)


@pytest.mark.parametrize("wider, chips, cores", [({}, 1, 103), (TWO_CHIPS, 2, 185)], ids=["ntu", "half as wide again"])
def test_ntu_fits_one_chip_and_half_as_wide_again_two(wider, chips, cores):
    """Untrained: what a chip must hold does not depend on how many weights training leaves at 0."""
    chosen = replace(preset("ntu"), **wider)
    torch.manual_seed(0)
    student = build_student(chosen.student(60), SKELETON, chosen.graph_radius)
    mapping = map_network(balance_delays(lower(quantize(fold(student.eval())))))
    assert (mapping.chips, len(mapping.cores)) == (chips, cores)
    assert [violation.rule for violation in deployable(mapping)] == ["cores"] * (chips > 1)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(BadInput, match="cannot share"):
        replace(preset("nw-ucla"), attention="ssa", heads=6).student(10)
    with pytest.raises(BadInput, match="unknown preset 'huge'"):
        preset("huge")


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0, 0.0, 1e6])
@pytest.mark.parametrize("field", ["learning_rate", "integer_learning_rate", "teacher_learning_rate"])
def test_rates_that_nothing_learns_at_are_refused(field, rate):
    with pytest.raises(BadInput, match="learning rate"):
        preset("tiny", **{field: rate})


@pytest.mark.parametrize("penalty", [float("nan"), float("inf"), -0.5])
def test_penalties_that_reward_spikes_are_refused(penalty):
    with pytest.raises(BadInput, match="synaptic-operation regularisation"):
        preset("tiny", synop_regularisation=penalty)
