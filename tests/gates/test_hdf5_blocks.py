"""Parts of a matrix that hold more than zeros: together they are the matrix, however it is packed."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mksgn_neuro.gates.hdf5_blocks import filled

PACKED = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
LAYOUTS = {
    "contiguous": {},
    "tiny chunks": {"chunks": (8, 8), **PACKED},
    "chunks": {"chunks": (64, 100), **PACKED},
    "chunks, unshuffled": {"chunks": (64, 100), "compression": "gzip", "compression_opts": 9},
    "chunks, other filters": {"chunks": (64, 100), "fletcher32": True, **PACKED},
    "chunks, not packed": {"chunks": (64, 100)},
    "bands of rows": {"chunks": (64, 450), **PACKED},
}


def sparse(seed, rows=300, columns=450):
    """A matrix with a few numbers in a few places."""
    rng = np.random.default_rng(seed)
    matrix = np.zeros((rows, columns), dtype=np.int16)
    for _ in range(seed % 5):
        row, column = rng.integers(rows), rng.integers(columns)
        matrix[row : row + 9, column : column + 9] = rng.integers(-256, 256)
    return matrix


def put_together(dataset):
    """What the parts hold, with zeros between them; no place is in two."""
    found, times = np.zeros(dataset.shape, dataset.dtype), np.zeros(dataset.shape, int)
    for rows, columns in filled(dataset):
        found[rows, columns] = dataset[rows, columns]
        times[rows, columns] += 1
    assert times.max(initial=0) <= 1
    return found, times


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_parts_are_the_matrix(layout, seed):
    matrix = sparse(seed)
    with h5py.File("x", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("m", data=matrix, **LAYOUTS[layout])
        assert np.array_equal(put_together(dataset)[0], matrix)


@pytest.fixture
def file():
    with h5py.File("x", "w", driver="core", backing_store=False) as file:
        yield file


def test_chunks_of_zeros_are_not_read(file):
    matrix = np.zeros((256, 400), dtype=np.int16)
    matrix[70, 399] = 1
    dataset = file.create_dataset("m", data=matrix, chunks=(64, 100), **PACKED)
    assert list(filled(dataset)) == [(slice(64, 128), slice(300, 400))]


def test_a_chunk_that_is_not_stored_holds_the_fill_value(file):
    dataset = file.create_dataset("m", (128, 100), np.int16, chunks=(64, 100), fillvalue=7, **PACKED)
    dataset[:64] = 0
    assert list(filled(dataset)) == [(slice(64, 128), slice(0, 100))]


def test_a_chunk_that_is_damaged_is_left_to_its_reader(file):
    dataset = file.create_dataset("m", (64, 100), np.int16, chunks=(64, 100), **PACKED)
    dataset.id.write_direct_chunk((0, 0), b"no zlib")
    (part,) = filled(dataset)
    with pytest.raises(OSError):
        dataset[part]


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1)])
def test_small_ones(file, shape):
    dataset = file.create_dataset("m", data=np.ones(shape, np.int8))
    found, times = put_together(dataset)
    assert np.array_equal(found, dataset[()]) and times.all()
