"""What a path holds: its format, its clips, and what is wrong with them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mksgn_neuro.data import registry
from mksgn_neuro.data.archive import opened
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.defects import defects
from mksgn_neuro.data.readers import npz, nw_ucla, one_clip
from mksgn_neuro.errors import BadInput

Progress = Callable[[int, int], None]

FORMATS = {
    "nw-ucla": "NW-UCLA JSON files",
    "ntu-text": "NTU RGB+D .skeleton files",
    "ntu-pyskl": "NTU RGB+D, pyskl .pkl",
    "ntu-ctr-gcn": "NTU RGB+D, CTR-GCN .npz",
    "npz": "generic .npz",
    "one-clip": "one clip, CSV or JSON lines",
}
REMEDY = f"known are {'; '.join(FORMATS.values())}"


def recognise(path: Path) -> str:
    """A key of `FORMATS`; raises BadInput for anything else."""
    if not path.exists():
        raise BadInput("no such file or folder", place=str(path), remedy="check the path")
    suffix = path.suffix.lower()
    if suffix in one_clip.SUFFIXES:
        return "one-clip"
    if suffix == ".pkl":
        return "ntu-pyskl"
    if suffix == ".npz":
        return "ntu-ctr-gcn" if "x_train.npy" in _members(path) else "npz"
    for ending, name in ((".skeleton", "ntu-text"), (".json", "nw-ucla")):
        try:
            with opened(path, ending):
                return name
        except BadInput as error:
            if "file in it" not in error.problem:
                raise
    raise BadInput("holds no known format", place=str(path), remedy=REMEDY)


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except Exception as error:  # damaged directories raise more than BadZipFile
        raise BadInput(f"not a readable .npz ({error})", place=str(path), remedy=npz.REMEDY) from error


def inspect(path: Path, progress: Progress | None = None) -> dict:
    """What `data inspect --json` prints; reads everything, leaves bad clips out and lists them."""
    name = recognise(path)
    report = {"path": str(path), "format": name, "description": FORMATS[name]}
    if name == "one-clip":
        return {**report, "datasets": [], "clip": _one_clip(one_clip.read(path))}
    if name == "nw-ucla":
        loaded = [nw_ucla.load(path, skip_bad=True, progress=progress)]
    elif name == "npz":
        loaded = [npz.load(path, skip_bad=True)]
    else:
        loaded = _ntu(path, name, progress)
    return {**report, "datasets": [describe(clips) for clips in loaded]}


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


def _one_clip(clip: np.ndarray) -> dict:
    return {"frames": len(clip), "joints": clip.shape[1], "constant": bool((clip == clip[:1]).all())}


def describe(clips: Clips) -> dict:
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
        "frames": {"min": int(frames.min()), "median": float(np.median(frames)), "max": int(frames.max())},
        "train": int(clips.train.sum()),
        "test": test,
        "test_clean": test - leaked,
        "leaked": leaked,
        "classes": per_class,
        "defects": found,
        "assumed": list(clips.assumed),
        "left_out": list(clips.skipped),
    }
