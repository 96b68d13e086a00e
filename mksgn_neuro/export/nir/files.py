"""A NIR file as a graph: what is no NIR file is refused by what it is, an unknown node by its name and type."""

from __future__ import annotations

from pathlib import Path

import h5py
import nir
import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.nir.nodes import KNOWN, NEURONS, supported

LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
OPTIONAL = {"Conv1d": {"input_shape": None}, "Conv2d": {"input_shape": None}}  # older files leave these out


def load(path: Path) -> nir.NIRGraph:
    """The graph of a file of NIR 0.x or 1.x; a neuron's scalar parameters take the shape of its others.

    Raises BadInput with the file, or the node in it, that cannot be read.
    """
    path = Path(path)
    remedy = "give a file of nir 1.x"
    try:
        with path.open("rb") as file:
            if file.read(len(LFS_POINTER)) == LFS_POINTER:
                problem = "is a Git LFS pointer and not the file that it points to"
                raise BadInput(problem, place=str(path), remedy="fetch that file with git lfs pull")
        with h5py.File(path, "r") as file:
            root = _tree(file["node"])
    except (OSError, KeyError, ValueError) as error:
        raise BadInput(f"not a readable NIR file ({error})", place=str(path), remedy=remedy) from error
    if root.get("type") != "NIRGraph":
        problem = f"holds a node of type {root.get('type', 'unknown')} and no graph"
        raise BadInput(problem, place=str(path), remedy=remedy)
    return _graph(root, str(path))


def _tree(group: h5py.Group) -> dict:
    """Groups as dictionaries, data sets as arrays, numbers or text."""
    items = {name: _tree(item) if isinstance(item, h5py.Group) else item[()] for name, item in group.items()}
    return {name: item.decode() if isinstance(item, bytes) else item for name, item in items.items()}


def _graph(fields: dict, place: str) -> nir.NIRGraph:
    try:
        pairs = [(a, b) for a, b in fields["edges"]] if len(fields["edges"]) else []
        edges = [tuple(n.decode() if isinstance(n, bytes) else str(n) for n in pair) for pair in pairs]
        nodes = fields["nodes"]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"damaged graph ({error!r})", place=place, remedy="write it again with nir 1.x") from error
    nodes = {name: _node(node, f"{place}:{name}") for name, node in nodes.items()}
    return nir.NIRGraph(nodes, edges, metadata=fields.get("metadata", {}), type_check=False)


def _node(fields: dict, place: str) -> nir.NIRNode:
    kind = str(fields.get("type"))
    if kind == "NIRGraph":
        return _graph(fields, place)
    known = {cls.__name__: cls for cls in KNOWN}
    if kind not in known:
        raise BadInput(f"node of type {kind} is not supported", place=place, remedy=f"supported are {supported()}")
    fields = {**OPTIONAL.get(kind, {}), **fields}
    if known[kind] in NEURONS:
        fields = _broadcast(fields, place)
    try:
        return known[kind].from_dict(fields)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise BadInput(f"damaged {kind} ({error})", place=place, remedy="write it again with nir 1.x") from error


def _broadcast(fields: dict, place: str) -> dict:
    """All numeric parameters in one shape, as nir's classes ask for."""
    numbers = {name: np.asarray(value) for name, value in fields.items() if not isinstance(value, (str, dict))}
    try:
        shape = np.broadcast_shapes(*(value.shape for value in numbers.values()))
    except ValueError as error:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in numbers.items())
        problem = f"the shapes of its parameters differ: {shapes}"
        raise BadInput(problem, place=place, remedy="give one per neuron or a scalar") from error
    return {**fields, **{name: np.broadcast_to(value, shape).copy() for name, value in numbers.items()}}
