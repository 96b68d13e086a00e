"""HDF5 files as named groups, arrays and texts; every HDF5 file that is read comes through here.

The whole tree is looked at when a file is opened: only groups, and data sets of numbers or text whose bytes lie in the
file itself. What says that it is larger than the file can account for is refused before memory is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from mksgn_neuro.errors import BadInput, UserError
from mksgn_neuro.gates.hdf5_blocks import filled
from mksgn_neuro.gates.hdf5_heaps import little_growth, require_sound_heaps
from mksgn_neuro.gates.regular import require_regular, shown

MOST_OBJECTS = 50_000
MOST_DEPTH = 16
MOST_AXES = 8
MOST_TEXTS = 20_000  # in one array
MOST_BYTES = 1 << 28  # that are read into memory at once, and of one chunk
MOST_STREAMED = 1 << 33  # of all rows that are read a few at a time
DEFLATE_RATIO = 1100  # no deflated block is larger than 1032 times its bytes
FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
LAYOUTS = {h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED}


class Refused(ValueError):
    """Something in the file that is no plain group or data set."""


@dataclass
class Budget:
    """Bytes that may still be read of a file: `left` into memory, `streamed` a few rows at a time."""

    left: int = MOST_BYTES
    streamed: int = MOST_STREAMED

    def take(self, size: int) -> None:
        """Raises Refused where that is too much."""
        self.left -= size
        if self.left < 0:
            raise Refused(f"its arrays have more than {MOST_BYTES} bytes")

    def stream(self, size: int) -> None:
        """The same for rows that are not kept."""
        self.streamed -= size
        if self.streamed < 0:
            raise Refused(f"its matrices have more than {MOST_STREAMED} bytes")


@dataclass(frozen=True)
class Dataset:
    """Numbers or texts; `shape` as the file declares it."""

    data: h5py.Dataset
    budget: Budget

    @property
    def shape(self) -> tuple[int, ...]:
        """() for a scalar."""
        return self.data.shape

    def read(self) -> np.ndarray:
        """All of it in this machine's byte order; texts as str objects. Raises Refused where that is too large."""
        if h5py.check_string_dtype(self.data.dtype) is not None:
            return self._texts()
        self.budget.take(self.data.size * self.data.dtype.itemsize)
        with _h5py():
            return _native(self.data[()])

    def blocks(self) -> Iterator[tuple[slice, slice, np.ndarray]]:
        """The parts of a matrix of numbers that may hold others than 0: their rows, columns and numbers.

        They are not kept, so there may be more of them than fit in memory.
        """
        if self.data.dtype.kind not in "iufb" or len(self.shape) != 2:
            raise Refused(f"a matrix of {shown(self.data.dtype)} with shape {self.shape}")
        parts = filled(self.data)
        while (part := _next(parts)) is not None:
            rows, columns = part
            size = (rows.stop - rows.start) * (columns.stop - columns.start) * self.data.dtype.itemsize
            if size > MOST_BYTES:
                raise Refused(f"rows of {size} bytes")
            self.budget.stream(size)
            with _h5py():
                numbers = _native(self.data[rows, columns])
            yield rows, columns, numbers

    def _texts(self) -> np.ndarray:
        """One at a time, for how long each is stands beside it; object array of str."""
        if self.data.size > MOST_TEXTS:
            raise Refused(f"{self.data.size} texts, limit {MOST_TEXTS}")
        texts = np.empty(self.shape, dtype=object)
        with little_growth():
            for location in np.ndindex(self.shape):
                with _h5py():
                    text = self.data[location]
                self.budget.take(len(text))
                texts[location] = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        return texts


@dataclass(frozen=True)
class Group:
    """Named groups and data sets, and `attrs`: numbers, texts and small arrays."""

    items: dict[str, Group | Dataset] = field(default_factory=dict)
    attrs: dict[str, object] = field(default_factory=dict)

    def __contains__(self, path: str) -> bool:
        return self.get(path) is not None

    def __getitem__(self, path: str) -> Group | Dataset:
        found = self.get(path)
        if found is None:
            raise KeyError(f"no {path}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def get(self, path: str) -> Group | Dataset | None:
        """What lies under a name, or names joined by /; None where nothing does."""
        first, _, rest = path.partition("/")
        found = self.items.get(first)
        if not rest or found is None:
            return found
        return found.get(rest) if isinstance(found, Group) else None

    def group(self, path: str) -> Group:
        """The group under a name; raises KeyError where there is none."""
        return _of_kind(Group, self[path], path)

    def array(self, path: str) -> np.ndarray:
        """The data set under a name, read; raises KeyError where there is none."""
        return _of_kind(Dataset, self[path], path).read()

    def text(self, path: str) -> str:
        """A data set of one text; raises ValueError for another."""
        value = self.array(path)
        if value.dtype != object or value.size != 1:
            raise Refused(f"{path} is not one text")
        return value.flat[0]


@contextmanager
def opened(path: Path, hint: str) -> Iterator[Group]:
    """The root of a file; whatever h5py raises, here or while it is read, becomes one BadInput."""
    size = require_regular(path, hint)
    try:
        with _h5py():
            require_sound_heaps(path)
        with h5py.File(path, "r") as file:
            with _h5py(), little_growth():
                root = _tree(file, size, Budget(), 0, {"objects": 0})
            yield root
    except UserError:
        raise
    except Refused as error:
        raise BadInput(f"holds what a plain file does not ({shown(error)})", location=str(path), hint=hint) from error
    except (OSError, RuntimeError, UnicodeDecodeError, MemoryError, NotImplementedError) as error:
        problem = f"not a readable HDF5 file ({shown(error)})"
        raise BadInput(problem, location=str(path), hint=hint) from error


@contextmanager
def _h5py() -> Iterator[None]:
    """What h5py raises of a damaged file, KeyError and TypeError among it, becomes Refused."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"damaged: {error}") from error


def _tree(group: h5py.Group, size: int, budget: Budget, depth: int, seen: dict) -> Group:
    if depth > MOST_DEPTH:
        raise Refused(f"groups more than {MOST_DEPTH} deep, or on a loop")
    items = {}
    for name in group:
        seen["objects"] += 1
        if seen["objects"] > MOST_OBJECTS:
            raise Refused(f"more than {MOST_OBJECTS} objects")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise Refused(f"{name!r} is a link to somewhere else")
        item = group[name]
        if isinstance(item, h5py.Group):
            items[name] = _tree(item, size, budget, depth + 1, seen)
        elif isinstance(item, h5py.Dataset):
            _require_plain(item, name, size)
            items[name] = Dataset(item, budget)
        else:
            raise Refused(f"{name!r} is a {type(item).__name__}")
    return Group(items, _attributes(group, budget))


def _require_plain(data: h5py.Dataset, name: str, file_size: int) -> None:
    """Raise Refused unless its numbers or texts can lie in a file of that size."""
    dtype, where = data.dtype, f"{name!r}"
    text = h5py.check_string_dtype(dtype)
    if (text is None and dtype.kind not in "iufb") or (dtype.kind in "iufb" and dtype.itemsize > 8):
        raise Refused(f"{where} holds {shown(dtype)} values")
    if data.shape is None or len(data.shape) > MOST_AXES:
        raise Refused(f"{where} has no shape of at most {MOST_AXES} axes")
    properties = data.id.get_create_plist()
    layout = properties.get_layout()
    if layout not in LAYOUTS:
        raise Refused(f"{where} is a virtual data set")
    if properties.get_external_count():
        raise Refused(f"{where} lies in another file")
    filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    if set(filters) - FILTERS or filters.count(h5py.h5z.FILTER_DEFLATE) > 1:
        raise Refused(f"{where} is packed by other means than gzip")
    declared, stored = math.prod(data.shape) * dtype.itemsize, data.id.get_storage_size()
    if stored > file_size or declared > stored * (DEFLATE_RATIO if layout == h5py.h5d.CHUNKED else 1):
        raise Refused(f"{where} declares {declared} bytes and stores {stored} in a file of {file_size}")
    if layout == h5py.h5d.CHUNKED and math.prod(properties.get_chunk()) * dtype.itemsize > MOST_BYTES:
        raise Refused(f"{where} has chunks of {properties.get_chunk()}")


def _attributes(group: h5py.Group, budget: Budget) -> dict[str, object]:
    found = {}
    for name in group.attrs:
        attribute = group.attrs.get_id(name)
        dtype, text = attribute.dtype, h5py.check_string_dtype(attribute.dtype)
        size = math.prod(attribute.shape or ())
        if (text is None and dtype.kind not in "iufb") or (text is not None and size != 1) or attribute.shape is None:
            raise Refused(f"attribute {name!r} holds {size} {shown(dtype)} values")
        budget.take(size * dtype.itemsize)
        value = group.attrs[name]
        if isinstance(value, np.ndarray) and text is not None:
            value = value.flat[0]
        found[name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        budget.take(len(found[name]) if isinstance(found[name], str) else 0)
    return found


def _next(parts: Iterator[tuple[slice, slice]]) -> tuple[slice, slice] | None:
    with _h5py():
        return next(parts, None)


def _of_kind(kind: type, found: object, path: str) -> object:
    if not isinstance(found, kind):
        raise KeyError(f"{path} is no {kind.__name__.lower()}")
    return found


def _native(value: object) -> np.ndarray:
    value = np.asarray(value)
    if value.dtype.kind == "b":
        return value.view(np.uint8) != 0
    return value.astype(value.dtype.newbyteorder("="), copy=False)
