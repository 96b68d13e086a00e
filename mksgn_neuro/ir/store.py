"""Save and load a network as one HDF5 file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp

from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import in_one_piece
from mksgn_neuro.ir.network import Group, Network, Population, Projection, Source, Task
from mksgn_neuro.ir.weights import ConvKernel

FORMAT = "mksgn-neuro-ir"
VERSION = 1
SUFFIX = ".ir.h5"


def save(network: Network, path: Path) -> None:
    """Write `path` in one piece: a temporary file, then a rename."""
    path = Path(path)
    with in_one_piece(path) as temporary, h5py.File(temporary, "w") as file:
        write_into(network, file)


def write_into(network: Network, group: h5py.Group) -> None:
    """Write the network into an open HDF5 group."""
    group.attrs.update(format=FORMAT, version=VERSION, readout=network.readout, hop=network.hop)
    group.attrs["source"] = json.dumps(asdict(network.source))
    if network.task is not None:
        group.attrs["task"] = json.dumps(asdict(network.task))
    for i, population in enumerate(network.populations):
        _write_population(group.create_group(f"population/{i}"), population)
    for i, projection in enumerate(network.projections):
        _write_projection(group.create_group(f"projection/{i}"), projection)


def load(path: Path) -> Network:
    """Read a network; raises BadInput for a file that is not one, or of another version."""
    try:
        with h5py.File(path, "r") as file:
            return read_from(file, str(path))
    except OSError as error:
        raise BadInput(f"not a readable HDF5 file ({error})", place=str(path), remedy="export it again") from error


def read_from(group: h5py.Group, place: str) -> Network:
    """Read a network from an open HDF5 group; `place` names it in errors."""
    attrs = group.attrs
    if attrs.get("format") != FORMAT:
        raise BadInput("holds no mksgn-neuro network", place=place, remedy="give a file written by export")
    if attrs["version"] != VERSION:
        remedy = "export the model again with this version"
        raise BadInput(f"IR version {attrs['version']}, this program reads {VERSION}", place=place, remedy=remedy)
    try:
        task = json.loads(attrs["task"]) if "task" in attrs else None
        return Network(
            source=Source(**_tuples(json.loads(attrs["source"]))),
            populations=tuple(_read_population(g) for g in _numbered(group, "population")),
            projections=tuple(_read_projection(g) for g in _numbered(group, "projection")),
            readout=attrs["readout"],
            hop=int(attrs["hop"]),
            task=None if task is None else Task(**_tuples(task)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"damaged network ({error})", place=place, remedy="export the model again") from error


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


def _read_population(group: h5py.Group) -> Population:
    parts = []
    for sub in _numbered(group, "group"):
        index = sub["index"][()] if "index" in sub else None
        parts.append(Group(**_tuples(json.loads(sub.attrs["fields"])), index=index))
    arrays = {name: group[name][()] for name in ("i_decay", "v_decay", "bias")}
    return Population(group.attrs["name"], tuple(parts), int(group.attrs["vth"]), role=group.attrs["role"], **arrays)


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


def _read_projection(group: h5py.Group) -> Projection:
    a = group.attrs
    if "kernel" in group:
        names = ("input_shape", "stride", "padding", "dilation")
        geometry = {name: tuple(int(n) for n in a[name]) for name in names}
        weights = ConvKernel(group["kernel"][()], groups=int(a["groups"]), **geometry)
    else:
        arrays = tuple(group[name][()] for name in ("data", "indices", "indptr"))
        weights = sp.csr_matrix(arrays, shape=tuple(int(n) for n in a["shape"]), dtype=np.int32)
    return Projection(a["pre"], a["post"], weights, int(a["delay"]), int(a["weight_exp"]))


def _numbered(group: h5py.Group, name: str) -> list[h5py.Group]:
    return [group[f"{name}/{i}"] for i in range(len(group[name]))] if name in group else []


def _tuples(fields: dict) -> dict:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
