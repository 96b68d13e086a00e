"""The generic format: one `.npz` with any tree of joints, for recordings of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from mksgn_neuro.data.clips import KINECT_RATE, Clips, require_rate
from mksgn_neuro.data.defects import keep_seen, keep_sound
from mksgn_neuro.data.registry import DATASETS
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import atomic_write
from mksgn_neuro.gates.arrays import read_npz

# Array -> (kinds of dtype, number of axes); the first five must be there.
ARRAYS = {
    "positions": ("fiu", 3),
    "lengths": ("iu", 1),
    "labels": ("iu", 1),
    "train": ("biu", 1),
    "parents": ("i", 1),
    "subjects": ("iu", 1),
    "class_names": ("U", 1),
    "joint_names": ("U", 1),
    "names": ("U", 1),
    "centre_joint": ("iu", 0),
    "up_axis": ("iu", 0),
    "seen": ("b", 2),
    "bodies": ("iu", 0),
    "rate": ("fiu", 0),
}
MOST_CLASSES, MOST_JOINTS, MOST_BODIES = 10_000, 1000, 100
NEEDED = tuple(ARRAYS)[:5]
NAMELESS = "no joint_names in it: that its joints are in a network's order cannot be checked"
HINT = f"write {', '.join(NEEDED)}; if known {', '.join(tuple(ARRAYS)[5:])}"


def read(name: str, path: Path, *, skip_bad: bool = False, progress: Callable[[int, int], None] | None = None) -> Clips:
    """For the registry: such a file is read at once, and says itself what its data are called."""
    return load(path, skip_bad=skip_bad)


def load(path: Path, *, skip_bad: bool = False) -> Clips:
    """Read the format that `save` writes; raises BadInput, or with `skip_bad` leaves out clips that are unusable."""
    location = str(path)
    arrays = _arrays(path)
    rate, assumed = _rate(arrays, location)
    n = len(arrays["lengths"])
    _require_bearable(arrays, location)
    labels = arrays["labels"].astype(np.int64)  # of unsigned ones, max(initial=-1) would be 2^32 − 1
    classes = arrays.get("class_names", [f"class {i}" for i in range(int(labels.max(initial=-1)) + 1)])
    with np.errstate(over="ignore"):
        positions = np.array(arrays["positions"], dtype=np.float32, order="C")
    flat = positions.shape[2] == 2
    if flat:
        positions = np.pad(positions, ((0, 0), (0, 0), (0, 1)))
    seen = _seen(arrays, positions, location)
    positions.setflags(write=False)
    try:
        clips = Clips(
            positions=positions,
            lengths=arrays["lengths"],
            labels=labels,
            subjects=arrays.get("subjects", np.full(n, -1)),
            train=arrays["train"],
            names=tuple(str(name) for name in arrays.get("names", np.arange(n))),
            class_names=tuple(str(name) for name in classes),
            skeleton=replace(_skeleton(arrays), coordinates=2 if flat else 3),
            dataset=path.name if path.stem in DATASETS else path.stem,  # never taken for one of those
            rate=rate,
            assumed=(*assumed, *_doubts(arrays)),
        )
    except BadInput as error:
        raise BadInput(error.problem, location=location, hint=error.hint or HINT) from error
    sound = keep_sound(clips, location, skip_bad)
    if seen is None:
        return sound
    return keep_seen(replace(sound, positions=_without(clips.positions, seen), part_of=None), location, skip_bad)


def _doubts(arrays: dict[str, np.ndarray]) -> tuple[str, ...]:
    """What keeps recordings and streams, which have named joints and y up, from being compared with these clips."""
    up = int(arrays.get("up_axis", 1))
    turned = (f"{'xyz'[up]} points up: a network trained on it takes no recordings and streams, in which y does",)
    return (*(() if "joint_names" in arrays else (NAMELESS,)), *(turned if up in (0, 2) else ()))


def _seen(arrays: dict[str, np.ndarray], positions: np.ndarray, location: str) -> np.ndarray | None:
    """Which joints (ΣT, V) are there, None where all are; those that are not need no finite position."""
    seen = arrays.get("seen")
    if seen is None or seen.all():
        return None
    if seen.shape != positions.shape[:2]:
        problem = f"array 'seen' of shape {seen.shape}, positions of {positions.shape[:2]}"
        raise BadInput(problem, location=location, hint="write True or False for each joint of each frame")
    positions[~seen] = 0
    return seen


def _without(positions: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Positions with NaN, absent, for each joint that is not there."""
    found = np.where(seen[..., None], positions, np.float32(np.nan))
    found.setflags(write=False)
    return found


def save(clips: Clips, path: Path) -> None:
    """Write `path` in one piece."""
    skeleton = clips.skeleton
    positions = [clips[i][..., : skeleton.coordinates] for i in range(len(clips))]
    whole = np.concatenate(positions) if positions else clips.positions[:0, :, : skeleton.coordinates]
    absent = np.isnan(whole).all(axis=2)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            positions=np.where(absent[..., None], np.float32(0), whole),
            **({"seen": ~absent} if absent.any() else {}),
            lengths=clips.lengths,
            labels=clips.labels,
            subjects=clips.subjects,
            train=clips.train,
            names=np.array(clips.names, dtype=str),
            class_names=np.array(clips.class_names, dtype=str),
            parents=np.array(skeleton.parents),
            joint_names=np.array(skeleton.joint_names, dtype=str),
            centre_joint=skeleton.centre_joint,
            up_axis=skeleton.up_axis,
            bodies=skeleton.bodies,
            rate=clips.rate,
        )


def _require_bearable(arrays: dict[str, np.ndarray], location: str) -> None:
    """Raise BadInput for numbers from which names and tables of any length would be made."""
    # a label of −1 is for `Clips` to name
    for name, low, high in (("labels", -1, MOST_CLASSES - 1), ("bodies", 1, MOST_BODIES), ("parents", -1, MOST_JOINTS)):
        values = arrays.get(name, np.zeros(0, int))
        if values.size and not low <= int(values.min()) <= int(values.max()) <= high:
            worst = int(values.min()) if values.min() < low else int(values.max())
            raise BadInput(f"array {name!r} holds {worst}", location=location, hint=f"write {low} to {high}")
    joints, bodies = arrays["positions"].shape[1], int(arrays.get("bodies", 1))
    if joints > MOST_JOINTS or joints % bodies:
        hint = f"write at most {MOST_JOINTS} joints, as many of each body"
        raise BadInput(f"{joints} joints of {bodies} bodies", location=location, hint=hint)


def _rate(arrays: dict[str, np.ndarray], location: str) -> tuple[float, tuple[str, ...]]:
    """Frames per second, and what had to be assumed for that."""
    if "rate" not in arrays:
        return KINECT_RATE, (f"no frame rate in it: taken as {KINECT_RATE:g} Hz (add an array rate)",)
    rate = float(arrays["rate"])
    require_rate(rate, f"{location}, array 'rate'")
    return rate, ()


def _skeleton(arrays: dict[str, np.ndarray]) -> Skeleton:
    parents = tuple(int(p) for p in arrays["parents"])
    names = arrays.get("joint_names", np.array([f"joint {v}" for v in range(len(parents))]))
    extras = {name: int(arrays[name]) for name in ("centre_joint", "up_axis", "bodies") if name in arrays}
    return Skeleton(tuple(str(name) for name in names), parents, **extras)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays that `ARRAYS` knows, of the kinds that it wants; object arrays are refused, for they are pickles."""
    arrays = read_npz(path, ARRAYS, HINT)
    for name in NEEDED:
        if name not in arrays:
            raise BadInput(f"no array {name!r}", location=str(path), hint=HINT)
    for name, array in arrays.items():
        kinds, axes = ARRAYS[name]
        if array.dtype.kind not in kinds or array.ndim != axes:
            found = f"array {name!r} is {array.dtype} with {array.ndim} axes"
            raise BadInput(f"{found}, expected dtype kind {'/'.join(kinds)} with {axes}", location=str(path), hint=HINT)
    return arrays
