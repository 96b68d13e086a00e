"""Declared networks: what does not fit is refused; whatever is declared trains, quantizes and lowers exactly."""

import copy

import numpy as np
import pytest
import torch

from mksgn_neuro import nn
from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir.spec import check
from mksgn_neuro.lowering import as_layered, balance_delays, lower
from mksgn_neuro.nn.levels import chain_levels
from mksgn_neuro.nn.nodes import AND_VTH
from mksgn_neuro.sim.reference import run
from tests.students import partitions, random_frames

V, FRAMES, CLASSES = 5, 12, 3
AT_JOINTS = ("joint", "channel")


class Every(nn.SpikingNetwork):
    """Every module of the vocabulary once; a gate, parallel paths of different length, words as roles."""

    def __init__(self, *, input_bits: int = 8, v_decay: int = nn.V_DECAY) -> None:
        super().__init__(4, V, input_bits=input_bits)
        population = lambda channels, **synapses: nn.SpikingPopulation(channels, synapses, v_decay=v_decay)
        self.code = population(8, input=nn.PerModality(4, 2))
        self.wide = population(6, code=nn.GraphConvolution(partitions(), 8, 6))
        self.gate = nn.gate_population(3, {"wide": nn.HeadSum(3, 2)}, v_decay=v_decay)
        self.past = population(6, open=nn.TemporalTaps(6, 3, 2), other=nn.Pointwise(8, 6))
        self.line = population(4, code=nn.Conv1d(V, 8, 4, 3, padding=1))
        self.grid = population(2, line=nn.Conv2d((1, V), 4, 2, 1))
        self.same = population(2, grid=nn.Shortcut(2))
        self.all = population(7, same=nn.Dense(V * 2, 7), past=nn.Dense(V * 6, 7))
        sums = {"past": nn.ClassSum(V, 6, 2 * CLASSES), "all": nn.Dense(7, 2 * CLASSES)}
        self.readout = nn.SpikingPopulation(2 * CLASSES, sums, v_decay=v_decay)
        self.declare(self.parts())

    def parts(self):
        joints = {"code": 8, "wide": 6, "line": 4, "grid": 2, "same": 2}
        node = {name: nn.Node(name, name, (V, c), AT_JOINTS, getattr(self, name)) for name, c in joints.items()}
        sources = {"open": "open", "other": "code"}
        return [
            node["code"],
            node["wide"],
            nn.Node("gate", "gate", (V, 3), ("joint", "head"), self.gate),
            nn.AndGate("open", of=("wide", "gate")),
            nn.Node("past", "memory", (V, 6), AT_JOINTS, self.past, sources),
            node["line"],
            node["grid"],
            node["same"],
            nn.Node("all", "hidden", (7,), ("neuron",), self.all),
            nn.Node("readout", "readout", (CLASSES, 2), ("class", "copy"), self.readout),
        ]


def warm(**options) -> Every:
    """With the running statistics of such frames, so that every layer fires, and with gates that are open at times."""
    torch.manual_seed(0)
    network = Every(**options).train()
    with torch.no_grad():
        network.gate.gamma.fill_(1)
        network.gate.beta.fill_(-0.3)
        network.readout.beta.fill_(0.5)
        for step in range(40):
            network(random_frames(step, 4, FRAMES))
    return network.eval()


def test_every_parameter_learns():
    network = warm().train()
    network(random_frames(0, 4, FRAMES)).counts.square().sum().backward()
    dead = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []


@pytest.mark.parametrize("v_decay", [nn.V_DECAY, nn.DECAY_ONE])
def test_every_module_lowers_to_the_same_spikes_as_graph_and_as_chain(v_decay):
    network = nn.quantize(warm(v_decay=v_decay))
    frames = random_frames(9, 1, FRAMES)
    with torch.no_grad():
        activity = network(frames)
    lowered = lower(network)
    layered = as_layered(lowered)
    assert check(lowered) == check(balance_delays(lowered)) == check(layered) == []
    inputs = np.zeros((2 * FRAMES + layered.drain_steps + 20, lowered.source.size), dtype=int)
    inputs[:FRAMES] = frames[0].flatten(1).numpy()
    expected = run(lowered, inputs)
    assert expected.keys() == activity.spikes.keys()
    for name, spikes in activity.spikes.items():
        own = spikes[:, :, 0].movedim(0, 1).flatten(1).numpy()
        assert own.any() and np.array_equal(own, expected[name].spikes[:FRAMES]), name
    levels = run(layered, inputs, reset_interval=len(inputs))
    for k, level in enumerate(layered.populations, 1):
        start = 0
        for group in level.groups:
            found, lag = levels[level.name].spikes[:, start : start + group.size], k + group.delay
            start += group.size
            assert np.array_equal(found[lag:], expected[group.name].spikes[: len(inputs) - lag]), (level.name, group)


def test_populations_of_a_level_share_a_threshold_and_those_beside_gates_have_theirs():
    network = nn.quantize(warm())
    beside = {name: int(population.vth) for name, population in network.populations().items()}
    assert beside["wide"] == beside["line"] and beside["gate"] == beside["grid"]
    assert beside["same"] == AND_VTH  # beside `open`
    for level in chain_levels(network):
        assert len({int(population.vth) for population in level.populations}) <= 1


def test_two_nodes_are_gated_and_summed_as_they_are_declared():
    network = warm()
    activity = network(random_frames(1, 2, FRAMES))
    wide, gate = activity.spikes["wide"], activity.spikes["gate"].repeat_interleave(2, -1)
    assert torch.equal(activity.spikes["open"], wide * gate)
    assert activity.class_spikes.shape == (FRAMES, 2, CLASSES, 2) and network.class_scores(activity.counts).shape == (
        1,
        2,
        3,
    )


def test_input_bits_reach_the_source_and_a_copy_is_a_network_of_its_own():
    network = Every(input_bits=6)
    assert lower(nn.quantize(network)).source.message_bits == 6
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.code.beta.add_(1)
    assert other.nodes[0].population is other.code and not torch.equal(other.code.beta, network.code.beta)


def population(**synapses) -> nn.SpikingPopulation:
    return nn.SpikingPopulation(8, synapses or {"input": nn.PerModality(4, 2)})


def twice() -> nn.SpikingPopulation:
    return population(a=nn.Pointwise(12, 8), b=nn.Pointwise(12, 8))


class Bare(nn.SpikingNetwork):
    """An encoder and a readout; `nodes` come from the test."""

    def __init__(self) -> None:
        super().__init__(4, V)
        self.code = population()
        self.readout = nn.SpikingPopulation(6, {"code": nn.Dense(V * 8, 6)})

    def code_node(self, **changes) -> nn.Node:
        fields = {"name": "code", "role": "encode", "shape": (V, 8), "axes": AT_JOINTS, "population": self.code}
        return nn.Node(**(fields | changes))

    def readout_node(self, **changes) -> nn.Node:
        fields = {"name": "readout", "role": "readout", "shape": (3, 2), "axes": ("class", "copy")}
        return nn.Node(**(fields | {"population": self.readout} | changes))


@pytest.mark.parametrize(
    ("nodes", "match"),
    [
        (lambda n: [n.code_node(), n.code_node(), n.readout_node()], "'code' is taken"),
        (lambda n: [n.readout_node(), n.code_node()], "readout takes 'code', which is no node above it"),
        (lambda n: [n.code_node(population=population()), n.readout_node()], "no attribute of the network"),
        (lambda n: [n.code_node()], "code, the last node, is no readout"),
        (lambda n: [n.code_node(), n.readout_node(shape=(3, 3))], "no whole number of 6 channels"),
        (lambda n: [n.code_node(), n.readout_node(shape=(6,), axes=("class",))], "is no readout of shape"),
        (lambda n: [n.code_node(sources={"frames": "input"})], "code: sources of"),
        (lambda n: [n.code_node(population=twice(), sources={"a": "input", "b": "input"})], "code takes .* twice"),
        (lambda n: [n.code_node(), nn.AndGate("and", of=("code", "input")), n.readout_node()], "gates frames"),
    ],
)
def test_nodes_that_do_not_fit_are_refused(nodes, match):
    network = Bare()
    with pytest.raises(ValueError, match=match):
        network.declare(nodes(network))


def test_a_shape_that_is_not_what_the_population_makes_is_refused():
    network = Bare()
    network.declare([network.code_node(shape=(V + 1, 8)), network.readout_node()])
    with pytest.raises(ValueError, match=r"code is declared as \(6, 8\) and makes \(5, 12, 1, 8\)"):
        network(random_frames(0, 1, FRAMES))


class Rolled(torch.nn.Module):
    """What no chip does with spikes, without a word about it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.roll(1, 0)


def test_any_torch_module_trains_and_is_refused_by_lowering():
    network = Bare()
    network.rolled = Rolled()
    node = nn.TorchNode("rolled", "magic", (V, 8), AT_JOINTS, network.rolled, source="code")
    network.declare([network.code_node(), node, network.readout_node(sources={"code": "rolled"})])
    activity = network(random_frames(0, 2, FRAMES))
    assert torch.equal(activity.spikes["rolled"], activity.spikes["code"].roll(1, 0))
    with pytest.raises(Unsupported, match=r"rolled: no neuron of the chip computes a Rolled; use synapse modules"):
        lower(nn.quantize(network))


def test_a_gate_of_neurons_that_keep_too_much_is_refused():
    with pytest.raises(Unsupported, match=r"open: neurons that keep so much are no exact AND.*2240"):
        lower(nn.quantize(Every(v_decay=2100)))
