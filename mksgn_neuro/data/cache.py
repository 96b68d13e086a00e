"""Clips that are slow to parse, kept in one memory-mapped file, so that the second start is instant."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mksgn_neuro.data.mapped import rows_of
from mksgn_neuro.data.records import Entry, append, forget, resumed
from mksgn_neuro.data.records import Record as Record
from mksgn_neuro.errors import BadInput, WorkFailed
from mksgn_neuro.gates.arrays import read_npz
from mksgn_neuro.processes.locks import locked

VERSION = 2  # goes up with what a reader makes of a file
FIELDS = {"names": "U", "lengths": "i", "labels": "i", "train": "b", "bad": "U", "missing": "U"}
TEXTS = tuple(field for field, kind in FIELDS.items() if kind == "U")
SECOND = 1_000_000_000  # in ns
BLOCK = 4096  # frames that are looked at together
HINT = "point MKSGN_NEURO_CACHE to a folder with enough space"


@dataclass(frozen=True)
class Stored:
    """Clips in a memmap (ΣT, V, 3), read-only, and what was left out."""

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
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mksgn-neuro"
    except RuntimeError as error:
        raise WorkFailed("this user has no home folder for the cache of data", hint=HINT) from error


def key(path: Path, suffixes: tuple[str, ...], extra: str = "") -> str:
    """Changes when a file of interest at or under `path` is added, removed, resized or touched."""
    path = path.resolve()  # so that a relative and an absolute path are one entry
    digest = hashlib.blake2b(f"{VERSION}|{extra}|{path}".encode("utf-8", "surrogateescape"), digest_size=12)
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


def filled(name: str, joints: int, records: Callable[[int], Iterable[Record]]) -> Stored:
    """What is stored under a key; where nothing whole is, the records are stored first.

    `records` is as in `store`. A process that is storing them is waited for. Raises WorkFailed where the cache cannot
    be written.
    """
    stored = load_stored(name, joints)
    if stored is not None:
        return stored
    with ExitStack() as held:
        with _one_line_if_unwritable():
            home().mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(home() / f".{name}.lock", -1, "", ""))
        stored = load_stored(name, joints)
        if stored is None:
            store(name, joints, records)
            stored = load_stored(name, joints)
        if stored is None:
            raise WorkFailed("what was written cannot be read back", location=str(home()), hint=HINT)
        return stored


def load_stored(name: str, joints: int) -> Stored | None:
    """What was stored under a key, or None: also where it is damaged."""
    folder = home() / name
    try:
        arrays = _checked(read_npz(folder / "index.npz", FIELDS, HINT))
        size = int(arrays["lengths"].sum())
        if (folder / "positions.f32").stat().st_size != size * joints * 3 * 4:
            return None
        shape = (size, joints, 3)
        positions = np.memmap(folder / "positions.f32", np.float32, "r", shape=shape) if size else np.zeros(shape)
        if not _untouched(folder) and not _all_finite(positions):
            return None
    except (OSError, ValueError, BadInput):
        return None
    texts = {field: tuple(str(text) for text in arrays[field]) for field in TEXTS}
    return Stored(positions=positions, **{**arrays, **texts})


def _untouched(folder: Path) -> bool:
    """Whether the positions are as they were when the index was written, a second after them: all finite."""
    positions, index = ((folder / name).stat().st_mtime_ns for name in ("positions.f32", "index.npz"))
    return positions < index


def _date_before_index(folder: Path) -> None:
    """So that a later write shows even within one tick of the file system's clock, some milliseconds."""
    index = (folder / "index.npz").stat().st_mtime_ns
    os.utime(folder / "positions.f32", ns=(index - SECOND, index - SECOND))


def _all_finite(positions: np.ndarray) -> bool:
    """Reads all of them, gigabytes of a large data set."""
    return all(np.isfinite(rows_of(positions, slice(a, a + BLOCK))).all() for a in range(0, len(positions), BLOCK))


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


def store(name: str, joints: int, records: Callable[[int], Iterable[Record]]) -> None:
    """Write the records as they come; the folder appears when it is complete. Raises WorkFailed if it cannot.

    `records(n)` gives all but the first n. Those that a killed or interrupted process has written are not asked for
    again; an error leaves nothing.
    """
    folder = home() / f"{name}.part"
    with _one_line_if_unwritable():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            written = resumed(folder, joints)
            written += append(folder, records(len(written)))
            np.savez(folder / "index.npz", **_lists(written))
            forget(folder)
            _date_before_index(folder)
            shutil.rmtree(home() / name, ignore_errors=True)  # damaged, if it is there
            os.replace(folder, home() / name)
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise


@contextmanager
def _one_line_if_unwritable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorkFailed(f"cannot write the cache ({error})", location=str(home()), hint=HINT) from error


def _lists(written: list[Entry]) -> dict[str, np.ndarray]:
    kept = [entry for entry in written if entry.frames]
    left_out = [entry for entry in written if not entry.frames]
    return {
        "names": np.array([entry.name for entry in kept], dtype=str),
        "lengths": np.array([entry.frames for entry in kept], dtype=np.int64),
        "labels": np.array([entry.label for entry in kept], dtype=np.int64),
        "train": np.array([entry.train for entry in kept], dtype=bool),
        "bad": np.array([entry.problem for entry in left_out if not entry.missing], dtype=str),
        "missing": np.array([entry.problem for entry in left_out if entry.missing], dtype=str),
    }
