"""The synapses of a NIR graph: every way from one layer of neurons, or the input, to the next, as one map each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import nir
import numpy as np
import scipy.sparse as sp

from mksgn_neuro.export.nir.graph import Graph
from mksgn_neuro.export.nir.maps import Map, matrix_of, product, shape_of
from mksgn_neuro.export.nir.nodes import NEURONS, Step


@dataclass(frozen=True)
class Route:
    """Synapses from `pre` to `post`: weights (post, pre), seconds of delay before (pre,) and after (post,) them.

    `node` names the weights, if a node has them; `exponent` is the projection's weight_exp, as a graph of ours tells.
    """

    pre: str
    post: str
    node: str | None
    weights: Map
    before: np.ndarray
    after: np.ndarray
    exponent: int = 0

    @property
    def location(self) -> str:
        """Where to look in the graph."""
        return self.node or f"{self.pre} → {self.post}"


def routes(graph: Graph, post: str) -> list[Route]:
    """All synapses into a layer of neurons; whatever lies on the way is multiplied into one map."""
    return [_folded(graph, path, post) for pre in graph.before[post] for path in _paths(graph, (pre,))]


def constant(graph: Graph, post: str) -> np.ndarray:
    """What the biases on the way to a layer add to its input at every step, float64 (N,)."""
    total = np.zeros(graph.size(post))
    for pre in graph.before[post]:
        part = _bias(graph, pre)
        if part.size != total.size:
            raise graph.bad(pre, f"{part.size} outputs into {total.size} neurons", "make the shapes fit")
        total += part
    return total


def _paths(graph: Graph, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Nodes from a layer or the input to the end of `path`."""
    name, *rest = path
    node = graph.nodes[name]
    if isinstance(node, (*NEURONS, nir.Input)):
        yield path
        return
    if isinstance(node, nir.Output):
        raise graph.bad(name, "feeds another node", "let an output end the graph")
    if name in rest:
        raise graph.bad(name, "is in a loop without neurons", "put neurons into the loop")
    if not graph.before[name]:
        raise graph.bad(name, "nothing feeds it", "connect or drop it")
    for pre in graph.before[name]:
        yield from _paths(graph, (pre, *path))


def _folded(graph: Graph, path: tuple[str, ...], post: str) -> Route:
    pre, *names = path
    shape = graph.shape(pre)
    weights, node = None, None
    before, after = np.zeros(graph.size(pre)), np.zeros(1)
    for name in names:
        step = graph.step(name, shape)
        shape = step.shape
        if step.delay is not None and weights is None:
            before = before + step.delay
        elif step.delay is not None:
            after = after + step.delay
        if step.weights is not None:
            if np.ptp(after) and not step.elementwise:
                problem = "feeds on delays that differ from neuron to neuron and have weights before them"
                raise graph.bad(name, problem, "put the delays before or after all weights")
            if not np.ptp(after):
                before, after = before + after[0], np.zeros(1)
            weights, node = product(step.weights, weights), name
    size = graph.size(post)
    if weights is None:
        weights = sp.identity(graph.size(pre), format="csr")
    if shape_of(weights)[0] != size:
        location = node or f"{pre} → {post}"
        raise graph.bad(location, f"{shape_of(weights)[0]} outputs into {size} neurons", "make the shapes fit")
    return Route(pre, post, node, weights, before, np.broadcast_to(after, (size,)))


def _bias(graph: Graph, name: str) -> np.ndarray:
    """The part of a node's output that no spike brings, (N,)."""
    if isinstance(graph.nodes[name], (*NEURONS, nir.Input)):
        return np.zeros(graph.size(name))
    parts = [_through(graph, name, graph.step(name, graph.shape(pre)), _bias(graph, pre)) for pre in graph.before[name]]
    own = graph.step(name, graph.shape(graph.before[name][0])).bias
    if any(part.size != parts[0].size for part in parts):
        raise graph.bad(name, f"adds inputs of {', '.join(str(p.size) for p in parts)} values", "make the shapes fit")
    return sum(parts) if own is None else sum(parts) + own


def _through(graph: Graph, name: str, step: Step, bias: np.ndarray) -> np.ndarray:
    if not np.any(bias):
        return np.zeros(int(np.prod(step.shape)))
    if step.delay is not None and np.any(step.delay):
        raise graph.bad(name, "a bias through a delay", "use the neurons' v_leak, or put the delay before the weights")
    return bias if step.weights is None else matrix_of(step.weights) @ bias
