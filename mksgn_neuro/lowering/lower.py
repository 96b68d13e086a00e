"""Pass: an integer student becomes populations and projections, in frames (hop 0), spike for spike the same."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.ir import Network, Population, Projection, Source, Task
from mksgn_neuro.models.population import SpikingPopulation
from mksgn_neuro.models.student import MKSGN

INPUT_BITS = 8
# An AND gate fires on coincidence only, whatever came before, iff vth/2 < w ≤ vth·v_decay/4096 (DESIGN.md 7).
AND_VTH, AND_WEIGHT = 128, 70


def lower(student: MKSGN, task: Task | None = None) -> Network:
    """The network of an integer student; raises Unsupported for what no CUBA neuron computes."""
    _require_deployable(student)
    config, joints = student.config, student.joints
    source = Source("input", (config.modalities, joints, 3), INPUT_BITS, ("modality", "joint", "coordinate"))
    populations, projections = [], []
    for name, population in student.populations().items():
        populations.append(_population(student, name, population))
        for pre, module in population.synapses.items():
            for delay, weights in module.synapses(population.grid, joints):
                projections.append(Projection(_pre_name(student, name, pre), name, weights, delay))
    for b in range(1, len(student.blocks) + 1):
        if config.attention == "gated":
            gate, links = _and_gate(student, b)
            populations.append(gate)
            projections.extend(links)
    network = Network(source, tuple(populations), tuple(projections), readout="readout", hop=0, task=task)
    return network.with_(populations=network.order)


def _require_deployable(student: MKSGN) -> None:
    if student.config.attention == "ssa":
        raise Unsupported(
            "attention 'ssa' multiplies spikes with spikes, which no neuron of the chip does",
            place="the model",
            remedy="train with --attention gated, which costs one gate spike per joint and head",
        )
    floats = [name for name, population in student.populations().items() if not population.is_integer]
    if floats:
        raise Unsupported(f"{floats[0]} still has float weights", place="the model", remedy="quantize it first")


def _population(student: MKSGN, name: str, trained: SpikingPopulation) -> Population:
    role, block = _role(name), _block(name)
    channels = len(trained.beta)
    bias = trained.integer_bias().detach().numpy().astype(np.int32)
    common = {"vth": int(trained.vth), "v_decay": trained.v_decay, "block": block}
    if name == "readout":
        shape = (student.config.classes, student.config.readout_copies)
        return Population.of(name, role, shape, bias=bias, axes=("class", "copy"), **common)
    per_neuron = np.tile(bias, student.joints)
    if name == "encode":
        shape = (student.joints, student.config.modalities, student.config.encoder_channels)
        return Population.of(name, role, shape, bias=per_neuron, axes=("joint", "modality", "channel"), **common)
    last_axis = "head" if role == "gate" else "channel"
    shape = (student.joints, channels)
    return Population.of(name, role, shape, bias=per_neuron, axes=("joint", last_axis), **common)


def _and_gate(student: MKSGN, b: int) -> tuple[Population, list[Projection]]:
    channels, heads = len(student.blocks[b - 1].graph.beta), student.config.heads
    n = student.joints * channels
    name, axes = f"b{b}.and", ("joint", "channel")
    shape = (student.joints, channels)
    gate = Population.of(name, "and", shape, vth=AND_VTH, v_decay=student.config.v_decay, axes=axes, block=b)
    spread = sp.kron(sp.identity(student.joints * heads), np.ones((channels // heads, 1)))
    links = [
        Projection(f"b{b}.graph", name, AND_WEIGHT * sp.identity(n, dtype=np.int32)),
        Projection(f"b{b}.gate", name, AND_WEIGHT * spread),
    ]
    return gate, links


def _pre_name(student: MKSGN, post: str, pre: str) -> str:
    """Names inside a block are short: `input` is the previous block's output, `and` the gated graph population."""
    b = _block(post)
    if b is None:
        return {"temporal": f"b{len(student.blocks)}.temporal"}.get(pre, pre)
    if pre == "input":
        return f"b{b - 1}.temporal" if b > 1 else "fuse"
    if pre == "and" and student.config.attention == "none":
        pre = "graph"
    return f"b{b}.{pre}"


def _role(name: str) -> str:
    return name.split(".")[-1]


def _block(name: str) -> int | None:
    return int(name[1 : name.index(".")]) if "." in name else None
