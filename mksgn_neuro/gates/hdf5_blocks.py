"""Which parts of a matrix in an HDF5 file hold anything but zeros, told from its packed chunks without unpacking them.

The synapses of a large layer are one in five hundred of its pairs of neurons, and where its chunks are small most hold
zeros only. Those are packed to the same few bytes, which are unpacked once.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator

import h5py

BAND_ROWS = 256  # of a matrix in memory at once
CHUNK_NUMBERS = range(1 << 12, 1 << 20)  # in one: fewer would be too many chunks, more no part of a matrix
PACKED_RATIO = 500  # zeros are packed to a thousandth, by whatever means; what is larger is read as it stands
UNPACKED_BY_ZLIB = ([h5py.h5z.FILTER_DEFLATE], [h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE])


def filled(matrix: h5py.Dataset) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of parts outside of which a matrix is zero, from the top down and each row from the left.

    All of it, in bands of rows, where its chunks do not tell.
    """
    rows, columns = matrix.shape
    chunks = _chunks(matrix)
    height, width = chunks or (BAND_ROWS, max(1, columns))
    zeros = _Zeros(matrix) if chunks else None
    for row in range(0, rows, height):
        for column in range(0, columns, width):
            if zeros is None or not zeros.at(row, column):
                yield slice(row, min(row + height, rows)), slice(column, min(column + width, columns))


def _chunks(matrix: h5py.Dataset) -> tuple[int, int] | None:
    """Their shape, if they are packed so that zlib unpacks them and are neither tiny nor huge."""
    properties, chunks = matrix.id.get_create_plist(), matrix.chunks
    filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    return chunks if chunks and math.prod(chunks) in CHUNK_NUMBERS and filters in UNPACKED_BY_ZLIB else None


class _Zeros:
    """Which chunks of one matrix hold zeros only; False where that is not certain."""

    def __init__(self, matrix: h5py.Dataset) -> None:
        self._matrix = matrix.id
        self._bytes = math.prod(matrix.chunks) * matrix.dtype.itemsize
        self._known: dict[bytes, bool] = {}

    def at(self, row: int, column: int) -> bool:
        info = self._matrix.get_chunk_info_by_coord((row, column))
        # One that is not stored holds the fill value; the mask says which filters were left out.
        if info.byte_offset is None or info.filter_mask or info.size > max(64, self._bytes // PACKED_RATIO):
            return False
        packed = self._matrix.read_direct_chunk((row, column))[1]
        if packed not in self._known:
            self._known[packed] = self._unpacks_to_zeros(packed)
        return self._known[packed]

    def _unpacks_to_zeros(self, packed: bytes) -> bool:
        try:
            unpacked = zlib.decompressobj().decompress(packed, self._bytes + 1)
        except zlib.error:
            return False  # who reads it as a matrix hears of it
        return unpacked == bytes(self._bytes)
