"""A data set in memory or in a memory-mapped file: clips of joint positions with labels, subjects and a split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Real

import numpy as np

from mksgn_neuro.data.mapped import rows_of
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.errors import BadInput

RATES = 1.0, 10_000.0  # Hz; below, two frames are further apart than a motion can be followed
SHORTEST_BODY, TALLEST_BODY = 0.5, 2.6  # metres from the lowest joint to the highest, sitting children to raised arms
KINECT_RATE = 30.0  # Hz, of Kinect v1 and v2, with which NW-UCLA, UI-PRMD and NTU were recorded


@dataclass(frozen=True)
class Clips:
    """N clips; clip i is `positions[starts[i] : starts[i] + lengths[i]]`, metres, every array read-only.

    `rate` is in frames per second. `positions` (ΣT, V, 3) float32, may be a memmap; `lengths`, `labels`, `subjects`,
    `starts` (N,) int64; `train` (N,) bool, False for test clips; `subjects` −1 where unknown. A body that is absent
    from a frame has all joints at exactly 0; a joint that is absent is NaN. `skipped` names the clips that the reader
    left out and why, `assumed` what the source did not say. `part_of`: of a subset, the whole data set and this one's
    clips in it.
    """

    positions: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    subjects: np.ndarray
    train: np.ndarray
    names: tuple[str, ...]
    class_names: tuple[str, ...]
    skeleton: Skeleton
    dataset: str
    starts: np.ndarray | None = None
    rate: float = KINECT_RATE
    skipped: tuple[str, ...] = field(default=(), compare=False)
    assumed: tuple[str, ...] = field(default=(), compare=False)
    part_of: tuple[Clips, np.ndarray] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("lengths", "labels", "subjects", "train", "starts"):
            value = getattr(self, name)
            if name == "starts" and value is None:
                value = np.cumsum(self.lengths) - self.lengths
            value = np.array(value, dtype=bool if name == "train" else np.int64)
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        n, location = len(self.lengths), self.dataset
        require_rate(self.rate, location)
        for name in ("labels", "subjects", "train", "starts", "names"):
            if len(getattr(self, name)) != n:
                raise BadInput(f"{len(getattr(self, name))} {name} for {n} clips", location=location)
        if n and self.lengths.min() < 1:
            empty = self.names[int(self.lengths.argmin())]
            raise BadInput(f"clip {empty} has no frame", location=location, hint="remove it")
        if n and (self.starts + self.lengths).max() > len(self.positions):
            raise BadInput(
                f"the lengths ask for more than the {len(self.positions)} frames there are", location=location
            )
        if self.positions.shape[1:] != (self.skeleton.joints, 3):
            expected = f"(frames, {self.skeleton.joints}, 3)"
            raise BadInput(f"positions of shape {self.positions.shape}, expected {expected}", location=location)
        if n and (self.labels.min() < 0 or self.labels.max() >= len(self.class_names)):
            raise BadInput(
                f"a label outside 0..{len(self.class_names) - 1}", location=location, hint="name every class"
            )

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int) -> np.ndarray:
        """Clip i (T, V, 3): a view, of a memory-mapped file a copy that leaves nothing mapped behind."""
        start = int(self.starts[i])
        return rows_of(self.positions, slice(start, start + int(self.lengths[i])))

    def subset(self, mask: np.ndarray) -> Clips:
        """The clips that a bool mask (N,) or an index array picks; positions are shared, not copied."""
        index = np.arange(len(self))[np.asarray(mask)]
        arrays = {k: getattr(self, k)[index] for k in ("lengths", "labels", "subjects", "train", "starts")}
        whole, inside = self.part_of or (self, np.arange(len(self)))
        names = tuple(self.names[i] for i in index)
        return replace(self, names=names, part_of=(whole, inside[index]), **arrays)

    @cached_property
    def leaked(self) -> np.ndarray:
        """(N,) bool: test clips whose positions are byte-identical to those of some training clip of the whole set."""
        if self.part_of is not None:
            whole, inside = self.part_of
            return whole.leaked[inside]
        train_clips = {self._key(i) for i in np.flatnonzero(self.train)}
        suspects = [i for i in np.flatnonzero(~self.train) if self._key(i) in train_clips]
        suspected = {self._key(i) for i in suspects}
        digests = {self.digest(i) for i in np.flatnonzero(self.train) if self._key(i) in suspected}
        leaked = np.zeros(len(self), dtype=bool)
        for i in suspects:
            leaked[i] = self.digest(i) in digests
        return leaked

    def _key(self, i: int) -> int:
        """Cheap to read from a memmap, and small: only clips that agree here are read whole."""
        first = int(self.starts[i])
        return hash((int(self.lengths[i]), rows_of(self.positions, slice(first, first + 1)).tobytes()))

    def digest(self, i: int) -> bytes:
        """Equal for clips of equal bytes."""
        return hashlib.blake2b(self[i].tobytes(), digest_size=16).digest()

    def held_out_split(self, fraction: float = 0.2, seed: int = 0) -> tuple[Clips, Clips]:
        """Training clips only, as (fit, select): whole subjects go to one side, about `fraction` of them to `select`.

        Where fewer than two subjects are known the clips themselves are drawn, class by class. Test clips take no part.
        """
        rng = np.random.default_rng(seed)
        chosen = np.zeros(len(self), dtype=bool)
        subjects = np.unique(self.subjects[self.train])
        if len(subjects) >= 2 and subjects[0] >= 0:
            take = _share(len(subjects), fraction)
            chosen = np.isin(self.subjects, rng.permutation(subjects)[:take])
        else:
            for label in np.unique(self.labels[self.train]):
                members = np.flatnonzero(self.train & (self.labels == label))
                chosen[rng.permutation(members)[: _share(len(members), fraction)]] = True
        return self.subset(self.train & ~chosen), self.subset(self.train & chosen)


def require_rate(rate: float, location: str) -> None:
    """Raise BadInput unless `rate` can be a frame rate in Hz."""
    lowest, highest = RATES
    hint = f"give the frames per second, {lowest:.0f} to {highest:.0f}"
    if not is_number(rate):
        raise BadInput(f"a frame rate of {rate!r}", location=location, hint=hint)
    if not lowest <= rate <= highest:  # NaN included
        raise BadInput(f"a frame rate of {rate:g} Hz", location=location, hint=hint)


def is_number(value: object) -> bool:
    """Whether it is one real number, Python's or numpy's."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def _share(n: int, fraction: float) -> int:
    """About fraction·n, at least one but never all."""
    return min(max(1, round(n * fraction)), n - 1)


def joined(arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Clips [(T, V, 3)] as (positions (ΣT, V, 3) float32 read-only, lengths (N,))."""
    positions = np.concatenate(arrays).astype(np.float32, copy=False)
    positions.setflags(write=False)
    return positions, np.array([len(a) for a in arrays], dtype=np.int64)
