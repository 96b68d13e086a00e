"""Read a NIR graph, ours or anyone's, into the IR; what it must round it says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import nir
import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.nir.neurons import NEAR, Neurons, quantize
from mksgn_neuro.export.nir.routes import Graph, Route, kernel_of
from mksgn_neuro.export.nir.writer import DT, FORMAT, METADATA, VERSION
from mksgn_neuro.ir import Group, Network, Population, Projection, Source, Task


@dataclass(frozen=True)
class About:
    """What a graph of ours says beside its nodes; the defaults are for one that somebody else wrote."""

    dt: float = DT
    hop: int = 0
    source: Source | None = None
    task: Task | None = None
    populations: dict[str, dict] = field(default_factory=dict)
    projections: dict[str, int] = field(default_factory=dict)


def read_nir(path: Path, *, dt: float = DT, input_message_bits: int = 0) -> tuple[Network, list[Finding]]:
    """The network of a NIR file and what had to be rounded; see `from_nir`."""
    try:
        graph = nir.read(path, type_check=False)  # its check rejects grouped and oblong kernels; ours is below
    except (OSError, KeyError, ValueError, AssertionError, TypeError) as error:
        raise BadInput(
            f"not a readable NIR file ({error})", place=str(path), remedy="give a file of nir 1.x"
        ) from error
    return from_nir(graph, dt=dt, input_message_bits=input_message_bits, place=str(path))


def from_nir(
    graph: nir.NIRGraph, *, dt: float = DT, input_message_bits: int = 0, place: str = "NIR graph"
) -> tuple[Network, list[Finding]]:
    """The network of a graph, in frames (hop 0) unless it is ours and says otherwise.

    `dt` is the seconds per step and `input_message_bits` the payload of the input; a graph of ours tells both. A loop
    without a Delay takes one step, as NIR's simulators have it. Raises BadInput for what the chip cannot run.
    """
    about = _read_about(graph, place)
    about = About(dt=dt) if about is None else about
    g = Graph(graph, place)
    source = about.source or _source(g, input_message_bits)
    names = list(about.populations) or g.neurons
    if sorted(names) != sorted(g.neurons):
        raise g.bad(METADATA, "describes other neurons than the graph has", "export it again")
    findings: list[Finding] = []
    populations, projections = [], []
    for name in names:
        routes = [replace(r, exponent=about.projections.get(r.node or "", 0)) for r in g.routes(name)]
        neurons = quantize(g, name, routes, about.dt, findings)
        populations.append(_population(g, name, neurons, about))
        for route, weights in zip(routes, neurons.weights):
            projections += _projections(g, route, weights, about, findings)
    readout = _readout(g)
    ordered = _in_order(projections, about)
    return Network(source, tuple(populations), ordered, readout, about.hop, about.task), findings


def _read_about(graph: nir.NIRGraph, place: str) -> About | None:
    if METADATA not in graph.metadata:
        return None
    remedy = "export the model again with this version"
    try:
        about = json.loads(graph.metadata[METADATA])
        if (about["format"], about["version"]) != (FORMAT, VERSION):
            raise BadInput(f"is {about['format']} {about['version']}", place=f"{place}:{METADATA}", remedy=remedy)
        return About(
            dt=float(about["dt"]),
            hop=int(about["hop"]),
            source=Source(**_tuples(about["source"])),
            task=None if about["task"] is None else Task(**_tuples(about["task"])),
            populations={p["name"]: p for p in about["populations"]},
            projections={q["node"]: int(q["weight_exp"]) for q in about["projections"]},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"damaged metadata ({error})", place=f"{place}:{METADATA}", remedy=remedy) from error


def _tuples(fields: dict) -> dict:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


def _source(g: Graph, bits: int) -> Source:
    name = g.only(nir.Input)
    return Source(name, tuple(int(n) for n in g.nodes[name].input_type["input"]), bits)


def _readout(g: Graph) -> str:
    output = g.only(nir.Output)
    feeding = [p for p in g.before[output] if p in g.neurons]
    if len(feeding) != 1 or len(g.before[output]) != 1:
        raise g.bad(output, "is not fed by one layer of neurons", "end the graph in neurons")
    return feeding[0]


def _population(g: Graph, name: str, neurons: Neurons, about: About) -> Population:
    shape = tuple(int(n) for n in np.shape(g.nodes[name].v_threshold))
    fields = {key: getattr(neurons, key) for key in ("i_decay", "v_decay", "bias")}
    known = about.populations.get(name)
    shared = known["shared"] if known else [key for key, value in fields.items() if len(set(value)) == 1]
    for key in shared:
        if len(set(fields[key])) == 1:
            fields[key] = fields[key][0]
    if known is None:
        axes = ("channel", "y", "x") if len(shape) == 3 else None
        return Population.of(name, "layer", shape, vth=neurons.vth, axes=axes, **fields)
    groups = tuple(_group(part) for part in known["groups"])
    if sum(group.size for group in groups) != int(np.prod(shape)):
        raise g.bad(name, "has other neurons than its metadata describes", "export it again")
    return Population(name, groups, neurons.vth, role=known["role"], **fields)


def _group(about: dict) -> Group:
    index = None if about["index"] is None else np.array(about["index"], dtype=np.int64)
    return Group(**{**_tuples(about), "index": index})


def _projections(
    g: Graph, route: Route, weights: np.ndarray, about: About, findings: list[Finding]
) -> list[tuple[str, Projection]]:
    """A route's projections, one per delay, each with the name of its node."""
    steps = _steps(route.after, about, route, findings)[:, None] + _steps(route.before, about, route, findings)[None, :]
    base = (route.pre == route.post) - about.hop
    if isinstance(route.weight, nir.Conv2d):
        if len(np.unique(steps)) != 1:
            raise g.bad(route.place, "a convolution whose channels have different delays", "unroll it to a Linear")
        shape = tuple(int(n) for n in next(iter(g.nodes[route.pre].output_type.values())))
        parts: dict[int, object] = {int(steps.flat[0]): kernel_of(g, route, shape, weights)}
    else:
        if any(n not in (1, m) for n, m in zip(steps.shape, weights.shape)):
            raise g.bad(route.place, f"delays {steps.shape} do not fit its {weights.shape}", "make the shapes fit")
        delays = np.broadcast_to(steps, weights.shape)
        parts = {int(d): sp.csr_matrix(np.where(delays == d, weights, 0)) for d in np.unique(delays)}
    expected = tuple(int(np.prod(next(iter(g.nodes[n].output_type.values())))) for n in (route.post, route.pre))
    for delay, part in parts.items():
        if part.shape != expected:
            raise g.bad(route.place, f"maps {part.shape[::-1]}, its ends are {expected[::-1]}", "make the shapes fit")
        if delay + base < 0:
            raise g.bad(route.place, "has no delay, as each of its hops takes", "export it again")
    return [
        (route.place, Projection(route.pre, route.post, part, delay + base, route.exponent))
        for delay, part in parts.items()
    ]


def _steps(seconds: np.ndarray | float, about: About, route: Route, findings: list[Finding]) -> np.ndarray:
    exact = np.atleast_1d(np.ravel(seconds)) / about.dt
    steps = np.rint(exact).astype(np.int64)
    off = float(np.abs(steps - exact).max())
    if off > NEAR * max(1.0, float(np.abs(exact).max())):
        findings.append(Finding(route.place, f"delay is rounded to whole steps, at most {off:.2g} of one off"))
    return steps


def _in_order(projections: list[tuple[str, Projection]], about: About) -> tuple[Projection, ...]:
    """As they were before a graph of ours was written; as found otherwise."""
    place = {node: i for i, node in enumerate(about.projections)}
    ranked = sorted(projections, key=lambda item: place.get(item[0], len(place)))
    return tuple(projection for _, projection in ranked)
