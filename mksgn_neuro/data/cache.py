"""Clips that are slow to parse, kept in one memory-mapped file, so that the second start is instant."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mksgn_neuro.errors import BadInput, WorkFailed
from mksgn_neuro.gates.arrays import read_npz

VERSION = 1
FIELDS = {"names": "U", "lengths": "i", "labels": "i", "train": "b", "bad": "U", "missing": "U"}
REMEDY = "point MKSGN_NEURO_CACHE to a folder with enough space"


@dataclass(frozen=True)
class Record:
    """One clip (T, V, 3) float32, or the `problem` that kept it from being one. A missing clip is no defect."""

    name: str
    positions: np.ndarray | None
    label: int = -1
    train: bool = False
    problem: str = ""
    missing: bool = False


@dataclass(frozen=True)
class Stored:
    """Clips in a memmap (ΣT, V, 3), opened copy-on-write, and what was left out."""

    positions: np.ndarray
    names: tuple[str, ...]
    lengths: np.ndarray
    labels: np.ndarray
    train: np.ndarray
    bad: tuple[str, ...]
    missing: tuple[str, ...]


def home() -> Path:
    """$MKSGN_NEURO_CACHE, else mksgn-neuro in $XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("MKSGN_NEURO_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mksgn-neuro"


def key(path: Path, suffixes: tuple[str, ...], extra: str = "") -> str:
    """Changes when a file of interest at or under `path` is added, removed, resized or touched."""
    digest = hashlib.blake2b(f"{VERSION}|{extra}|{path.resolve()}".encode(), digest_size=12)
    for line in sorted(_fingerprints(path, suffixes)):
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _fingerprints(path: Path, suffixes: tuple[str, ...]) -> Iterable[str]:
    if not path.is_dir():
        yield _fingerprint(path, path.stat())
        return
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _fingerprints(Path(entry.path), suffixes)
            elif entry.name.endswith(suffixes):
                yield _fingerprint(entry.path, entry.stat())


def _fingerprint(path: object, stat: os.stat_result) -> str:
    return f"{path}|{stat.st_size}|{stat.st_mtime_ns}\n"


def load(name: str, joints: int) -> Stored | None:
    """What was stored under a key, or None."""
    folder = home() / name
    try:
        arrays = _checked(read_npz(folder / "index.npz", FIELDS, REMEDY))
        size = (folder / "positions.f32").stat().st_size // (4 * 3 * joints)
        shape = (size, joints, 3)
        positions = np.memmap(folder / "positions.f32", np.float32, "c", shape=shape) if size else np.zeros(shape)
        if arrays["lengths"].sum() != size or (size and not np.isfinite(positions).all()):
            return None
    except (OSError, ValueError, BadInput):
        return None
    texts = {field: tuple(str(text) for text in arrays[field]) for field in ("names", "bad", "missing")}
    return Stored(positions=positions, **{**arrays, **texts})


def _checked(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same; raises ValueError unless they are the six lists that `store` writes."""
    if set(arrays) != set(FIELDS):
        raise ValueError(f"holds {sorted(arrays)}")
    for field, kind in FIELDS.items():
        if arrays[field].dtype.kind != kind or arrays[field].ndim != 1:
            raise ValueError(f"{field} is {arrays[field].dtype} {arrays[field].shape}")
    n, lengths, labels = (arrays[name] for name in ("names", "lengths", "labels"))
    if not len(n) == len(lengths) == len(labels) == len(arrays["train"]):
        raise ValueError("lists of several lengths")
    if len(n) and (lengths.min() < 1 or lengths.max() > 2**31 or not 0 <= labels.min() <= labels.max() < 10_000):
        raise ValueError("lengths or labels that no clip has")
    return {**arrays, "lengths": lengths.astype(np.int64), "labels": labels.astype(np.int64)}


def store(name: str, records: Iterable[Record]) -> None:
    """Write the records as they come; the folder appears when it is complete. Raises WorkFailed if it cannot."""
    temporary = None
    try:
        home().mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f"{name}.", suffix=".tmp", dir=home()))
        _write(temporary, records)
        if not (home() / name).exists():
            os.replace(temporary, home() / name)
    except OSError as error:
        raise WorkFailed(f"cannot write the cache ({error})", place=str(home()), remedy=REMEDY) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _write(folder: Path, records: Iterable[Record]) -> None:
    kept, lengths, bad, missing = [], [], [], []
    with open(folder / "positions.f32", "wb") as file:
        for record in records:
            if record.positions is None:
                (missing if record.missing else bad).append(record.problem)
                continue
            file.write(np.ascontiguousarray(record.positions, dtype=np.float32).data)
            kept.append((record.name, record.label, record.train))
            lengths.append(len(record.positions))
    names, labels, train = zip(*kept) if kept else ((), (), ())
    np.savez(
        folder / "index.npz",
        names=np.array(names, dtype=str),
        lengths=np.array(lengths, dtype=np.int64),
        labels=np.array(labels, dtype=np.int64),
        train=np.array(train, dtype=bool),
        bad=np.array(bad, dtype=str),
        missing=np.array(missing, dtype=str),
    )
