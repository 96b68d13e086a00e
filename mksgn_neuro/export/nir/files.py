"""A NIR file as a graph: what is no NIR file is refused by what it is, an unknown node by its name and type."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.nir.nodes import KNOWN, NEURONS, supported
from mksgn_neuro.files import is_lfs_pointer
from mksgn_neuro.gates import hdf5
from mksgn_neuro.gates.regular import require_regular, shown

HINT = "write it again with nir 1.x"
OPTIONAL = {"Conv1d": {"input_shape": None}, "Conv2d": {"input_shape": None}}  # older files leave these out


def load_graph(path: Path) -> nir.NIRGraph:
    """The graph of a file of NIR 0.x or 1.x; a neuron's scalar parameters take the shape of its others.

    Raises BadInput with the file, or the node in it, that cannot be read.
    """
    path = Path(path)
    hint = "give a file of nir 1.x"
    require_regular(path, hint)
    if is_lfs_pointer(path):
        problem = "is a Git LFS pointer and not the file that it points to"
        raise BadInput(problem, location=str(path), hint="fetch that file with git lfs pull")
    with hdf5.opened(path, hint) as file:
        if not isinstance(file.get("node"), hdf5.Group):
            raise BadInput("not a readable NIR file (no node)", location=str(path), hint=hint)
        root = _tree(file.group("node"))
    kind = shown(root.get("type", "unknown"))
    if kind != "NIRGraph":
        problem = f"holds a node of type {kind} and no graph"
        raise BadInput(problem, location=str(path), hint=hint)
    return _graph(root, str(path))


def _tree(group: hdf5.Group) -> dict:
    """Groups as dictionaries, data sets as arrays, numbers or text."""
    read = {name: _tree(item) if isinstance(item, hdf5.Group) else item.read() for name, item in group.items.items()}
    return {n: item[()] if isinstance(item, np.ndarray) and item.ndim == 0 else item for n, item in read.items()}


def _graph(fields: dict, location: str) -> nir.NIRGraph:
    try:
        edges = [(a, b) for a, b in fields["edges"]] if len(fields["edges"]) else []
        if not all(isinstance(name, str) for edge in edges for name in edge):
            raise ValueError("an edge has ends that are no names")
        nodes, metadata = fields["nodes"], fields.get("metadata", {})
        if not isinstance(metadata, dict) or not all(isinstance(node, dict) for node in nodes.values()):
            raise ValueError("a node or its metadata is no group")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = f"damaged graph ({shown(repr(error))})"
        raise BadInput(problem, location=location, hint=HINT) from error
    nodes = {name: _node(node, f"{location}:{shown(name)}") for name, node in nodes.items()}
    return nir.NIRGraph(nodes, edges, metadata=metadata, type_check=False)


def _node(fields: dict, location: str) -> nir.NIRNode:
    kind = shown(fields.get("type"))
    if kind == "NIRGraph":
        return _graph(fields, location)
    known = {cls.__name__: cls for cls in KNOWN}
    if kind not in known:
        raise BadInput(f"node of type {kind} is not supported", location=location, hint=f"supported are {supported()}")
    for name, value in fields.items():
        if name != "metadata" and not isinstance(value, str) and np.asarray(value).dtype.kind not in "biuf":
            raise BadInput(f"{kind} whose {shown(name)} is no number", location=location, hint=HINT)
    fields = {**OPTIONAL.get(kind, {}), **fields}
    if known[kind] in NEURONS:
        fields = _broadcast(fields, location)
    try:
        return known[kind].from_dict(fields)
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError, ArithmeticError) as error:
        raise BadInput(f"damaged {kind} ({shown(error)})", location=location, hint=HINT) from error


def _broadcast(fields: dict, location: str) -> dict:
    """All numeric parameters in one shape, as nir's classes ask for."""
    numbers = {name: np.asarray(value) for name, value in fields.items() if not isinstance(value, (str, dict))}
    try:
        shape = np.broadcast_shapes(*(value.shape for value in numbers.values()))
    except ValueError as error:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in numbers.items())
        problem = f"the shapes of its parameters differ: {shapes}"
        raise BadInput(problem, location=location, hint="give one per neuron or a scalar") from error
    return {**fields, **{name: np.broadcast_to(value, shape).copy() for name, value in numbers.items()}}
