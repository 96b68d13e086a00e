""".npy and .npz files of plain numbers and text: what a header declares is compared with the file before it is read."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import require_regular, shown

LEAST_LIMIT = 1 << 28  # bytes that any file may unpack to
MOST_RATIO = 32  # and how many times its own size a larger one
NPY_BYTES = 1 << 29
KINDS = "biufSU"


class Refused(ValueError):
    """An array that the file cannot hold, or that is more than numbers and text."""


def unpacked_limit(size: int) -> int:
    """Bytes that an archive of `size` bytes may unpack to."""
    return max(LEAST_LIMIT, MOST_RATIO * size)


def read_npy(path: Path, hint: str) -> np.ndarray:
    """The array of an .npy file of at most NPY_BYTES; raises BadInput."""
    size = require_regular(path, hint, most=NPY_BYTES)
    try:
        with open(path, "rb") as file:
            if file.read(4) == b"PK\x03\x04":
                raise Refused("an archive of several arrays")
            file.seek(0)
            return _read(file, size)
    except Exception as error:  # what damage raises is anybody's guess: tokenize, MemoryError, …
        raise BadInput(f"not an .npy array ({shown(error)})", location=str(path), hint=hint) from error


def read_npz(path: Path, wanted: Collection[str], hint: str) -> dict[str, np.ndarray]:
    """The `wanted` arrays that are there; raises BadInput."""
    limit = unpacked_limit(require_regular(path, hint))
    try:
        with zipfile.ZipFile(path) as archive:
            found: dict[str, np.ndarray] = {}
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name not in wanted:
                    continue
                limit -= info.file_size
                if name in found or limit < 0:
                    raise Refused(f"array {name!r} stands twice" if limit >= 0 else "it unpacks to too many bytes")
                with archive.open(info) as file:
                    found[name] = _read(file, info.file_size)
            return found
    except Exception as error:  # as above, and zlib, struct, RuntimeError, …
        raise BadInput(f"not a readable .npz ({shown(error)})", location=str(path), hint=hint) from error


def _read(file: BinaryIO, size: int) -> np.ndarray:
    shape, fortran, dtype = read_header(file)
    declared = math.prod(shape) * dtype.itemsize
    if dtype.kind not in KINDS or dtype.hasobject:
        raise Refused(f"an array of {shown(dtype)}")
    if min(shape, default=0) < 0 or declared > size:
        raise Refused(f"declares {declared} bytes of {size}")
    data = file.read(declared)
    if len(data) < declared:
        raise Refused(f"has {len(data)} of {declared} bytes")
    if not declared:
        return np.zeros(shape, dtype)
    array = np.frombuffer(bytearray(data), dtype).reshape(shape, order="F" if fortran else "C")
    return array.view(np.uint8) != 0 if dtype.kind == "b" else array


def read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns come first, and type, of an open .npy; raises ValueError."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise Refused(f"version {version}")
    return readers[version](file)
