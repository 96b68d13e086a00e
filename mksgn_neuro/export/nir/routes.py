"""The synapses of a NIR graph: every way from one layer of neurons, or the input, to the next."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import nir
import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import ConvKernel

NEURONS = (nir.LIF, nir.CubaLIF, nir.IF)
WEIGHTS = (nir.Linear, nir.Affine, nir.Conv2d)
SUPPORTED = "Input, Output, Linear, Affine, Conv2d, Delay, Flatten, LIF, CubaLIF and IF"


@dataclass(frozen=True)
class Route:
    """Synapses from `pre` to `post`: one weight node, None for one to one, and seconds of delay before and after.

    `exponent` is the projection's weight_exp, which a graph of ours tells.
    """

    pre: str
    post: str
    node: str | None = None
    weight: nir.NIRNode | None = None
    before: np.ndarray | float = 0.0
    after: np.ndarray | float = 0.0
    exponent: int = 0

    @property
    def place(self) -> str:
        """Where to look in the graph."""
        return self.node or f"{self.pre} → {self.post}"


class Graph:
    """A NIR graph by name, with its predecessors; raises BadInput for nodes that no population or projection is."""

    def __init__(self, graph: nir.NIRGraph, place: str) -> None:
        self.nodes, self.place = graph.nodes, place
        self.before: dict[str, list[str]] = defaultdict(list)
        for pre, post in graph.edges:
            self.before[post].append(pre)
        for name, node in self.nodes.items():
            if not isinstance(node, (*NEURONS, *WEIGHTS, nir.Input, nir.Output, nir.Delay, nir.Flatten)):
                kind = type(node).__name__
                raise self.bad(name, f"node of type {kind} is not supported", f"supported are {SUPPORTED}")

    def bad(self, name: str, problem: str, remedy: str) -> BadInput:
        """The error that names a node."""
        return BadInput(problem, place=f"{self.place}:{name}", remedy=remedy)

    def only(self, kind: type) -> str:
        """The name of the one node of a type."""
        names = [name for name, node in self.nodes.items() if isinstance(node, kind)]
        if len(names) != 1:
            raise self.bad(kind.__name__, f"there are {len(names)} nodes", "give a graph with one input and one output")
        return names[0]

    @property
    def neurons(self) -> list[str]:
        """The names of all layers of neurons."""
        return [name for name, node in self.nodes.items() if isinstance(node, NEURONS)]

    def routes(self, post: str) -> list[Route]:
        """All synapses into a layer of neurons."""
        return [route for pre in self.before[post] for route in self._walk(pre, Route(pre, post))]

    def _walk(self, name: str, route: Route) -> list[Route]:
        """Routes that end as `route` does and come from `name` or before it."""
        node = self.nodes[name]
        if isinstance(node, (*NEURONS, nir.Input)):
            return [replace(route, pre=name)]
        if isinstance(node, nir.Delay):
            side = "before" if route.weight is not None else "after"
            route = replace(route, **{side: getattr(route, side) + np.asarray(node.delay, dtype=np.float64)})
        elif isinstance(node, WEIGHTS):
            if route.weight is not None:
                raise self.bad(name, f"feeds the weights of {route.node} without neurons", "multiply the two matrices")
            route = replace(route, node=name, weight=node)
        elif isinstance(node, nir.Output):
            raise self.bad(name, "feeds another node", "let an output end the graph")
        if not self.before[name]:
            raise self.bad(name, "nothing feeds it", "connect or drop it")
        if len(self.before[name]) > 1 and isinstance(node, nir.Affine) and np.any(node.bias):
            raise self.bad(name, "adds its bias to a sum", "give each input weights of its own")
        return [found for pre in self.before[name] for found in self._walk(pre, route)]


def kernel_of(graph: Graph, route: Route, shape: tuple[int, ...], values: np.ndarray) -> ConvKernel:
    """A Conv2d with integer values on an input of `shape` (C, H, W)."""
    conv = route.weight
    if len(shape) != 3 or any(isinstance(getattr(conv, name), str) for name in ("padding", "stride", "dilation")):
        raise graph.bad(route.place, f"a Conv2d on an input of shape {shape}", "give (C, H, W) and padding in numbers")
    pair = {
        name: tuple(int(n) for n in np.resize(getattr(conv, name), 2)) for name in ("stride", "padding", "dilation")
    }
    return ConvKernel(values, tuple(int(n) for n in shape), groups=int(conv.groups), **pair)
