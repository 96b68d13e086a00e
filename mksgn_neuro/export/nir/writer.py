"""Write a network as a NIR graph (nir 1.x): Linear, Affine or Conv2d, Delay, and LIF, CubaLIF or IF.

NIR is continuous and has no time step. With forward Euler at `DT` its equations become those of
docs/design.md#the-neuron in units of u/64 and v/64, but for what docs/nir.md lists: rounding, saturation, resets
between samples.

    LIF      tau = DT·4096/v_decay, r = tau/DT       v ← v·(1 − DT/tau) + I
    CubaLIF  and tau_syn = DT·4096/i_decay, w_in = tau_syn/DT
    IF       r = 1/DT, where v_decay is 0
"""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import nir
import numpy as np

from mksgn_neuro import __version__
from mksgn_neuro.errors import Unsupported
from mksgn_neuro.files import atomic_write
from mksgn_neuro.ir import ConvKernel, Group, Network, Population, Projection
from mksgn_neuro.ir.spec import MAX_DECAY, require_legal
from mksgn_neuro.processes.memory import require_memory

DT = 1e-4  # seconds per time step: what snnTorch's import of NIR assumes
FORMAT = "mksgn-neuro-nir"
VERSION = 1
METADATA = "mksgn_neuro"
OUTPUT = "output"
BYTES_PER_PAIR = 9  # of neurons that a projection joins: nir 1.0 holds weights twice while it writes them


def write_nir(network: Network, path: Path) -> None:
    """Write `path` in one piece; raises what `to_nir` raises."""
    path = Path(path)
    graph = to_nir(network)
    with atomic_write(path) as temporary:
        nir.write(temporary, graph)


def to_nir(network: Network) -> nir.NIRGraph:
    """The network's graph. In time steps (transmission delay 1) every projection gets a Delay; in frames only those
    that have one.

    Raises IllegalNetwork for what breaks the specification, Unsupported for what no NIR node means, NotEnoughMemory
    where its dense matrices have no room.
    """
    require_legal(network)
    pairs = sum(q.matrix.shape[0] * q.matrix.shape[1] for q in network.projections if not _is_conv(q))
    hint = "export the model.pt that it was made of, whose levels are not merged, or use a machine with more memory"
    require_memory(BYTES_PER_PAIR * pairs, "a NIR file, whose weights are dense,", hint)
    shapes = _shapes(network)
    nodes: dict[str, nir.NIRNode] = {network.source.name: nir.Input(np.array(shapes[network.source.name]))}
    edges: list[tuple[str, str]] = []
    for population in network.populations:
        incoming = network.incoming[population.name]
        carrier = _bias_carrier(population, incoming)
        nodes[population.name] = _neuron(population, shapes[population.name], leak=carrier is None)
        for q in incoming:
            bias = population.bias if q is carrier else None
            chain = _synapses(network, q, shapes, bias)
            nodes.update(chain)
            names = [q.pre, *chain, q.post]
            edges += pairwise(names)
    nodes[OUTPUT] = nir.Output(np.array(shapes[network.readout]))
    edges.append((network.readout, OUTPUT))
    # Its check would feed a layer that nothing feeds, one that fires on its bias, from an input of its own.
    return nir.NIRGraph(nodes, edges, metadata={METADATA: json.dumps(_describe(network))}, type_check=False)


def _shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """(C, H, W) for whatever a convolution reads or writes, (N,) for the rest."""
    shapes = {name: (network.size_of(name),) for name in (network.source.name, *(p.name for p in network.populations))}
    for q in network.projections:
        if isinstance(q.weights, ConvKernel):
            for name, shape in ((q.pre, q.weights.input_shape), (q.post, q.weights.output_shape)):
                if len(shapes[name]) == 3 and shapes[name] != shape:
                    hint = "unroll one of its kernels"
                    raise Unsupported(f"is seen both as {shapes[name]} and as {shape}", location=name, hint=hint)
                shapes[name] = tuple(int(n) for n in shape)
    return shapes


def _bias_carrier(population: Population, incoming: tuple[Projection, ...]) -> Projection | None:
    """The projection whose Affine brings the bias; None if v_leak does, or there is none.

    A bias through a current with memory would pile up, and a convolution has one bias per channel.
    """
    if not population.bias.any() or np.any(population.i_decay != MAX_DECAY):
        return None
    return next((q for q in incoming if not isinstance(q.weights, ConvKernel) and q.pre != q.post), None)


def _neuron(p: Population, shape: tuple[int, ...], *, leak: bool) -> nir.NIRNode:
    full = {name: _full(getattr(p, name), shape) for name in ("v_decay", "i_decay", "bias")}
    threshold, zero = np.full(shape, float(p.vth)), np.zeros(shape)
    if not full["v_decay"].any():
        if np.any(full["i_decay"] != MAX_DECAY) or (leak and full["bias"].any()):
            problem = "integrates without leak, with current memory or with a bias that no synapse brings"
            raise Unsupported(problem, location=p.name, hint="give it a v_decay of at least 1")
        return nir.IF(r=np.full(shape, 1 / DT), v_threshold=threshold, v_reset=zero)
    if not full["v_decay"].all() or not full["i_decay"].all():
        hint = "use decays of at least 1, or split the population"
        raise Unsupported("a decay of 0 beside others has no time constant", location=p.name, hint=hint)
    tau = DT * MAX_DECAY / full["v_decay"]
    common = {"r": tau / DT, "v_threshold": threshold, "v_reset": zero}
    v_leak = full["bias"] * tau / DT if leak else zero
    if np.all(full["i_decay"] == MAX_DECAY):
        return nir.LIF(tau=tau, v_leak=v_leak, **common)
    tau_syn = DT * MAX_DECAY / full["i_decay"]
    return nir.CubaLIF(tau_mem=tau, tau_syn=tau_syn, v_leak=v_leak, w_in=tau_syn / DT, **common)


def _full(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(value, (int(np.prod(shape)),)).reshape(shape).astype(np.float64)


def _synapses(
    network: Network, q: Projection, shapes: dict[str, tuple[int, ...]], bias: np.ndarray | None
) -> dict[str, nir.NIRNode]:
    """The nodes from `q.pre` to `q.post`, in order: Flatten, Delay, weights, whichever are needed."""
    name, shape = node_name(network, q), shapes[q.pre]
    steps = network.transmission_delay + q.delay - (q.pre == q.post)
    conv = _is_conv(q)
    nodes: dict[str, nir.NIRNode] = {}
    if len(shape) == 3 and not conv:
        nodes[f"{name}.flatten"] = nir.Flatten({"input": np.array(shape)}, start_dim=0)
        shape = (int(np.prod(shape)),)
    if steps:
        nodes[f"{name}.delay"] = nir.Delay(np.full(shape, steps * DT))
    nodes[name] = _convolution(q) if conv else _matrix(q, bias)
    if len(shapes[q.post]) == 3 and not conv:
        raise Unsupported("a dense projection into a convolution", location=_pair(q), hint="unroll the kernel")
    return nodes


def node_name(network: Network, q: Projection) -> str:
    """The name of the node with a projection's weights; a number tells equal ones apart."""
    same = [other for other in network.projections if (other.pre, other.post) == (q.pre, q.post)]
    number = next(i for i, other in enumerate(same) if other is q)
    return f"{q.pre}_to_{q.post}" + (f"_{number}" if number else "")


def _is_conv(q: Projection) -> bool:
    return isinstance(q.weights, ConvKernel)


def _matrix(q: Projection, bias: np.ndarray | None) -> nir.NIRNode:
    weight = (q.matrix.astype(np.float32) * _factor(q)).toarray()
    if bias is None:
        return nir.Linear(weight)
    return nir.Affine(weight, np.broadcast_to(bias, (len(weight),)).astype(np.float32))


def _convolution(q: Projection) -> nir.Conv2d:
    conv = q.weights
    node = nir.Conv2d(
        input_shape=tuple(int(n) for n in conv.input_shape[1:]),
        weight=conv.kernel.astype(np.float32) * _factor(q),
        stride=conv.stride,
        padding=conv.padding,
        dilation=conv.dilation,
        groups=conv.groups,
        bias=np.zeros(len(conv.kernel), dtype=np.float32),
    )
    # nir 1.0.8 takes kernels for square and ungrouped when it works these out.
    node.input_type = {"input": np.array(conv.input_shape)}
    node.output_type = {"output": np.array(conv.output_shape)}
    return node


def _factor(q: Projection) -> np.float32:
    if q.weight_exp < 0:
        problem = f"weight exponent {q.weight_exp} rounds the sum, which no NIR node does"
        raise Unsupported(problem, location=_pair(q), hint="use exponents of at least 0")
    return np.float32(2**q.weight_exp)


def _pair(q: Projection) -> str:
    return f"{q.pre} → {q.post}"


def _describe(network: Network) -> dict:
    """What NIR has no place for: names, groups, units, order. The numbers stand in the nodes."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "written_by": f"mksgn-neuro {__version__}",
        "dt": DT,
        "hop": network.transmission_delay,
        "source": asdict(network.source),
        "task": None if network.task is None else asdict(network.task),
        "populations": [_describe_population(p) for p in network.populations],
        "projections": [{"node": node_name(network, q), "weight_exp": q.weight_exp} for q in network.projections],
    }


def _describe_population(p: Population) -> dict:
    shared = [name for name in ("i_decay", "v_decay", "bias") if getattr(p, name).ndim == 0]
    return {"name": p.name, "role": p.role, "shared": shared, "groups": [_describe_group(g) for g in p.groups]}


def _describe_group(group: Group) -> dict:
    index = None if group.index is None else group.index.tolist()
    return {**asdict(group), "index": index}
