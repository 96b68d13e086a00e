"""What torch.save writes of tensors and plain values, read without torch.load.

torch.load before 2.6 hands a TorchScript archive to a loader that runs code, `weights_only` or not (CVE-2025-32434),
and takes a storage's size from the pickle. Here the archive is listed first and tensors are made of checked parts.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections import OrderedDict
from pathlib import Path, PurePosixPath

import torch

from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.pickles import Forbidden, Maker, Note, Refused, load_plain
from mksgn_neuro.gates.regular import require_regular, shown

PLAIN = re.compile(r"data\.pkl|byteorder|version|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d+")
MOST_ENTRIES = 100_000
MOST_AXES = 8
DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class _Kind(Note):
    """A storage's class."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype


class _Storage(Note):
    """One flat tensor of the archive."""

    __slots__ = ("flat",)

    def __init__(self, flat: torch.Tensor) -> None:
        self.flat = flat


class _View(Note):
    """A tensor: where it lies in its storage."""

    __slots__ = ("offset", "shape", "storage", "stride")

    def __init__(self, storage: _Storage, offset: int, shape: tuple, stride: tuple) -> None:
        self.storage, self.offset, self.shape, self.stride = storage, offset, shape, stride

    def settle(self) -> torch.Tensor:
        if not isinstance(self.storage, _Storage) or not _sizes(self.shape) or not _sizes(self.stride):
            raise Refused("a tensor without a sound shape or storage")
        if not _sizes((self.offset,)) or len(self.shape) != len(self.stride):
            raise Refused("a tensor whose strides do not fit its shape")
        flat, number = self.storage.flat, math.prod(self.shape)
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.stride)) if number else 0
        if number > flat.numel() or last >= max(flat.numel(), 1):
            raise Refused(f"a tensor of shape {tuple(self.shape)} in a storage of {flat.numel()}")
        return flat.as_strided(self.shape, self.stride, self.offset)


class _Ordered(OrderedDict):
    """A state dict; what the pickle says of versions beside its entries is not needed."""

    def __setstate__(self, state: object) -> None:
        pass


def _sizes(values: object) -> bool:
    plain = isinstance(values, (tuple, list)) and len(values) <= MOST_AXES
    return plain and all(type(n) is int and 0 <= n < 2**48 for n in values)


def _rebuilt(storage: object, offset: object, shape: object, stride: object, *_: object) -> _View:
    return _View(storage, offset, shape, stride)


KNOWN = {
    ("torch._utils", "_rebuild_tensor_v2"): Maker(_rebuilt),
    ("torch._utils", "_rebuild_parameter"): Maker(lambda data, *_: data),
    ("collections", "OrderedDict"): _Ordered,
    **{("torch", name): _Kind(dtype) for name, dtype in DTYPES.items()},
}


def read_torch(path: Path, hint: str) -> object:
    """Tensors on the CPU and plain values; raises BadInput for anything else, before any of it is run."""
    require_regular(path, hint)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _entries(archive, path.stat().st_size)
            content = load_plain(io.BytesIO(archive.read(entries["data.pkl"])), KNOWN, _Storages(archive, entries))
        return content
    except Forbidden as error:
        hint = f"do not trust this file; {hint}"
        problem = f"not a torch file of plain tensors: it wants to run {shown(error)}"
        raise BadInput(problem, location=str(path), hint=hint) from error
    except Exception as error:  # damaged archives and pickles can raise anything
        problem = f"not a torch file of plain tensors ({shown(error)})"
        raise BadInput(problem, location=str(path), hint=hint) from error


def _entries(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """The entries by their name below the archive's one folder."""
    found: dict[str, zipfile.ZipInfo] = {}
    infos = archive.infolist()
    if len(infos) > MOST_ENTRIES:
        raise Refused(f"{len(infos)} entries")
    for info in infos:
        name = str(PurePosixPath(*PurePosixPath(info.filename).parts[1:]))
        if name == "constants.pkl" or name.startswith("code/"):
            raise Refused("a TorchScript program, which would run")
        if not PLAIN.fullmatch(name):
            raise Refused(f"entry {info.filename!r}")
        if name in found:
            raise Refused(f"two entries {name!r}")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise Refused(f"entry {name!r} is compressed, which torch.save never does")
        found[name] = info
    if len({PurePosixPath(info.filename).parts[0] for info in infos}) != 1 or "data.pkl" not in found:
        raise Refused("no archive of torch.save")
    if sum(info.file_size for info in infos) > size:
        raise Refused("entries that lie on each other")
    if "byteorder" in found and archive.read(found["byteorder"]) != b"little":
        raise Refused("written on a big-endian machine")
    return found


class _Storages:
    """Gives the storages that the pickle refers to, each read once."""

    def __init__(self, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> None:
        self.archive, self.entries = archive, entries
        self.read: dict[str, _Storage] = {}

    def __call__(self, reference: object) -> _Storage:
        kind, storage, key, _, number = reference
        if kind != "storage" or not isinstance(storage, _Kind) or type(number) is not int:
            raise Refused("refers to something that is no storage")
        if key not in self.read:
            data = bytearray(self.archive.read(self.entries[f"data/{key}"]))
            if len(data) != number * storage.dtype.itemsize:
                raise Refused(f"a storage of {len(data)} bytes for {number} values")
            if storage.dtype is torch.bool and data.translate(None, b"\0\1"):
                raise Refused("a truth value that is neither 0 nor 1")
            empty = torch.empty(0, dtype=storage.dtype)
            self.read[key] = _Storage(torch.frombuffer(data, dtype=storage.dtype) if data else empty)
        if self.read[key].flat.dtype is not storage.dtype:
            raise Refused("one storage with two types")
        return self.read[key]
