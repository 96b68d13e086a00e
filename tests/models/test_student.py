"""The student: shapes, every switch, no look into the future, symmetry under joint order."""

from dataclasses import replace

import pytest
import torch

from mksgn_neuro.models.attention import ATTENTIONS
from mksgn_neuro.models.student import MKSGN, StudentConfig
from mksgn_neuro.nn.stages import quantize
from tests.students import GROUPED, firing_student, partitions, random_frames, small_config, warm_student

FRAMES = 10


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_every_population_has_its_shape_and_spikes_only(attention):
    config = small_config(attention=attention)
    torch.manual_seed(0)
    activity = MKSGN(config, partitions())(random_frames(0, 2, FRAMES))
    assert activity.counts.shape == (2, 3, 2)
    widths = {"encode": 16, "fuse": 8, "b1.graph": 8, "b2.temporal": 8, "b3.graph": 12, "b3.temporal": 12}
    widths |= {"b1.query": 4, "b3.gate": 2, "b3.and": 12} if attention == "gated" else {}
    if attention == "spike-driven":
        widths |= {"b1.query": 4, "b2.key": 4, "b3.coincidence": 4, "b3.and": 12}
        assert activity.spikes["b2.gate"].shape == (1, FRAMES, 2, 4)
    for name, width in widths.items():
        assert activity.spikes[name].shape == (5, FRAMES, 2, width), name
    assert ("b1.gate" in activity.spikes) == (attention in ("gated", "spike-driven"))
    assert all(set(spikes.unique().tolist()) <= {0.0, 1.0} for spikes in activity.spikes.values())


def test_unknown_attention_is_refused():
    with pytest.raises(ValueError, match="softmax"):
        StudentConfig(3, attention="softmax")


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_every_parameter_learns(attention):
    torch.manual_seed(0)
    student = MKSGN(small_config(attention=attention), partitions())
    activity = student(random_frames(0, 4, FRAMES))
    activity.counts.square().sum().backward()
    dead = [name for name, p in student.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("integer", [False, True])
def test_a_frame_changes_no_spike_before_it(attention, integer):
    student = warm_student(0, attention=attention)
    if integer and attention != "ssa":
        student = quantize(student)
    frames = random_frames(1, 2, FRAMES)
    for t in (0, 4, FRAMES - 1):
        changed = frames.clone()
        changed[:, t:] = random_frames(50 + t, 2, FRAMES - t)
        with torch.no_grad():
            before, after = student(frames).spikes, student(changed).spikes
        assert not torch.equal(before["encode"][:, t:], after["encode"][:, t:])
        for name in before:
            assert torch.equal(before[name][:, :t], after[name][:, :t]), name


@pytest.mark.parametrize("attention", ["gated", "spike-driven", "none"])
def test_renaming_the_joints_with_the_graph_renames_the_spikes(attention):
    order = torch.tensor([3, 0, 4, 1, 2])
    student = warm_student(0, attention=attention)
    renamed = MKSGN(student.config, partitions()[:, order][:, :, order]).eval()
    state = renamed.state_dict()
    for name, value in student.state_dict().items():
        if name.endswith("adjacency"):
            block = int(name.split(".")[1])
            a, b = (s.blocks[block].graph.synapses["input"] for s in (student, renamed))
            full = torch.zeros(len(value), 5, 5)
            full[:, a.post, a.pre] = value
            value = full[:, order][:, :, order][:, b.post, b.pre]
        if name.startswith("readout") and name.endswith("weight"):
            value = value[order]
        if not name.endswith(("post", "pre", "mask")):
            state[name] = value
    renamed.load_state_dict(state)
    frames = random_frames(3, 2, FRAMES)
    student, renamed = quantize(student), quantize(renamed)  # in integers no order of a sum matters
    for name, population in renamed.populations().items():
        population.vth.copy_(student.populations()[name].vth)  # the search for it samples the weights in their order
    with torch.no_grad():
        expected, found = student(frames), renamed(frames[:, :, :, order])
    assert torch.equal(found.counts, expected.counts)
    for name, spikes in found.spikes.items():
        if name != "readout":
            there = expected.spikes[name]
            assert torch.equal(spikes, there[order] if len(there) > 1 else there), name
    assert sum(float(s.sum()) for s in found.spikes.values()) > 0


@pytest.mark.parametrize("attention", ["gated", "spike-driven", "ssa", "none"])
def test_a_modality_reaches_the_groups_that_hear_it_and_their_votes_only(attention):
    enough = {"query_channels": 16, "channels": (16, 16, 16)}  # that some gate of every group opens
    student = firing_student(FRAMES, attention=attention, **GROUPED | enough)
    frames = random_frames(1, 2, FRAMES)
    for modality in range(4):
        changed = frames.clone()
        changed[:, :, modality] = random_frames(2, 2, FRAMES)[:, :, modality]
        with torch.no_grad():
            before, after = student(frames), student(changed)
        parts = {
            name: [activity.spikes[name].chunk(4, -1) for activity in (before, after)]
            for name in set(before.spikes) - {"readout"}
        }
        parts["class_sums"] = [activity.drive.unflatten(-1, (-1, 4)).unbind(-1) for activity in (before, after)]
        reached = {name: {g for g in range(4) if not torch.equal(a[g], b[g])} for name, (a, b) in parts.items()}
        branches = {group for group, taken in enumerate(student.config.branch_modalities) if modality in taken}
        assert reached.pop("encode") == {modality}
        assert reached["b3.temporal"] == reached["class_sums"] == branches
        assert all(groups <= branches for groups in reached.values())


def test_votes_are_means_over_the_copies_of_a_group():
    student = MKSGN(small_config(**GROUPED | {"readout_copies": 8}), partitions())
    activity = student(random_frames(0, 2, FRAMES))
    for counted, leading in ((activity.counts, (2,)), (activity.class_spikes, (FRAMES, 2))):
        class_scores = student.class_scores(counted)
        assert counted.any() and class_scores.shape == (4, *leading, 3)
        for group in range(4):
            assert torch.equal(class_scores[group], (counted[..., group] + counted[..., group + 4]) / 2)


def test_a_spike_driven_gate_counts_coincidences_of_the_whole_skeleton():
    student, frames = firing_student(FRAMES, attention="spike-driven"), random_frames(1, 2, FRAMES)
    with torch.no_grad():
        spikes = student(frames).spikes
        gate = student.blocks[0].gate
        together = spikes["b1.query"] * spikes["b1.key"]
        alone = gate.fire(
            together.sum(0, keepdim=True) * gate.quantize_weight(gate.synapses["coincidence"].effective())
        )
    assert torch.equal(spikes["b1.coincidence"], together)
    assert torch.equal(spikes["b1.gate"], alone) and 0 < alone.mean() < 1
    assert torch.equal(spikes["b1.and"], spikes["b1.graph"] * alone.repeat_interleave(2, -1))


def test_without_coincidences_spike_driven_gates_stay_shut():
    student = firing_student(FRAMES, attention="spike-driven")
    gate = student.blocks[0].gate
    assert not gate({"coincidence": torch.zeros(5, FRAMES, 2, 4)}).any()


def test_a_channel_that_never_coincides_leaves_the_other_gates_their_bits():
    torch.manual_seed(0)
    student = MKSGN(small_config(attention="spike-driven"), partitions()).train()
    with torch.no_grad():
        student.blocks[0].query.gamma[0], student.blocks[0].query.beta[0] = 0.01, -3.0
        for step in range(40):
            student(random_frames(step, 4, FRAMES))
    assert student.blocks[0].gate.variance[0] < 1e-5
    assert quantize(student).blocks[0].gate.vth >= 32


def test_query_channels_that_share_out_no_features_are_refused():
    with pytest.raises(ValueError, match="8 channels are no multiple of 3"):
        small_config(attention="spike-driven", query_channels=3)


@pytest.mark.parametrize("changes", [{"readout_copies": 2}, {"heads": 2}, {"attention": "ssa", "heads": 2}])
def test_groups_that_cannot_share_out_the_channels_are_refused(changes):
    with pytest.raises(ValueError, match="cannot share"):
        small_config(**GROUPED | changes)


@pytest.mark.parametrize(
    "branch_modalities", [((0,), ()), ((0,), (4,)), ((0, -1), (1,)), ((1, 0), (2,)), ((0, 0), (1,))]
)
def test_groups_hear_modalities_that_there_are(branch_modalities):
    with pytest.raises(ValueError, match="of 4 modalities"):
        small_config(branch_modalities=branch_modalities)


@pytest.mark.parametrize("modalities", [1, 2])
def test_fewer_modalities(modalities):
    torch.manual_seed(0)
    student = MKSGN(small_config(modalities=modalities), partitions())
    assert student(random_frames(0, 2, FRAMES)[:, :, :modalities]).counts.shape == (2, 3, 2)


def test_information_weights_the_fusion_only_where_it_is_switched_on():
    torch.manual_seed(0)
    frames = random_frames(0, 4, FRAMES) * torch.tensor([1.0, 0.9, 0.01, 0.5])[:, None, None]
    for switched_on in (True, False):
        student = MKSGN(replace(small_config(), mutual_information=switched_on), partitions()).train()
        for _ in range(3):
            student(frames.round())
        weights = student.fuse.synapses["encode"].modality_weights
        assert bool((weights != 1).any()) == switched_on == (student.fusion_weights is not None)
        assert weights.mean().item() == pytest.approx(1, abs=1e-5)
    frozen = student.eval().joint_firing.clone()
    student(frames)
    assert torch.equal(student.joint_firing, frozen)


def test_information_weights_branches_of_several_modalities():
    for branch_modalities, weighs in ((GROUPED["branch_modalities"], True), (((0,), (1,), (2,), (3,)), False)):
        student = MKSGN(small_config(**GROUPED | {"branch_modalities": branch_modalities}), partitions()).train()
        student(random_frames(0, 4, FRAMES) * torch.tensor([1.0, 0.9, 0.01, 0.5])[:, None, None])
        weights = student.fuse.synapses["encode"].modality_weights
        assert student.config.weighs_modalities == weighs == bool((weights != 1).any())
