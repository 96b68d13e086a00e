"""What a path holds: its format, its clips, and what is wrong with them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mksgn_neuro.data import formats, registry
from mksgn_neuro.data.archive import opened
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.defects import defects
from mksgn_neuro.data.mirroring import why_not_mirrored
from mksgn_neuro.data.readers import npz, nw_ucla
from mksgn_neuro.data.readers.ntu import NAME as NTU_NAME
from mksgn_neuro.data.readers.ntu import derived
from mksgn_neuro.data.readers.poses.source import Source
from mksgn_neuro.data.recordings import MIRRORED, ONE_FRAME, Recording, Wanted, height, in_metres
from mksgn_neuro.data.suspicions import body_height, suspicions
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

Progress = Callable[[int, int], None]

DATASETS = {
    "nw-ucla": "NW-UCLA JSON files",
    "ntu-text": "NTU RGB+D .skeleton files",
    "ntu-pyskl": "NTU RGB+D, pyskl .pkl",
    "ntu-ctr-gcn": "NTU RGB+D, CTR-GCN .npz",
    "npz": "generic .npz",
}
DOUBTS = (MIRRORED, ONE_FRAME)  # notes that say that something looks wrong
RECORDINGS = "recordings"  # a folder in which some are
FORMATS = {
    **DATASETS,
    **{name: file_format.description for name, file_format in formats.FORMATS.items()},
    RECORDINGS: "a folder of recordings",
}
HINT = f"known are {'; '.join(FORMATS.values())}"


def recognise(path: Path) -> str:
    """A key of `FORMATS`; raises BadInput for anything else."""
    if not path.exists():
        raise BadInput("no such file or folder", location=str(path), hint="check the path")
    dataset = _dataset(path)
    if dataset is not None:
        return dataset
    file_format = formats.format_of(Source(path))
    if file_format is not None:
        return file_format.name
    if path.is_dir() and any(formats.format_of(Source(file)) for file in path.rglob("*")):
        return RECORDINGS
    raise formats.unknown(path, HINT)


def _dataset(path: Path) -> str | None:
    """A key of `DATASETS`, None for what is none of them."""
    suffix = path.suffix.lower()
    if path.is_file() and suffix == ".npz":
        members = _members(path)
        return "ntu-ctr-gcn" if "x_train.npy" in members else "npz" if "lengths.npy" in members else None
    if path.is_file() and suffix == ".pkl":
        return "ntu-pyskl" if derived.is_of_ntu(path) else None
    if path.is_file() and suffix != ".zip":
        return None
    for ending, name, pattern in ((".skeleton", "ntu-text", NTU_NAME), (".json", "nw-ucla", nw_ucla.NAME)):
        try:
            with opened(path, ending) as entries:
                if any(pattern.search(entry) for entry in entries):
                    return name
        except BadInput as error:
            if "file in it" not in error.problem:
                raise
    return None


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception as error:  # damaged directories raise more than BadZipFile
        raise BadInput(f"not a readable .npz ({shown(error)})", location=str(path), hint=npz.HINT) from error


def inspect(path: Path, progress: Progress | None = None) -> dict:
    """What `data inspect --json` prints; reads everything, leaves bad clips out and lists them."""
    name = recognise(path)
    report = {"path": str(path), "format": name, "description": FORMATS[name]}
    if name not in DATASETS:
        found, left_out = formats.recordings(path)
        return {**report, "datasets": [], "recordings": list(map(describe_recording, found)), "left_out": left_out}
    if name in ("nw-ucla", "npz"):
        loaded = [registry.load(name, path, skip_bad=True, progress=progress)]
    else:
        loaded = _ntu(path, name, progress)
    return {**report, "datasets": [summary_of(clips) for clips in loaded]}


def _ntu(path: Path, name: str, progress: Progress | None) -> list[Clips]:
    """The data set under each protocol that the path can serve."""
    from mksgn_neuro.data.readers import ntu
    from mksgn_neuro.data.readers.ntu import derived

    if name == "ntu-text":
        first = ntu.load("ntu120-xsub", path, skip_bad=True, progress=progress)
        protocols = ntu.protocols(int(first.labels.max()) + 1)
    else:
        find = derived.pyskl_protocols if name == "ntu-pyskl" else derived.ctr_gcn_protocols
        protocols = find(path)
    return [registry.load(dataset, path, skip_bad=True, progress=progress) for dataset in protocols]


def describe_recording(recording: Recording) -> dict:
    """What one clip is and what looks wrong with it."""
    positions = recording.positions
    missing = np.isnan(positions).any(axis=2)
    return {
        "clip": recording.name,
        "format": recording.format,
        "skeleton": recording.body.name if recording.body else None,
        "frames": len(positions),
        "joints": positions.shape[1],
        "coordinates": recording.coordinates,
        "bodies": 1 if recording.second is None else 2,
        "rate": recording.rate,
        "unit": recording.unit,
        "up": None if recording.signs is None else ("y", "-y")[recording.signs[1] < 0],
        "height": height(positions),
        "joints_missing": float(missing.mean()),
        "label": recording.label,
        "notes": list(recording.notes),
        "wrong": list(_wrong(recording, missing)),
    }


def _wrong(recording: Recording, missing: np.ndarray) -> Iterator[str]:
    """Findings about one clip, in words."""
    positions = recording.positions
    empty = int(missing.all(axis=1).sum())
    if empty:
        yield f"{empty} of {len(positions)} frames with no joint in them"
    zero = int((positions == 0).all(axis=(1, 2)).sum())
    if zero:
        yield f"{zero} of {len(positions)} frames with every joint at 0"
    if len(positions) > 1 and np.array_equal(
        positions, np.broadcast_to(positions[:1], positions.shape), equal_nan=True
    ):
        yield "constant: nothing moves"
    try:
        ready = in_metres(recording, Wanted(), recording.coordinates)
    except BadInput as error:
        yield f"{error.problem}; {error.hint}"
        return
    yield from (note for note in ready.notes if note.startswith(DOUBTS))


def summary_of(clips: Clips) -> dict:
    """Counts, split, leaks by class and defects of one data set."""
    frames = clips.lengths
    known = clips.subjects[clips.subjects >= 0]
    per_class = [
        {
            "name": name,
            "train": int((clips.train & of_class).sum()),
            "test": int((~clips.train & of_class).sum()),
            "leaked": int((clips.leaked & of_class).sum()),
        }
        for name, of_class in ((name, clips.labels == k) for k, name in enumerate(clips.class_names))
    ]
    test, leaked = int((~clips.train).sum()), int(clips.leaked.sum())
    found = {kind: [clips.names[i] for i in np.flatnonzero(mask)] for kind, mask in defects(clips).items()}
    return {
        "dataset": clips.dataset,
        "clips": len(clips),
        "joints": clips.skeleton.joints,
        "bodies": clips.skeleton.bodies,
        "subjects": len(np.unique(known)),
        "rate": clips.rate,
        "unit": "m" if clips.skeleton.coordinates == 3 else "of a picture",
        "coordinates": clips.skeleton.coordinates,
        "up_axis": "xyz"[clips.skeleton.up_axis],
        "body_height": body_height(clips),
        "frames": {"min": int(frames.min()), "median": float(np.median(frames)), "max": int(frames.max())},
        "train": int(clips.train.sum()),
        "test": test,
        "test_clean": test - leaked,
        "leaked": leaked,
        "classes": per_class,
        "defects": found,
        "suspicions": suspicions(clips),
        "mirroring": why_not_mirrored(clips),
        "assumed": list(clips.assumed),
        "left_out": list(clips.skipped),
    }
