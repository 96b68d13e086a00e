"""Read a NIR graph, ours or anyone's, into the IR; what it must round or take for granted it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nir
import numpy as np
import scipy.sparse as sp

from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.nir.about import SHARED, About, read_about
from mksgn_neuro.export.nir.arithmetic import describe_differences, refined
from mksgn_neuro.export.nir.files import load_graph
from mksgn_neuro.export.nir.firing import describe_silence
from mksgn_neuro.export.nir.graph import Graph
from mksgn_neuro.export.nir.grid import NEAR
from mksgn_neuro.export.nir.maps import Kernel, Map, matrix_of, shape_of
from mksgn_neuro.export.nir.neurons import Neurons, quantize
from mksgn_neuro.export.nir.routes import Route, constant, routes
from mksgn_neuro.export.nir.timestep import choose
from mksgn_neuro.export.nir.writer import METADATA
from mksgn_neuro.ir import ConvKernel, Network, Population, Projection, Source
from mksgn_neuro.ir.spec import MAX_DECAY, current_cannot_wrap, legal_from_file

Placed = tuple[str, Projection]  # and the name of the node that has its weights


def read_nir(path: Path, *, dt: float | None = None, input_message_bits: int = 0) -> tuple[Network, list[Finding]]:
    """The network of a NIR file and what had to be rounded; see `from_nir`."""
    network, findings = from_nir(load_graph(path), dt=dt, input_message_bits=input_message_bits, location=str(path))
    return legal_from_file(network, str(path), but=(current_cannot_wrap,)), findings


def from_nir(
    graph: nir.NIRGraph, *, dt: float | None = None, input_message_bits: int = 0, location: str = "NIR graph"
) -> tuple[Network, list[Finding]]:
    """The network of a graph, without transmission delay unless it is ours and says otherwise.

    `dt` is the seconds per step, None to read it off the neurons, and `input_message_bits` the payload of the input; a
    graph of ours tells both. A loop without a Delay takes one step, as NIR's simulators have it. Raises BadInput for
    what the chip cannot run.
    """
    findings: list[Finding] = []
    known = read_about(graph, location)
    g = Graph(graph, location, findings)
    about = known or About(dt=choose(g, dt, findings))
    source = _source(g, about, input_message_bits)
    readout = _readout(g)
    names = list(about.populations) or g.neurons
    if sorted(names) != sorted(g.neurons):
        raise g.bad(METADATA, "describes other neurons than the graph has", "export it again")
    populations: list[Population] = []
    projections: list[Placed] = []
    for name in names:
        layer, synapses = _layer(g, name, about, findings)
        populations += layer
        projections += synapses
    network = Network(
        source, tuple(populations), _in_order(projections, about), readout, about.transmission_delay, about.task
    )
    if cycle := network.cycle:
        raise g.bad(" → ".join(cycle), "a loop over several layers", "only loops from a layer to itself run: cut it")
    if known is None:
        network = refined(network)
        findings += [*_on_resets(g, network), *describe_differences(network)]
    return network, findings + describe_silence(network, g, about.dt, each=known is None)


def _source(g: Graph, about: About, bits: int) -> Source:
    name = g.only(nir.Input)
    if about.source is None:
        return Source(name, _unbatched(g.shape(name)), bits)
    if (about.source.name, about.source.size) != (name, g.size(name)):
        raise g.bad(METADATA, "describes another input than the graph has", "export it again")
    return about.source


def _unbatched(shape: tuple[int, ...]) -> tuple[int, ...]:
    """An image without a batch of one, as sinabs writes it; neurons are numbered the same."""
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _readout(g: Graph) -> str:
    """The layer that the output shows; a Flatten between them only reshapes."""
    name = g.only(nir.Output)
    while not isinstance(g.nodes[name], (nir.LIF, nir.CubaLIF, nir.IF)):
        if not isinstance(g.nodes[name], (nir.Output, nir.Flatten)):
            kind = type(g.nodes[name]).__name__
            raise g.bad(name, f"a {kind} is the output, not neurons", "drop it, or put neurons behind it")
        if len(g.before[name]) != 1:
            problem = f"{len(g.before[name])} nodes feed the output"
            raise g.bad(name, problem, "end the graph in one layer of neurons")
        name = g.before[name][0]
    return name


def _layer(g: Graph, name: str, about: About, findings: list[Finding]) -> tuple[list[Population], list[Placed]]:
    """A layer's population and projections, and the neuron that brings it a bias through its current."""
    incoming = [replace(r, exponent=about.projections.get(r.node or "", 0)) for r in routes(g, name)]
    neurons = quantize(g, name, incoming, constant(g, name), about.dt, findings)
    populations = [_population(g, name, neurons, about)]
    projections: list[Placed] = []
    for route, weights in zip(incoming, neurons.weights):
        projections += _projections(g, route, weights, about, findings)
    if neurons.current is not None:
        extra = f"{name}.bias"
        while extra in g.nodes:
            extra += "_"
        populations.insert(0, Population.of(extra, "layer", (1,), vth=1, bias=2, v_decay=MAX_DECAY))
        projections.append((extra, Projection(extra, name, matrix_of(neurons.current))))
    return populations, projections


def _population(g: Graph, name: str, neurons: Neurons, about: About) -> Population:
    shape = _unbatched(g.shape(name))
    fields = {key: getattr(neurons, key) for key in SHARED}
    known = about.populations.get(name)
    shared = known.shared if known else [key for key, value in fields.items() if len(set(value)) == 1]
    for key in shared:
        if len(set(fields[key])) == 1:
            fields[key] = fields[key][0]
    if known is None:
        axes = ("channel", "y", "x") if len(shape) == 3 else None
        return Population.of(name, "layer", shape, vth=neurons.vth, axes=axes, **fields)
    if sum(part.size for part in known.groups) != int(np.prod(shape)):
        raise g.bad(name, "has other neurons than its metadata describes", "export it again")
    return Population(name, known.groups, neurons.vth, role=known.role, **fields)


def _projections(g: Graph, route: Route, weights: Map, about: About, findings: list[Finding]) -> list[Placed]:
    """A route's projections, one per delay, each with the name of its node."""
    expected = (g.size(route.post), g.size(route.pre))
    if shape_of(weights) != expected:
        problem = f"maps {shape_of(weights)[::-1]}, its ends are {expected[::-1]}"
        raise g.bad(route.location, problem, "make the shapes fit")
    before, after = (_steps(seconds, about, route, findings) for seconds in (route.before, route.after))
    base = (route.pre == route.post) - about.transmission_delay
    parts = {delay + base: part for delay, part in _by_delay(weights, before, after).items()}
    if min(parts, default=0) < 0:
        raise g.bad(route.location, "has no delay, as each of its hops takes", "export it again")
    return [
        (route.location, Projection(route.pre, route.post, part, delay, route.exponent))
        for delay, part in parts.items()
    ]


def _by_delay(weights: Map, before: np.ndarray, after: np.ndarray) -> dict[int, ConvKernel | sp.csr_matrix]:
    """Weights by the steps that they take, `before` (pre,) and `after` (post,) them; a kernel if all take the same."""
    if not np.ptp(before) and not np.ptp(after):
        return {int(before[0] + after[0]): weights.integers() if isinstance(weights, Kernel) else weights}
    matrix = sp.coo_matrix(matrix_of(weights))
    steps = after[matrix.row] + before[matrix.col]
    return {
        int(d): sp.csr_matrix((matrix.data * (steps == d), (matrix.row, matrix.col)), shape=matrix.shape)
        for d in np.unique(steps)
    }


def _steps(seconds: np.ndarray, about: About, route: Route, findings: list[Finding]) -> np.ndarray:
    exact = seconds / about.dt
    steps = np.rint(exact).astype(np.int64)
    off = float(np.abs(steps - exact).max())
    if off > NEAR * max(1.0, float(np.abs(exact).max())):
        findings.append(Finding(route.location, f"delay is rounded to whole steps, at most {off:.2g} of one off"))
    return steps


def _in_order(projections: list[Placed], about: About) -> tuple[Projection, ...]:
    """As they were before a graph of ours was written; as found otherwise."""
    rank = {node: i for i, node in enumerate(about.projections)}
    ranked = sorted(projections, key=lambda item: rank.get(item[0], len(rank)))
    return tuple(projection for _, projection in ranked)


def _on_resets(g: Graph, network: Network) -> list[Finding]:
    """What a neuron keeps of v after a spike is the one thing of a foreign network that its NIR file cannot say."""
    if all(np.all(p.v_decay == MAX_DECAY) for p in network.populations):
        return []  # v is forgotten in any case
    text = (
        "neurons are reset to v_reset, as NIR has it; where it was trained with reset by subtraction (the default of"
        " snnTorch and sinabs), they keep what exceeds the threshold there, and may fire more often than here"
    )
    return [Finding(g.location, text)]
