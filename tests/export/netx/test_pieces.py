"""Pieces of a level: every neuron in one, all its synapses, and what the loader makes of them as of the whole level."""

import h5py
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.export.netx.loader_model import load_weights
from mksgn_neuro.export.netx.pieces import cut, read_level, why_not_in_pieces, write_piece
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.lowering.pad_for_netx import pad_for_netx
from tests.export.layered import random_layered


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 200))
def test_every_neuron_is_in_one_piece_with_all_that_it_hears(seed, most):
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 30, 2)
    weights = sp.csr_matrix(rng.integers(-9, 9, (rows, columns)) * (rng.random((rows, columns)) < rng.random()))
    pieces = list(cut(weights, most))
    assert sorted(np.concatenate([p.neurons for p in pieces])) == list(range(rows))
    for piece in pieces:
        assert len(piece.neurons) == 1 or len(piece.neurons) * len(piece.inputs) <= max(most, len(piece.neurons))
        assert weights[piece.neurons][:, piece.inputs].nnz == weights[piece.neurons].nnz


def written(folder, network):
    write_netx(pad_for_netx(network), folder / "n.net", reset_interval=None)
    return h5py.File(folder / "n.net")


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 6, 8])
def test_a_piece_holds_the_levels_own_numbers_and_is_loaded_as_the_level_would_be(seed, tmp_path):
    with written(tmp_path, random_layered(seed, convs=False, loops=False, max_size=10)) as file:
        for layer in file["layer"].values():
            level, size = read_level(layer), len(layer["weight"])
            (whole,) = load_weights(layer["weight"][()])
            for n, piece in enumerate(cut(level.weights, 12)):
                with h5py.File(tmp_path / f"{n}.net", "w") as small:
                    write_piece(layer, level, piece, small)
                    found, rows = small["layer/0"], slice(len(piece.neurons))
                    at = np.ix_(piece.neurons, piece.inputs)
                    assert np.array_equal(found["weight"][rows], layer["weight"][at[0].ravel()][:, piece.inputs])
                    (own,) = load_weights(found["weight"][()])
                    assert (own.shift, own.bits) == (whole.shift, whole.bits)
                    assert np.array_equal(own.scaled[rows], whole.scaled[at])
                    if "delay" in layer:
                        delays = np.where(layer["weight"][()] != 0, layer["delay"][()], 0)
                        assert np.array_equal(found["delay"][rows], delays[at])
                    for name in ("neuron/iDecay", "neuron/vDecay", "bias"):
                        if name in layer:
                            of_level = np.broadcast_to(layer[name][()], size)
                            of_piece = np.broadcast_to(found[name][()], int(found["shape"][0]))
                            assert np.array_equal(of_piece[rows], of_level[piece.neurons])


def dense_layer(file):
    layer = file.create_group("layer/0")
    layer["type"] = np.array([b"dense"])
    layer["shape"] = np.array([2])
    layer["weight"] = np.array([[2, 4], [6, 8]])
    layer["neuron/type"] = "CUBA"
    return layer


def put(layer, name, value):
    if name in layer:
        del layer[name]
    if value is not None:
        layer[name] = value


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("bias", 3, ""),
        ("delay", np.ones((2, 2), int), ""),
        ("type", np.array([b"dense_rec"]), "layer 0 is of type dense_rec"),
        ("type", b"conv", "layer 0 is of type conv"),
        ("delay", 3, "another form"),
        ("weight", np.arange(4), "another form"),
        ("neuron", None, "no CUBA neurons"),
        ("neuron/type", "SDNN", "no CUBA neurons"),
        ("neuron/messageBits", 8, "message bits"),
    ],
)
def test_what_cannot_be_cut_says_why(name, value, reason, tmp_path):
    with h5py.File(tmp_path / "n.net", "w") as file:
        put(dense_layer(file), name, value)
        found = why_not_in_pieces(file)
        assert reason in found and bool(reason) == bool(found)
