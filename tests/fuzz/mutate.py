"""Damage: bytes flipped, cut, moved; and sound containers with a leaf of another type, shape or range."""

from __future__ import annotations

import copy
import io
import json
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import torch

JUNK = (
    *(None, True, -1, 0, 3, 2**31, -(2**62), 10**20, 10**400, 0.5, 1e30, float("nan"), float("inf")),
    *("", "x", "ä\x1b[2J\n", "x" * 5000, [], [[]], {}, [1, "x", None], {"a": {"b": []}}, [[[[0]]]]),
)
ARRAYS = (
    *(np.zeros(0), np.zeros((2, 0, 3)), np.array(-1), np.array(2**62), np.array(np.nan), np.full(3, np.inf)),
    *(np.arange(7, dtype=np.uint8), np.full((2, 2), -(2**31), np.int64), np.full(5, 2**64 - 1, np.uint64)),
    *(np.array(["x", "yy"]), np.zeros((1, 2, 3, 4), np.float16), np.array(True), np.zeros(2, complex)),
)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, a piece cut out, doubled or zeroed, or the end cut off."""
    found, kind = bytearray(data), rng.integers(6)
    at = int(rng.integers(max(len(found), 1)))
    size = int(rng.integers(1, 64))
    if kind < 2:
        for place in rng.integers(max(len(found), 1), size=int(rng.integers(1, 9))):
            found[place] = rng.integers(256)
    elif kind == 2:
        return bytes(found[:at])
    elif kind == 3:
        del found[at : at + size]
    elif kind == 4:
        found[at:at] = found[at : at + size]
    else:
        found[at : at + size] = rng.choice([0, 255]).astype(np.uint8).tobytes() * len(found[at : at + size])
    return bytes(found)


def bent(tree: object, rng: np.random.Generator, junk: tuple = JUNK) -> object:
    """A copy with one part, at any depth, replaced."""
    if isinstance(tree, dict) and tree and rng.random() < 0.9:
        key = list(tree)[rng.integers(len(tree))]
        return {**tree, key: bent(tree[key], rng, junk)}
    if isinstance(tree, (list, tuple)) and len(tree) and rng.random() < 0.9:
        at = int(rng.integers(len(tree)))
        return type(tree)([*tree[:at], bent(tree[at], rng, junk), *tree[at + 1 :]])
    return copy.deepcopy(junk[rng.integers(len(junk))])


def bent_json(data: bytes, rng: np.random.Generator) -> bytes:
    return json.dumps(bent(json.loads(data), rng)).encode()


def bent_lines(data: bytes, rng: np.random.Generator) -> bytes:
    """One line of JSON bent, or one word of another text replaced."""
    lines = data.split(b"\n")
    at = int(rng.integers(len(lines)))
    if lines[at][:1] in (b"[", b"{"):
        lines[at] = bent_json(lines[at], rng)
    else:
        words = lines[at].replace(b",", b" , ").split(b" ")
        words[rng.integers(len(words))] = json.dumps(JUNK[rng.integers(len(JUNK))])[:3000].encode()
        lines[at] = b" ".join(words)
    return b"\n".join(lines)


def bent_pickle(data: bytes, rng: np.random.Generator) -> bytes:
    return pickle.dumps(bent(pickle.loads(data), rng, (*JUNK, *ARRAYS)), int(rng.integers(2, 6)))


def bent_torch(data: bytes, rng: np.random.Generator) -> bytes:
    tensors = tuple(torch.from_numpy(a) for a in ARRAYS if a.dtype.kind in "if")
    content, buffer = torch.load(io.BytesIO(data), weights_only=True), io.BytesIO()
    torch.save(bent(content, rng, (*JUNK, *tensors)), buffer)
    return buffer.getvalue()


def bent_npz(data: bytes, rng: np.random.Generator) -> bytes:
    with np.load(io.BytesIO(data)) as file:
        arrays = {name: file[name] for name in file.files}
    name, buffer = list(arrays)[rng.integers(len(arrays))], io.BytesIO()
    arrays[name] = bent_array(arrays[name], rng)
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def bent_npy(data: bytes, rng: np.random.Generator) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, bent_array(np.load(io.BytesIO(data)), rng))
    return buffer.getvalue()


def bent_zip(data: bytes, rng: np.random.Generator) -> bytes:
    """One entry, of JSON or other text, changed within."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        chosen = rng.integers(len(old.namelist()))
        for i, name in enumerate(old.namelist()):
            text = old.read(name)
            new.writestr(name, bent_lines(text, rng) if i == chosen else text)
    return buffer.getvalue()


def bent_array(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another array, or the same one with another type, shape, or one other value."""
    kind = rng.integers(4)
    if kind == 0 or array.dtype.kind not in "biuf" or not array.size:
        return ARRAYS[rng.integers(len(ARRAYS))]
    if kind == 1:
        with np.errstate(all="ignore"):
            return array.astype(rng.choice(["u1", "i8", "u4", "f2", "f8", "U3", "?", "c8"]))
    if kind == 2:
        return array.reshape(-1) if array.ndim != 1 else array[:, None] if rng.random() < 0.5 else array[:-1]
    found = array.copy().reshape(-1)
    with np.errstate(all="ignore"):
        low, high = (0, 1) if found.dtype.kind == "b" else (-(2**30), 2**30) if found.dtype.kind == "i" else (0, 200)
        found[rng.integers(len(found))] = rng.integers(low, high + 1)
    return found.reshape(array.shape)


def bent_hdf5(data: bytes, rng: np.random.Generator) -> bytes:
    """One data set or attribute replaced, or removed."""
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        places: list[tuple[str, str | None]] = []
        file.visititems(lambda name, item: places.extend(_places(name, item)))
        places += [("/", key) for key in file.attrs]
        name, key = places[rng.integers(len(places))]
        if key is None:
            value = file[name][()]
            del file[name]
            if rng.random() < 0.9:
                _put(file, name, value, rng)
        else:
            value = file[name].attrs[key]
            del file[name].attrs[key]
            if rng.random() < 0.9:
                file[name].attrs[key] = _other(value, rng)
    return buffer.getvalue()


def _places(name: str, item: h5py.Group | h5py.Dataset) -> list[tuple[str, str | None]]:
    return [(name, key) for key in item.attrs] + ([(name, None)] if isinstance(item, h5py.Dataset) else [])


def _put(file: h5py.File, name: str, value: object, rng: np.random.Generator) -> None:
    kind = rng.integers(8)
    if kind == 0:
        file.create_group(name)
    elif kind == 1:
        file[name] = h5py.SoftLink("/")
    elif kind == 2:
        file.create_dataset(name, (10**9,), "i4", chunks=(1000,))
    else:
        file[name] = _other(value, rng)


def _other(value: object, rng: np.random.Generator) -> object:
    text = value.decode() if isinstance(value, bytes) else value
    if isinstance(text, str) and text[:1] in ("{", "["):
        return json.dumps(bent(json.loads(text), rng))
    made = bent_array(np.asarray(value), rng) if not isinstance(text, str) else None
    if made is not None and made.dtype.kind in "biufc":
        return made
    return ["x", -1, 2**40, np.nan, np.arange(3), "", "é" * 300][rng.integers(7)]


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
