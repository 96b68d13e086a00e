"""Write a layered network of populations as a netx file that lava-dl's stock loader runs exactly, with a JSON sidecar.

What the chip runs stands in /layer and only there; /mksgn_neuro holds what netx has no place for, so that whoever
reads our files reads what the chip would run.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from functools import reduce
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp

from mksgn_neuro import __version__
from mksgn_neuro.errors import BadInput
from mksgn_neuro.export.netx.layers import Level, exact_layers
from mksgn_neuro.export.netx.loader_model import CHUNK, FORMAT, GROUP, INPUT_MESSAGE_BITS, VERSION
from mksgn_neuro.export.netx.sidecar import sha256_of, sidecar_of
from mksgn_neuro.files import together
from mksgn_neuro.ir import Group, Network, Projection
from mksgn_neuro.ir.spec import require_legal

LEVEL = 4  # of gzip


@dataclass(frozen=True)
class NetxFiles:
    """What was written: the network and its sidecar."""

    net: Path
    sidecar: Path


def write_netx(network: Network, path: Path, *, reset_interval: int | None) -> NetxFiles:
    """Write `path` and `<path>.json`; `reset_interval` is the time steps per sample, after which state is zeroed.

    Without a reset interval nothing is ever reset: the file runs on a stream without end, one frame per step.
    Raises IllegalNetwork for a network that breaks the specification, Unsupported for one that netx cannot hold
    exactly: not a layered network, a weight that the stock loader would change, a delay that it would ignore.
    """
    path = Path(path)
    if reset_interval is not None and reset_interval < 1:
        hint = "give the time steps per sample, at least 1, or None for no resets"
        raise BadInput(f"reset interval is {reset_interval}", location=str(path), hint=hint)
    levels = exact_layers(require_legal(network))
    about = metadata_of(network, levels, reset_interval)
    files = NetxFiles(path, sidecar_of(path))
    with together(files.net, files.sidecar) as (net, sidecar):
        with h5py.File(net, "w") as file:
            _write_shape_layers(file, levels)
            for level in levels:
                _write_level(file.create_group(f"layer/{level.layer}"), level)
            _write_about(file.create_group(GROUP), about, levels)
        digest = {"name": path.name, "sha256": sha256_of(net)}
        sidecar.write_text(json.dumps({"file": digest, **about}, indent=2) + "\n", encoding="utf-8")
    return files


def metadata_of(network: Network, levels: tuple[Level, ...], reset_interval: int | None) -> dict:
    """What the file's user must know and netx cannot say, as plain JSON."""
    source, task = network.source, network.task
    resets = {} if reset_interval is None else {"reset_interval": reset_interval, "reset_offset": 1}
    return {
        "format": FORMAT,
        "version": VERSION,
        "written_by": f"mksgn-neuro {__version__}",
        "reset": reset_interval is not None,
        "steps_per_sample": reset_interval,
        "latency_steps": len(levels),
        "rate": None if task is None else task.rate,
        "window": None if task is None else task.window,
        "loader": {
            "input_message_bits": INPUT_MESSAGE_BITS if source.message_bits else 0,
            **resets,
            "sparse_fc_layer": True,
        },
        "input": asdict(source),
        "task": None if task is None else asdict(task),
        "levels": [_about_level(level) for level in levels],
        "hardware_notes": hardware_notes(levels, reset_interval),
    }


def hardware_notes(levels: tuple[Level, ...], reset_interval: int | None) -> list[str]:
    """What runs in the stock loader's simulation, but that nobody has documented for the chip."""
    notes = [
        f"/layer/{level.layer}/neuron/{key}: one decay per neuron; Lava documents one per layer"
        for level in levels
        for key, decay in (("iDecay", level.population.i_decay), ("vDecay", level.population.v_decay))
        if decay.ndim
    ]
    if reset_interval is not None and reset_interval & (reset_interval - 1):
        notes.append(f"reset_interval {reset_interval} is not a power of two, as the chip's reset wants")
    return notes


def _about_level(level: Level) -> dict:
    p = level.population
    return {
        "layer": level.layer,
        "name": p.name,
        "role": p.role,
        "neurons": p.size,
        "shared_bias": p.bias.ndim == 0,
        "delays": [q.delay for q in level.forward],
        "groups": [_about_group(group) for group in p.groups],
    }


def _about_group(group: Group) -> dict:
    fields = asdict(group)
    fields["index"] = None if group.index is None else "in the file"
    return fields


def _write_about(group: h5py.Group, about: dict, levels: tuple[Level, ...]) -> None:
    group["about"] = json.dumps(about)
    for level in levels:
        for i, part in enumerate(level.population.groups):
            if part.index is not None:
                group[f"index/{level.layer}/{i}"] = part.index


def _write_shape_layers(file: h5py.File, levels: tuple[Level, ...]) -> None:
    """The layers that only tell a shape: `input` before a convolution, `flatten` after one."""
    if levels[0].conv:
        _write_type(file.create_group("layer/0"), "input", levels[0].conv.input_shape)
    for before, level in pairwise(levels):
        if before.conv and not level.conv:
            _write_type(file.create_group(f"layer/{level.layer - 1}"), "flatten", (before.population.size,))


def _write_level(group: h5py.Group, level: Level) -> None:
    p = level.population
    _write_type(group, level.type, level.conv.output_shape if level.conv else (p.size,))
    if p.bias.any():
        group["bias"] = _conv_bias(level) if level.conv else p.bias
    neuron = group.create_group("neuron")
    for key, value in {"type": "CUBA", "vThMant": p.vth, "refDelay": 1, "gradedSpike": False}.items():
        neuron[key] = value
    for key, decay in (("iDecay", p.i_decay), ("vDecay", p.v_decay)):
        neuron[key] = decay.reshape(level.conv.output_shape).transpose() if level.conv and decay.ndim else decay
    if level.conv:
        return _write_conv(group, level)
    group["inFeatures"], group["outFeatures"] = level.weights.shape[::-1]
    _write_rows(group, "weight", level.weights, np.int16)
    if level.loops:
        _write_rows(group, "weight_rec", level.recurrent, np.int16)
    if any(q.delay for q in level.forward):
        _write_rows(group, "delay", reduce(sp.csr_matrix.maximum, map(_delay_matrix, level.forward)), np.uint8)


def _write_type(group: h5py.Group, name: str, shape: tuple[int, ...]) -> None:
    group.create_dataset("type", (1,), "S10", data=[name.encode("ascii")])
    group["shape"] = np.array(shape, dtype=np.int64)


def _write_conv(group: h5py.Group, level: Level) -> None:
    conv = level.conv
    group.create_dataset("weight", data=conv.kernel.astype(np.int16), compression="gzip", shuffle=True)
    for name in ("stride", "padding", "dilation"):
        group[name] = np.array(getattr(conv, name), dtype=np.int64)
    group["groups"] = conv.groups
    group["kernelSize"] = np.array(conv.kernel.shape[2:], dtype=np.int64)
    group["inChannels"], group["outChannels"] = conv.input_shape[0], conv.output_shape[0]


def _conv_bias(level: Level) -> np.ndarray:
    """The loader takes one bias per channel or, in its own W, H, C order, one per neuron."""
    shape = level.conv.output_shape
    per_neuron = np.broadcast_to(level.population.bias, (level.population.size,)).reshape(shape)
    per_channel = per_neuron[:, 0, 0]
    uniform = np.array_equal(per_neuron, np.broadcast_to(per_channel[:, None, None], shape))
    return per_channel if uniform else per_neuron.transpose()


def _delay_matrix(q: Projection) -> sp.csr_matrix:
    matrix = q.matrix
    return sp.csr_matrix((np.full_like(matrix.data, q.delay), matrix.indices, matrix.indptr), shape=matrix.shape)


def _write_rows(group: h5py.Group, name: str, matrix: sp.csr_matrix, dtype: type) -> None:
    """Dense, in chunks; those without a synapse are packed once."""
    rows, columns = matrix.shape
    height, width = min(rows, CHUNK[0]), min(columns, CHUNK[1])
    packing = {"compression": "gzip", "compression_opts": LEVEL, "shuffle": True}
    dataset = group.create_dataset(name, matrix.shape, dtype, chunks=(height, width), **packing)
    nothing = zlib.compress(bytes(height * width * dataset.dtype.itemsize), LEVEL)
    for start in range(0, rows, height):
        own = matrix[start : start + height].astype(dtype)
        band, held = own.toarray(), set(np.unique(own.indices // width))
        for column in range(0, columns, width):
            if column // width in held:
                dataset[start : start + height, column : column + width] = band[:, column : column + width]
            else:
                dataset.id.write_direct_chunk((start, column), nothing)
