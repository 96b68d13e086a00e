"""Save and load a network as one HDF5 file."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import atomic_write
from mksgn_neuro.gates import hdf5
from mksgn_neuro.gates.fields import made_of
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.gates.text import parsed_json
from mksgn_neuro.ir.network import Group, Network, Population, Projection, Source
from mksgn_neuro.ir.spec import current_cannot_wrap, legal_from_file
from mksgn_neuro.ir.task import Task
from mksgn_neuro.ir.weights import ConvKernel

FORMAT = "mksgn-neuro-ir"
VERSION = 1
SUFFIX = ".ir.h5"


def save(network: Network, path: Path) -> None:
    """Write `path` in one piece: a temporary file, then a rename."""
    path = Path(path)
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as file:
        write_into(network, file)


def write_into(network: Network, group: h5py.Group) -> None:
    """Write the network into an open HDF5 group."""
    group.attrs.update(format=FORMAT, version=VERSION, readout=network.readout, hop=network.transmission_delay)
    group.attrs["source"] = json.dumps(asdict(network.source))
    if network.task is not None:
        group.attrs["task"] = json.dumps(asdict(network.task))
    for i, population in enumerate(network.populations):
        _write_population(group.create_group(f"population/{i}"), population)
    for i, projection in enumerate(network.projections):
        _write_projection(group.create_group(f"projection/{i}"), projection)


def load(path: Path) -> Network:
    """Read a network; raises BadInput for a file that is not one, or of another version."""
    with hdf5.opened(path, "export it again") as file:
        return read_from(file, str(path))


def read_from(group: hdf5.Group, location: str) -> Network:
    """Read a network from an open HDF5 group; `location` names it in errors. Raises BadInput unless it is legal."""
    attrs = group.attrs
    if not np.array_equal(attrs.get("format"), FORMAT):  # an attribute may be an array
        raise BadInput("holds no mksgn-neuro network", location=location, hint="give a file written by export")
    if not np.array_equal(attrs.get("version"), VERSION):
        hint = "export the model again with this version"
        raise BadInput(
            f"IR version {shown(attrs.get('version'))}, this program reads {VERSION}", location=location, hint=hint
        )
    try:
        task = made_of(Task, parsed_json(attrs["task"])) if "task" in attrs else None
        network = Network(
            source=made_of(Source, parsed_json(attrs["source"])),
            populations=tuple(_read_population(g) for g in _numbered(group, "population")),
            projections=tuple(_read_projection(g) for g in _numbered(group, "projection")),
            readout=_text(attrs["readout"]),
            transmission_delay=int(attrs["hop"]),
            task=task,
        )
        return legal_from_file(network, location, but=(current_cannot_wrap,))  # the emulator wraps as the chip does
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadInput(f"damaged network ({shown(error)})", location=location, hint="export the model again") from error


def _write_population(group: h5py.Group, population: Population) -> None:
    group.attrs.update(name=population.name, role=population.role, vth=population.vth)
    for name in ("i_decay", "v_decay", "bias"):
        group[name] = getattr(population, name)
    for i, part in enumerate(population.groups):
        fields = asdict(part)
        index = fields.pop("index")
        sub = group.create_group(f"group/{i}")
        sub.attrs["fields"] = json.dumps(fields)
        if index is not None:
            sub["index"] = index


def _read_population(group: hdf5.Group) -> Population:
    parts = []
    for sub in _numbered(group, "group"):
        index = sub.array("index") if "index" in sub else None
        parts.append(group_of(parsed_json(sub.attrs["fields"]), index))
    if not parts:
        raise ValueError(f"{group.attrs['name']} has no group")
    arrays = {name: int32(group.array(name), name) for name in ("i_decay", "v_decay", "bias")}
    name, role = _text(group.attrs["name"]), _text(group.attrs["role"])
    return Population(name, tuple(parts), int(group.attrs["vth"]), role=role, **arrays)


def group_of(table: dict, index: np.ndarray | None) -> Group:
    """A group of neurons from its table in a file; raises ValueError unless it can be one."""
    group = made_of(Group, {**table, "index": None})
    places = math.prod(group.shape)
    if min(group.shape, default=1) < 0 or len(group.axes) not in (0, len(group.shape)):
        raise ValueError(f"group {group.name} has shape {group.shape} and axes {group.axes}")
    if index is None:
        return group
    index = np.asarray(index)
    if index.ndim != 1 or index.dtype.kind not in "iu" or (index.size and not 0 <= index.min() <= index.max() < places):
        raise ValueError(f"group {group.name} has an index outside its {places} places")
    return replace(group, index=index.astype(np.int64))


def int32(array: np.ndarray, name: str) -> np.ndarray:
    """The same integers in 32 bits; raises ValueError where they are none or do not fit."""
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} holds {array.dtype} values")
    if array.size and not -(2**31) <= int(array.min()) <= int(array.max()) < 2**31:
        raise ValueError(f"{name} does not fit 32 bits")
    return array.astype(np.int32)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _write_projection(group: h5py.Group, projection: Projection) -> None:
    group.attrs.update(pre=projection.pre, post=projection.post)
    group.attrs.update(delay=projection.delay, weight_exp=projection.weight_exp)
    compression = {"compression": "gzip", "shuffle": True}
    weights = projection.weights
    if isinstance(weights, ConvKernel):
        group.create_dataset("kernel", data=weights.kernel, **compression)
        for name in ("input_shape", "stride", "padding", "dilation", "groups"):
            group.attrs[name] = getattr(weights, name)
        return
    group.attrs["shape"] = weights.shape
    for name in ("data", "indices", "indptr"):
        group.create_dataset(name, data=getattr(weights, name), **compression)


def _read_projection(group: hdf5.Group) -> Projection:
    a = group.attrs
    if "kernel" in group:
        names = ("input_shape", "stride", "padding", "dilation")
        geometry = {name: tuple(int(n) for n in a[name]) for name in names}
        weights = ConvKernel(int32(group.array("kernel"), "kernel"), groups=int(a["groups"]), **geometry)
    else:
        weights = _csr(*(group.array(name) for name in ("data", "indices", "indptr")), [int(n) for n in a["shape"]])
    return Projection(_text(a["pre"]), _text(a["post"]), weights, int(a["delay"]), int(a["weight_exp"]))


def _csr(data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, shape: list[int]) -> sp.csr_matrix:
    """Checked before scipy sees it, whose loops in C trust the indices."""
    data, indices, indptr = (
        int32(array, name) for array, name in ((data, "data"), (indices, "indices"), (indptr, "indptr"))
    )
    if len(shape) != 2 or min(shape) < 0 or any(array.ndim != 1 for array in (data, indices, indptr)):
        raise ValueError(f"weights of shape {shape}")
    if len(indptr) != shape[0] + 1 or len(data) != len(indices) or indptr[0] != 0 or indptr[-1] != len(data):
        raise ValueError(f"{len(indptr)} row starts and {len(data)} weights for {shape[0]} rows")
    if np.any(np.diff(indptr) < 0) or (indices.size and not 0 <= indices.min() <= indices.max() < shape[1]):
        raise ValueError(f"weights outside a matrix of shape {shape}")
    return sp.csr_matrix((data, indices, indptr), shape=tuple(shape), dtype=np.int32)


def _numbered(group: hdf5.Group, name: str) -> list[hdf5.Group]:
    found = group.get(name)
    return [group.group(f"{name}/{i}") for i in range(len(found))] if isinstance(found, hdf5.Group) else []
