"""A folder of recordings as a data set to train on: classes by folder, one skeleton, one rate, no gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from mksgn_neuro.data import formats
from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.data.clips import Clips, joined
from mksgn_neuro.data.frames import at_rate
from mksgn_neuro.data.recordings import Recording, Wanted, for_joints, in_metres
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.errors import BadInput

PARTS = {"train": True, "training": True, "test": False, "val": False, "validation": False}
TESTED = 5  # every so many clips of a class tests, where nothing says which
LAYOUT = "lay it out as FOLDER/CLASS/FILES, or FOLDER/train/CLASS/FILES and FOLDER/test/CLASS/FILES"


def import_recordings(
    path: Path, wanted: Wanted, skeleton: str | None = None, progress: Callable[[int, int], None] | None = None,
    bodies: int = 1,
) -> Clips:  # fmt: skip
    """The recordings under `path` as clips with `skeleton`'s joints, a key of BODIES; None: those of the first one.

    `bodies`: 2 for clips of two people, one of whom may be absent.

    A clip's class is its label in the file, else the folder it lies in. Clips that cannot be used are left out and
    listed. Where some are of a picture, all have two coordinates, unless `wanted.flat`. Raises BadInput where no clip
    can be used, where one has no class, or where fewer than two classes are found.
    """
    found, skipped = _labelled(path)
    body = BODIES[skeleton] if skeleton else next((r.body for r, _ in found if r.body), None)
    if body is None:
        raise BadInput("no known skeleton in it", location=str(path), hint=f"give --skeleton {', '.join(BODIES)}")
    coordinates = 3 if wanted.flat else min(recording.coordinates for recording, _ in found)
    whole_skeleton = replace(body.skeleton.repeated(bodies) if bodies > 1 else body.skeleton, coordinates=coordinates)
    kept: list[tuple[Recording, str, float]] = []
    for done, (recording, name) in enumerate(found, 1):
        try:
            ready = for_joints(in_metres(recording, wanted, coordinates), whole_skeleton.joint_names, bodies)
            whole, lost = without_gaps(ready, bodies)
            kept.append((whole, name, lost))
        except BadInput as error:
            skipped.append(str(error))
        if progress:
            progress(done, len(found))
    if not kept:
        raise BadInput(f"no usable clip (first: {skipped[0]})", location=str(path), hint=LAYOUT)
    return _clips(path, whole_skeleton, kept, tuple(skipped))


def _labelled(path: Path) -> tuple[list[tuple[Recording, str]], list[str]]:
    """Recordings with the names of their classes, called by their place in the folder."""
    if not path.is_dir():
        recordings, skipped = formats.recordings(path)
        if any(recording.label is None for recording in recordings):
            raise BadInput("a clip has no class", location=str(path), hint=LAYOUT)
        return [(recording, f"class {recording.label}") for recording in recordings], skipped
    found, skipped = [], []
    for folder, name, training in _class_folders(path):
        recordings, left_out = formats.recordings(folder)
        skipped += left_out
        for recording in recordings:
            training = recording.training if training is None else training
            label = f"class {recording.label}" if recording.label is not None else name
            called = f"{folder.relative_to(path)}/{recording.name}"
            found.append((replace(recording, name=called, training=training), label))
    return found, skipped


def _class_folders(path: Path) -> list[tuple[Path, str, bool | None]]:
    """Folders of one class each, its name, and whether its clips train, where the layout says."""
    inside = sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith("."))
    if inside and all(child.name.lower() in PARTS for child in inside):
        return [
            (folder, folder.name, PARTS[part.name.lower()])
            for part in inside
            for folder in sorted(part.iterdir())
            if folder.is_dir()
        ]
    if not inside:
        raise BadInput("no folder of a class in it", location=str(path), hint=LAYOUT)
    return [(folder, folder.name, None) for folder in inside]


def without_gaps(recording: Recording, bodies: int = 1) -> tuple[Recording, float]:
    """With joints that were not seen put between the frames around; and the share of joints that were.

    Of several bodies, one that is absent from a frame (0) stays so. Raises BadInput for a joint that is never seen.
    """
    x = recording.positions
    lost = np.isnan(x).any(axis=2)
    if not lost.any():
        return recording, 0.0
    there = (x != 0).reshape(len(x), bodies, -1).any(axis=2).repeat(x.shape[1] // bodies, axis=1)
    there |= bodies == 1
    never = np.flatnonzero(lost.any(axis=0) & ~(~lost & there).any(axis=0))
    if len(never):
        problem = f"{recording.joint_names[never[0]]} is not seen in any frame"
        raise BadInput(problem, location=recording.name, hint="leave the clip out")
    filled, frames = x.copy(), np.arange(len(x))
    for v in np.flatnonzero(lost.any(axis=0)):
        seen = ~lost[:, v] & there[:, v]
        for axis in range(3):
            put = np.interp(frames, frames[seen], x[seen, v, axis])
            filled[:, v, axis] = np.where(lost[:, v], put, x[:, v, axis])
    return replace(recording, positions=filled), float(lost.mean())


def _clips(path: Path, skeleton: Skeleton, kept: list[tuple[Recording, str, float]], skipped: tuple[str, ...]) -> Clips:
    recordings = [recording for recording, _, _ in kept]
    names = sorted({name for _, name, _ in kept})
    if len(names) < 2:
        raise BadInput(f"only one class, {names[0]!r}", location=str(path), hint=LAYOUT)
    rate = recordings[0].rate
    arrays = [at_rate(recording.positions, recording.rate, rate, skeleton.bodies) for recording in recordings]
    labels = np.array([names.index(name) for _, name, _ in kept])
    train, assumed = _split(recordings, labels)
    lost = float(np.mean([share for _, _, share in kept]))
    notes = dict.fromkeys(note for recording in recordings for note in recording.notes)
    gaps = (f"{lost:.1%} of the joints were not seen: put between the frames around them",) if lost else ()
    positions, lengths = joined(arrays)
    return Clips(
        positions=positions,
        lengths=lengths,
        labels=labels,
        subjects=np.full(len(labels), -1),
        train=train,
        names=tuple(recording.name for recording in recordings),
        class_names=tuple(names),
        skeleton=skeleton,
        dataset=path.stem,
        rate=rate,
        skipped=skipped,
        assumed=(*notes, *gaps, *assumed),
    )


def _split(recordings: list[Recording], labels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which clips train (N,): as the recordings say; of those that do not, every TESTED-th of a class tests."""
    said = [recording.training for recording in recordings]
    train = np.array([True if training is None else training for training in said])
    unsaid = np.array([training is None for training in said])
    if not unsaid.any():
        return train, ()
    for label in np.unique(labels):
        train[np.flatnonzero(unsaid & (labels == label))[TESTED - 1 :: TESTED]] = False
    return train, (f"nothing says which clips test: every {TESTED}th of each class does",)
