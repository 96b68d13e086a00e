"""NTU RGB+D 60 and 120 (Shahroudy et al., CVPR 2016; Liu et al., TPAMI 2019): names, splits, and any form of them.

A path may be a folder of `.skeleton` files, a zip of them or a folder of such zips; pyskl's `.pkl`; CTR-GCN's `.npz`.
Whatever it is, it is parsed once into a memory-mapped cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np

from mksgn_neuro.data import cache
from mksgn_neuro.data.archive import Entries, opened
from mksgn_neuro.data.cache import Record, Stored
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.parallel import in_order
from mksgn_neuro.data.readers.ntu.bodies import SLOTS, tracks, two_bodies
from mksgn_neuro.data.readers.ntu.derived import ctr_gcn_records, pyskl_records
from mksgn_neuro.data.readers.ntu.names import ACTIONS
from mksgn_neuro.data.readers.ntu.text import parse
from mksgn_neuro.data.skeleton import KINECT_25
from mksgn_neuro.errors import BadInput

SKELETON = KINECT_25.repeated(SLOTS)
NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")
SUFFIXES = (".skeleton", ".zip")
TRAIN_CAMERAS = (2, 3)
TRAIN_SUBJECTS_60 = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
TRAIN_SUBJECTS_120 = (
    *TRAIN_SUBJECTS_60,
    *(45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89),
    *(91, 92, 93, 94, 95, 97, 98, 100, 103),
)
DATASETS = {"ntu60-xsub": 60, "ntu60-xview": 60, "ntu120-xsub": 120, "ntu120-xset": 120}

Progress = Callable[[int, int], None]


def protocols(classes: int) -> list[str]:
    """The data sets that clips of the first `classes` actions can serve."""
    return [dataset for dataset, actions in DATASETS.items() if (actions == 60) == (classes <= 60)]


def is_training(dataset: str, keys: np.ndarray) -> np.ndarray:
    """(N,) bool for keys (N, 5): setup, camera, subject, repetition, action."""
    setup, camera, subject = keys[:, 0], keys[:, 1], keys[:, 2]
    if dataset == "ntu60-xview":
        return np.isin(camera, TRAIN_CAMERAS)
    if dataset == "ntu120-xset":
        return setup % 2 == 0
    return np.isin(subject, TRAIN_SUBJECTS_60 if dataset == "ntu60-xsub" else TRAIN_SUBJECTS_120)


def load(dataset: str, path: Path, *, skip_bad: bool = False, progress: Progress | None = None) -> Clips:
    """One of `DATASETS` from the user's path; clips without a skeleton are always left out and listed.

    Raises BadInput for the first bad file, or with `skip_bad` leaves bad ones out and lists them too.
    """
    classes = DATASETS[dataset]
    derived = {".pkl": pyskl_records, ".npz": ctr_gcn_records}.get(path.suffix.lower())
    if derived is None:
        stored = _stored(path, "", lambda done: _text_records(path, done, progress), skip_bad)
    else:
        records = lambda done: islice(derived(path, dataset, classes, progress), done, None)
        stored = _stored(path, dataset, records, skip_bad)
    return _clips(dataset, path, stored, from_names=derived is None)


read = load  # what the registry asks of a reader


def _stored(path: Path, extra: str, records: Callable[[int], Iterator[Record]], skip_bad: bool) -> Stored:
    name = "ntu-" + cache.key(path, SUFFIXES, extra)
    given = records if skip_bad else lambda done: _up_to_the_first_bad(records(done))
    stored = cache.filled(name, SKELETON.joints, given)
    if stored.bad and not skip_bad:
        raise BadInput(stored.bad[0])
    return stored


def _up_to_the_first_bad(records: Iterator[Record]) -> Iterator[Record]:
    """So that a user learns of it at once, and nothing is written."""
    for record in records:
        if record.positions is None and not record.missing:
            raise BadInput(record.problem)
        yield record


def _clips(dataset: str, path: Path, stored: Stored, *, from_names: bool) -> Clips:
    keys = _keys(stored.names)
    clips = Clips(
        positions=stored.positions,
        lengths=stored.lengths,
        labels=keys[:, 4] - 1 if from_names else stored.labels,
        subjects=keys[:, 2],
        train=is_training(dataset, keys) if from_names else stored.train,
        names=stored.names,
        class_names=ACTIONS,
        skeleton=SKELETON,
        dataset=dataset,
        skipped=stored.missing + stored.bad,
    )
    return _restricted(clips, DATASETS[dataset], _listed_as_missing(path), path)


def _restricted(clips: Clips, classes: int, incomplete: set[str], path: Path) -> Clips:
    """Only the data set's own classes, and not what its authors list as incomplete."""
    listed = np.array([name in incomplete for name in clips.names], dtype=bool)
    kept = clips.subset((clips.labels < classes) & ~listed)
    if len(kept) == 0:
        problem = f"no usable clip (first: {clips.skipped[0]})" if clips.skipped else "no usable clip"
        raise BadInput(problem, location=str(path), hint=f"{clips.dataset} needs clips of its {classes} actions")
    skipped = (*kept.skipped, *(f"{clips.names[i]}: listed as incomplete" for i in np.flatnonzero(listed)))
    return replace(kept, class_names=ACTIONS[:classes], skipped=skipped)


def _keys(names: tuple[str, ...]) -> np.ndarray:
    """(N, 5) int64 from names; −1 where a name is not NTU's."""
    matches = (NAME.fullmatch(name) for name in names)
    rows = [[int(g) for g in match.groups()] if match else [-1] * 5 for match in matches]
    return np.array(rows, dtype=np.int64).reshape(-1, 5)


def _listed_as_missing(path: Path) -> set[str]:
    """Names in the authors' list of incomplete samples, where the user keeps that text file beside the data."""
    folder = path if path.is_dir() else path.parent
    lists = (p.read_text(errors="replace") for p in sorted(folder.glob("*missing*skeleton*.txt")))
    return {match.group(0) for text in lists for match in NAME.finditer(text)}


def _text_records(path: Path, done: int, progress: Progress | None) -> Iterator[Record]:
    """All but the first `done`, in the order of their names."""
    with opened(path, ".skeleton") as entries:
        _refuse_twins(entries, path)
        yield from in_order(lambda entry: text_record(path, *entry), list(entries.items())[done:], progress)


def _refuse_twins(entries: Entries, path: Path) -> None:
    """One clip in two places would be counted twice."""
    first: dict[str, str] = {}
    for entry in entries:
        name = _stem(entry)
        if name in first:
            hint = "keep one copy of each file"
            raise BadInput(f"the same clip as {first[name]}", location=f"{path}, entry {entry}", hint=hint)
        first[name] = entry


def text_record(path: Path, entry: str, read: Callable[[], bytes]) -> Record:
    """Parse one `.skeleton` entry."""
    name, location = _stem(entry), f"{path}, entry {entry}"
    try:
        match = NAME.fullmatch(name)
        if not match:
            hint = "keep the archive's file names"
            raise BadInput("not named SsssCcccPpppRrrrAaaa.skeleton", location=location, hint=hint)
        if not 1 <= int(match.group(5)) <= len(ACTIONS):
            raise BadInput(
                f"unknown action A{match.group(5)}", location=location, hint=f"NTU has A001 to A{len(ACTIONS)}"
            )
        clip = two_bodies(tracks(parse(read(), location)))
    except BadInput as error:
        return Record(name, None, problem=str(error))
    if clip is None:
        return Record(name, None, problem=f"{name}: no skeleton in any frame", missing=True)
    return Record(name, clip, label=int(match.group(5)) - 1)


def _stem(entry: str) -> str:
    return PurePosixPath(entry.replace("\\", "/")).stem
