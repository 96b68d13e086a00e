"""A NIR graph in one piece: nested graphs spliced in, every node known, each with its inputs and its shape."""

from __future__ import annotations

from collections import Counter, defaultdict

import nir
import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.findings import Finding
from mksgn_neuro.export.nir.nodes import KNOWN, NEURONS, STEPS, Shape, Step, supported
from mksgn_neuro.gates.regular import shown

Edge = tuple[str, str]


class Graph:
    """Nodes by name and their predecessors; raises BadInput for nodes that no population or projection is."""

    def __init__(self, graph: nir.NIRGraph, location: str, findings: list[Finding]) -> None:
        self.location = location
        self.nodes, edges = _spliced(graph, location, findings)
        self.before: dict[str, list[str]] = defaultdict(list)
        for pre, post in edges:
            for name in (pre, post):
                if name not in self.nodes:
                    raise self.bad(name, f"edge {pre} → {post} names a node that is not there", "drop the edge")
            self.before[post].append(pre)
        for name, node in self.nodes.items():
            if not isinstance(node, KNOWN):
                kind = type(node).__name__
                raise self.bad(name, f"node of type {kind} is not supported", f"supported are {supported()}")
        self._shapes: dict[str, Shape] = {}
        self._steps: dict[tuple[str, Shape], Step] = {}

    def bad(self, name: str, problem: str, hint: str) -> BadInput:
        """The error that names a node."""
        return BadInput(problem, location=f"{self.location}:{name}", hint=hint)

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

    def step(self, name: str, shape: Shape) -> Step:
        """What the node between layers does to an input of `shape`."""
        if (name, shape) not in self._steps:
            node = self.nodes[name]
            fail = lambda problem, hint: self.bad(name, problem, hint)
            try:
                self._steps[name, shape] = STEPS[type(node)](node, shape, fail)
            except (ArithmeticError, MemoryError, TypeError, ValueError, LookupError) as error:
                raise fail(f"its numbers are those of no layer ({shown(error)})", "write the node again") from error
        return self._steps[name, shape]

    def shape(self, name: str) -> Shape:
        """The shape of a node's output, worked out from the input on, as files often leave it out."""
        found = self._shape(name, ())
        if found is None:
            raise self.bad(name, "its shape depends on itself only", "give its neurons parameters of their own shape")
        return found

    def size(self, name: str) -> int:
        """Values in a node's output."""
        return int(np.prod(self.shape(name)))

    def parameter(self, name: str, field: str) -> np.ndarray:
        """A neuron's parameter for each of its neurons, float64 (N,)."""
        value = np.asarray(getattr(self.nodes[name], field), dtype=np.float64)
        shape = self.shape(name)
        return value.ravel() if value.size == np.prod(shape) else np.broadcast_to(value, shape).ravel()

    def _shape(self, name: str, within: tuple[str, ...]) -> Shape | None:
        """None for a node `within` its own loop."""
        if name in self._shapes:
            return self._shapes[name]
        if name in within:
            return None
        node = self.nodes[name]
        if isinstance(node, nir.Input):
            if node.input_type["input"] is None:
                raise self.bad(name, "the input has no shape", "write it with one")
            try:
                shape = tuple(int(n) for n in np.ravel(node.input_type["input"]))
            except (ArithmeticError, TypeError, ValueError) as error:
                raise self.bad(name, f"the input has no shape ({shown(error)})", "write it with one") from error
        else:
            feeding = (self._shape(pre, (*within, name)) for pre in self.before[name])
            fed = next((shape for shape in feeding if shape is not None), None)
            shape = self._own(name, fed)
        if shape is not None:
            self._shapes[name] = shape
        return shape

    def _own(self, name: str, fed: Shape | None) -> Shape | None:
        """A layer's shape is that of its parameters, or of what feeds it where they broadcast to that."""
        node = self.nodes[name]
        if not isinstance(node, NEURONS):
            return fed if fed is None or isinstance(node, nir.Output) else self.step(name, fed).shape
        own = tuple(int(n) for n in np.shape(node.v_threshold))
        if fed is None:
            return own if np.prod(own) > 1 or not self.before[name] else None
        if np.prod(own) == np.prod(fed):
            return own or fed
        if np.prod(own) == 1:
            return fed
        per_channel = len(own) == len(fed) and all(a in (1, b) for a, b in zip(own, fed))
        return fed if per_channel else own


def _spliced(graph: nir.NIRGraph, location: str, findings: list[Finding]) -> tuple[dict[str, nir.NIRNode], list[Edge]]:
    """Nodes and edges with those of nested graphs among them, named `outer.inner`."""
    nodes: dict[str, nir.NIRNode] = {}
    edges = [(str(pre), str(post)) for pre, post in graph.edges]
    for (pre, post), count in Counter(edges).items():
        if count > 1:
            findings.append(Finding(f"{pre} → {post}", f"the edge is listed {count} times and taken once"))
    edges = list(dict.fromkeys(edges))
    for name, node in graph.nodes.items():
        inner = {name: node}
        if isinstance(node, nir.NIRGraph):
            inner, edges = _opened(name, node, edges, location, findings)
        for repeated in nodes.keys() & inner.keys():
            raise BadInput("two nodes have this name", location=f"{location}:{repeated}", hint="rename one of them")
        nodes.update(inner)
    return nodes, edges


def _opened(
    name: str, graph: nir.NIRGraph, edges: list[Edge], location: str, findings: list[Finding]
) -> tuple[dict[str, nir.NIRNode], list[Edge]]:
    """A nested graph's nodes under their new names, and all edges with its input and output joined through."""
    nodes, inner = _spliced(graph, f"{location}:{name}", findings)
    ports = {}
    for kind in (nir.Input, nir.Output):
        found = [n for n, node in nodes.items() if isinstance(node, kind)]
        if len(found) != 1:
            problem = f"the graph in it has {len(found)} nodes of type {kind.__name__}"
            raise BadInput(problem, location=f"{location}:{name}", hint="give it one input and one output")
        ports[kind] = f"{name}.{found[0]}"
    outer = [
        (ports[nir.Output] if pre == name else pre, ports[nir.Input] if post == name else post) for pre, post in edges
    ]
    edges = outer + [(f"{name}.{pre}", f"{name}.{post}") for pre, post in inner]
    for port in ports.values():
        before = [pre for pre, post in edges if post == port != pre]
        after = [post for pre, post in edges if pre == port != post]
        edges = [e for e in edges if port not in e] + [(pre, post) for pre in before for post in after]
    return {f"{name}.{n}": node for n, node in nodes.items() if f"{name}.{n}" not in ports.values()}, edges
