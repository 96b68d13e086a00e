"""Cut a dense level of a netx file into files of a few neurons each, which lava-dl's loader holds in little memory.

The loader holds a level's weights dense, (neurons, inputs), and copies them several times; most of them are zero. A
piece holds some of the level's neurons and the inputs that these hear, with the file's own numbers. It must be loaded
as the whole level would be, and what the loader makes of a weight depends on all that the level holds: so a piece also
gets neurons that hold each of the level's weights once. Nobody looks at what those do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np
import scipy.sparse as sp

from mksgn_neuro.export.netx.loader_model import CUBA_TYPES, assembled, distinct
from mksgn_neuro.gates.hdf5_blocks import filled

MOST_PAIRS = 6_000_000  # neurons times inputs of a piece; the loader takes about 45 bytes for each


@dataclass(frozen=True)
class StoredLevel:
    """A dense layer's own numbers: `weights` (neurons, inputs), `delays` of its synapses where it has some.

    `values` are all weights that occur, 0 included where a pair has no synapse.
    """

    weights: sp.csr_matrix
    delays: sp.csr_matrix | None
    values: np.ndarray

    @property
    def size(self) -> int:
        """Its neurons."""
        return self.weights.shape[0]


@dataclass(frozen=True)
class Piece:
    """`neurons` of a level, and all `inputs` that any of them hears: int (n,), (m,), at least one of each."""

    neurons: np.ndarray
    inputs: np.ndarray


def why_not_in_pieces(file: h5py.File | h5py.Group) -> str:
    """Why a netx file cannot be cut: only dense levels with weights, and delays if any, for each pair; "" if it can."""
    layers = file["layer"]
    for name in sorted(layers, key=int):
        layer = layers[name]
        if _text(layer["type"]) != "dense":
            return f"layer {name} is of type {_text(layer['type'])}"
        if layer["weight"].ndim != 2 or ("delay" in layer and layer["delay"].shape != layer["weight"].shape):
            return f"layer {name} has its weights or delays in another form than one for each pair of neurons"
        if "neuron" not in layer or _text(layer["neuron/type"]) not in CUBA_TYPES:
            return f"layer {name} has no CUBA neurons"
        if "messageBits" in layer["neuron"]:  # the next level would hear other messages, and the loader hangs on it
            return f"layer {name} has message bits"
    return ""


def _text(dataset: h5py.Dataset) -> str:
    value = dataset[()]
    return (value.flat[0] if isinstance(value, np.ndarray) else value).decode("ascii", "replace")


def read_level(layer: h5py.Group) -> StoredLevel:
    """A dense layer with weights and delays for each pair, never whole in memory."""
    every = _synapses(layer["weight"])
    return StoredLevel(every, _delays(layer["delay"], every) if "delay" in layer else None, distinct(every))


def _synapses(matrix: h5py.Dataset) -> sp.csr_matrix:
    blocks = [(rows.start, columns.start, sp.coo_matrix(matrix[rows, columns])) for rows, columns in filled(matrix)]
    return assembled(matrix.shape, blocks)


def _delays(matrix: h5py.Dataset, weights: sp.csr_matrix) -> sp.csr_matrix:
    """Of each synapse, 0 among them."""
    numbered = sp.csr_matrix((np.arange(weights.nnz), weights.indices, weights.indptr), shape=weights.shape)
    found = np.zeros(weights.nnz, dtype=matrix.dtype)
    for rows, columns in filled(matrix):
        here = numbered[rows, columns].tocoo()
        found[here.data] = matrix[rows, columns][here.row, here.col]
    return sp.csr_matrix((found, weights.indices, weights.indptr), shape=weights.shape)


def cut(weights: sp.csr_matrix, most_pairs: int = MOST_PAIRS) -> Iterator[Piece]:
    """Every neuron of a level in one piece each, none of more pairs, unless it is a single neuron's.

    Neurons whose first input is near come together, for those of one joint hear the same joints.
    """
    heard = np.diff(weights.indptr) > 0
    firsts = np.full(weights.shape[0], -1)
    firsts[heard] = np.minimum.reduceat(weights.indices, weights.indptr[:-1][heard]) if heard.any() else 0
    order, start = np.argsort(firsts, kind="stable"), 0
    while start < len(order):
        count = _fitting(weights, order[start:], most_pairs)
        neurons = np.sort(order[start : start + count])
        inputs = np.unique(weights[neurons].indices)
        yield Piece(neurons, inputs if len(inputs) else np.zeros(1, dtype=int))
        start += count


def _fitting(weights: sp.csr_matrix, order: np.ndarray, most_pairs: int) -> int:
    """How many neurons from the first on make no more pairs, at least 1."""

    def fits(count: int) -> bool:
        return count * len(np.unique(weights[order[:count]].indices)) <= most_pairs

    low, step = 1, 1
    while low + step <= len(order) and fits(low + step):
        low, step = low + step, 2 * step
    while step := step // 2:
        if low + step <= len(order) and fits(low + step):
            low += step
    return low


def write_piece(layer: h5py.Group, level: StoredLevel, piece: Piece, file: h5py.File) -> None:
    """The piece as layer 0 of a netx file: its neurons in order, then those that hold each weight once."""
    width = len(piece.inputs)
    more = -(-len(level.values) // width)
    group = file.create_group("layer/0")
    group["shape"] = np.array([len(piece.neurons) + more])
    for name in ("type", "neuron"):
        layer.copy(name, group)
    for place in (group["neuron"], group):
        source = layer["neuron"] if place.name.endswith("neuron") else layer
        for name in ("iDecay", "vDecay", "bias"):
            if name in source:
                _put(place, name, _of_neurons(source[name][()], level.size, piece.neurons, more))
    weights = _dense(level.weights, piece)
    group["weight"] = np.vstack([weights, np.resize(level.values, (more, width)).astype(weights.dtype)])
    if level.delays is not None:
        delays = _dense(level.delays, piece)
        group["delay"] = np.vstack([delays, np.zeros((more, width), dtype=delays.dtype)])


def _put(group: h5py.Group, name: str, value: np.ndarray) -> None:
    if name in group:
        del group[name]
    group[name] = value


def _of_neurons(value: np.ndarray, size: int, neurons: np.ndarray, more: int) -> np.ndarray:
    """One for each neuron of the piece, where the level has them so."""
    if np.shape(value) != (size,):
        return value
    return np.append(value[neurons], np.full(more, value[0]))


def _dense(matrix: sp.csr_matrix, piece: Piece) -> np.ndarray:
    return matrix[piece.neurons][:, piece.inputs].toarray()
