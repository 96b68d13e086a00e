"""The way in: a network trained with SLAYER's CUBA blocks as an IR network. Imports lava-dl."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch
from lava.lib.dl.slayer.block import cuba
from lava.lib.dl.slayer.neuron.norm import MeanOnlyBatchNorm

from mksgn_neuro.errors import Unsupported
from mksgn_neuro.export.slayer.blocks import DelayedDense, LayeredBlocks
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, Source
from mksgn_neuro.ir.spec import require_legal

AXES = {1: ("neuron",), 3: ("channel", "y", "x")}
NO_CURRENT_MEMORY = 4096


@dataclass(frozen=True)
class _Tail:
    """What the next block takes: `delays` (N,) are axonal delays still to be given to its synapses."""

    name: str
    shape: tuple[int, ...]
    delays: np.ndarray


def convert(blocks: Iterable[torch.nn.Module], input_shape: tuple[int, ...], message_bits: int) -> Network:
    """See `slayer.from_slayer`."""
    own = isinstance(blocks, LayeredBlocks)
    blocks = list(getattr(blocks, "blocks", blocks))
    source = Source("input", tuple(input_shape), message_bits, AXES.get(len(input_shape), ()))
    tail = _Tail(source.name, source.shape, np.zeros(source.size, int))
    populations: list[Population] = []
    projections: list[Projection] = []
    averages = [i for i, block in enumerate(blocks) if isinstance(block, cuba.Average)]
    for i, block in enumerate(blocks):
        name = f"block{i} ({type(block).__name__})"
        if isinstance(block, cuba.Flatten):
            tail = replace(tail, shape=(int(np.prod(tail.shape)),))
        elif isinstance(block, cuba.Input) and block.neuron is None and not block.delay_shift:
            continue
        elif isinstance(block, cuba.Average) and i == len(blocks) - 1:
            populations[-1] = _readout(populations[-1], block.num_outputs)
        elif isinstance(block, (cuba.Dense, cuba.Conv, cuba.Recurrent)):
            _require_plain(block, name, own)
            last = i + 1 + len(averages) == len(blocks)
            population, incoming, tail = _block(block, f"block{i}", name, tail, last)
            populations.append(population)
            projections += incoming
        else:
            raise _refused(name, "no CUBA Dense, Conv, Recurrent or Flatten block", "leave it out or replace it")
    if not populations:
        raise _refused("blocks", "no block with neurons among them", "give module.blocks")
    return require_legal(Network(source, tuple(populations), tuple(projections), populations[-1].name))


def _block(
    block: torch.nn.Module, name: str, location: str, tail: _Tail, last: bool
) -> tuple[Population, list[Projection], _Tail]:
    recurrent = isinstance(block, cuba.Recurrent)
    weights = _kernel(block, tail, location) if isinstance(block, cuba.Conv) else _dense(block, tail, location)
    shape = weights.output_shape if isinstance(weights, ConvKernel) else (weights.shape[0],)
    population = _population(block, name, location, shape)
    ahead, behind = _axonal(block, population, recurrent or bool(np.any(population.bias)))
    if last and behind.any():
        raise _refused(location, "axonal delay behind the last neurons, which have a bias or a loop", "drop the delay")
    own = block.delays.toarray() if isinstance(block, DelayedDense) else 0
    projections = _delayed(tail.name, name, weights, own + tail.delays[None, :] + ahead[:, None])
    if recurrent:
        loop = _integers(block.recurrent_synapse, block.neuron, location)
        projections.append(Projection(name, name, sp.csr_matrix(loop.reshape(len(loop), -1))))
    return population, projections, _Tail(name, shape, behind)


def _population(block: torch.nn.Module, name: str, location: str, shape: tuple[int, ...]) -> Population:
    neuron = block.neuron
    decays = {"i_decay": neuron.cx_current_decay, "v_decay": neuron.cx_voltage_decay}
    if len(shape) > 1 and any(np.size(decay) > 1 for decay in decays.values()):
        # Its state is (B, C, H, W): SLAYER lines the C decays up with W.
        raise _refused(location, "SLAYER misaligns the decays of a convolution's channels", "set shared_param=True")
    bias = np.zeros(shape[0], int)
    if neuron.norm is not None:
        bias = np.broadcast_to(_whole(neuron.norm.bias.detach().numpy().ravel(), location), bias.shape)
        if isinstance(block, cuba.Recurrent) and np.any(decays["i_decay"] != NO_CURRENT_MEMORY) and bias.any():
            raise _refused(location, "SLAYER leaks a recurrent block's bias into its current", "set current_decay=1")
    bias = np.repeat(bias, int(np.prod(shape[1:])))
    return Population.of(name, "layer", shape, vth=neuron.v_th_mant, bias=bias, axes=AXES[len(shape)], **decays)


def _readout(population: Population, outputs: int) -> Population:
    """`Average` only pools spike counts of equal runs of neurons, which is how a readout is counted."""
    group = population.groups[0]
    shape = (outputs, population.size // outputs)
    return replace(
        population, role="readout", groups=(replace(group, role="readout", shape=shape, axes=("class", "copy")),)
    )


def _axonal(block: torch.nn.Module, p: Population, is_driven: bool) -> tuple[np.ndarray, np.ndarray]:
    """A block's axonal delays (N,): those put on its input, and those left for the synapses behind it.

    netx delays a neuron's input where SLAYER delays its output: the same, unless the neuron has a drive of its own.
    """
    nothing = np.zeros(p.size, int)
    if block.delay is None:
        return nothing, nothing
    steps = torch.floor(block.delay.delay.detach()).numpy().astype(int).ravel()
    steps = np.repeat(np.broadcast_to(steps, p.groups[0].shape[:1]), p.size // p.groups[0].shape[0])
    return (nothing, steps) if is_driven else (steps, nothing)


def _delayed(pre: str, post: str, weights: sp.csr_matrix | ConvKernel, delays: np.ndarray) -> list[Projection]:
    """One projection per distinct delay of (post, pre); a convolution stays one if there is only one."""
    distinct = np.unique(delays)
    if len(distinct) == 1:
        return [Projection(pre, post, weights, int(distinct[0]))]
    matrix = Projection(pre, post, weights).matrix.toarray()
    delays = np.broadcast_to(delays, matrix.shape)
    parts = [(int(d), sp.csr_matrix(matrix * (delays == d))) for d in distinct]
    return [Projection(pre, post, part, d) for d, part in parts if part.nnz]


def _dense(block: torch.nn.Module, tail: _Tail, location: str) -> sp.csr_matrix:
    synapse = block.input_synapse if isinstance(block, cuba.Recurrent) else block.synapse
    weights = _integers(synapse, block.neuron, location, getattr(block, "mask", None))
    weights = weights.reshape(len(weights), -1)
    if weights.shape[1] != np.prod(tail.shape):
        raise _refused(location, f"takes {weights.shape[1]} inputs, {tail.name} gives {tail.shape}", "set input_shape")
    return sp.csr_matrix(weights)


def _kernel(block: torch.nn.Module, tail: _Tail, location: str) -> ConvKernel:
    s = block.synapse
    if len(tail.shape) != 3 or tail.shape[0] != s.in_channels:
        raise _refused(
            location, f"takes {s.in_channels} channels (C, H, W), {tail.name} gives {tail.shape}", "set input_shape"
        )
    geometry = {name: tuple(getattr(s, name)[:2]) for name in ("stride", "padding", "dilation")}
    return ConvKernel(_integers(s, block.neuron, location)[..., 0], tail.shape, groups=s.groups, **geometry)


def _integers(
    synapse: torch.nn.Module, neuron: torch.nn.Module, location: str, mask: torch.Tensor | None = None
) -> np.ndarray:
    """The weights that SLAYER's forward uses, times its scale; without a hook it uses them as they are."""
    with torch.no_grad():
        weight = synapse.weight
        if synapse.weight_norm_enabled:  # `weight` itself is as old as the last forward pass
            weight = torch._weight_norm(synapse.weight_v, synapse.weight_g, 0)
        if mask is not None:
            weight = weight * mask
        hook = getattr(synapse, "pre_hook_fx", None)
        units = weight * neuron.w_scale if hook is None else hook(weight, descale=True)
        return _whole(units.numpy(), location)


def _whole(values: np.ndarray, location: str) -> np.ndarray:
    if not np.array_equal(values, np.round(values)):
        raise _refused(
            location, "its weights or biases are no integers after quantization", "keep SLAYER's pre_hook_fx"
        )
    return values.astype(int)


def _require_plain(block: torch.nn.Module, location: str, own: bool) -> None:
    neuron = block.neuron
    if neuron.graded_spike:
        raise _refused(location, "graded spikes between layers", "set graded_spike=False")
    if neuron.norm is not None and not isinstance(neuron.norm, MeanOnlyBatchNorm):
        raise _refused(
            location, f"{type(neuron.norm).__name__} has no counterpart on the chip", "use MeanOnlyBatchNorm"
        )
    if not block.delay_shift and not own:
        raise _refused(location, "delay_shift=False: no chip answers in the step it is asked", "set delay_shift=True")


def _refused(location: str, problem: str, hint: str) -> Unsupported:
    return Unsupported(problem, location=location, hint=hint)
