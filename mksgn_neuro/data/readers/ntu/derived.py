"""NTU RGB+D as others pass it on: pyskl's `.pkl` and CTR-GCN's `.npz`. Neither is trusted."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mksgn_neuro.data.cache import Record
from mksgn_neuro.data.readers.ntu.bodies import SLOTS, two_bodies
from mksgn_neuro.data.readers.ntu.text import JOINTS
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.array_pickles import KNOWN
from mksgn_neuro.gates.arrays import read_header
from mksgn_neuro.gates.pickles import Forbidden, load_plain
from mksgn_neuro.gates.regular import require_regular, shown

PYSKL_REMEDY = (
    'expected pyskl\'s 3D file, {"split": {name: [clips]}, "annotations": [{"frame_dir", "label", "keypoint"}]}'
)
CTR_GCN_REMEDY = "expected CTR-GCN's arrays x_train, y_train, x_test, y_test"
# What CTR-GCN's scripts call the protocols in their file names.
CTR_GCN_MARKS = {"ntu60-xsub": "CS", "ntu60-xview": "CV", "ntu120-xsub": "CSub", "ntu120-xset": "CSet"}

ONE_HOT_BYTES, CLIP_BYTES = 1 << 28, 1 << 26
Progress = Callable[[int, int], None]


def unpickle(path: Path) -> object:
    """Read a pickle of plain data; raises BadInput for anything else."""
    require_regular(path, PYSKL_REMEDY)
    try:
        with open(path, "rb") as file:
            return load_plain(file, KNOWN)
    except Forbidden as error:
        hint = "do not trust this file; get it from its makers"
        raise BadInput(f"the pickle wants to run {error}", location=str(path), hint=hint) from error
    except Exception as error:  # a damaged pickle can raise anything
        raise BadInput(
            f"not a readable pickle ({shown(repr(error))})", location=str(path), hint=PYSKL_REMEDY
        ) from error


def pyskl_records(path: Path, dataset: str, classes: int, progress: Progress | None) -> Iterator[Record]:
    """The clips that the file's own split lists name, e.g. xsub_train and xsub_val."""
    content = unpickle(path)
    try:
        split, annotations = content["split"], content["annotations"]
        available = sorted(split)
        train_names, test_names = ({*split[f"{dataset.split('-')[1]}_{part}"]} for part in ("train", "val"))
    except (KeyError, TypeError, IndexError) as error:
        found = f"; it has {', '.join(map(str, available))}" if "available" in locals() else ""
        raise BadInput(f"no split for {dataset}{shown(found)}", location=str(path), hint=PYSKL_REMEDY) from error
    if not isinstance(annotations, (list, tuple)):
        raise BadInput("its annotations are no list", location=str(path), hint=PYSKL_REMEDY)
    for i, annotation in enumerate(annotations):
        location = f"{path}, annotation {i}"
        name = annotation.get("frame_dir", "") if isinstance(annotation, dict) else ""
        if isinstance(name, str) and (name in train_names or name in test_names):
            yield _checked(name, location, lambda a=annotation: _pyskl_clip(a, classes), name in train_names)
        if progress:
            progress(i + 1, len(annotations))


def pyskl_protocols(path: Path) -> list[str]:
    """The data sets whose split lists the file has."""
    content = unpickle(path)
    try:
        classes = 60 if max(int(annotation["label"]) for annotation in content["annotations"]) < 60 else 120
        splits = {name.removesuffix("_train") for name, clips in content["split"].items() if clips}
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise BadInput(f"not pyskl's file ({shown(repr(error))})", location=str(path), hint=PYSKL_REMEDY) from error
    return [name for name in CTR_GCN_MARKS if name.startswith(f"ntu{classes}-") and name.split("-")[1] in splits]


def is_of_ntu(path: Path) -> bool:
    """Whether the pickle holds pyskl's 3-D clips of NTU RGB+D under its split lists, not clips of somebody's own."""
    content = unpickle(path)
    try:
        protocols = {name.split("-")[1] for name in CTR_GCN_MARKS}
        split = any(str(name).rsplit("_", 1)[0] in protocols for name in content["split"])
        return split and np.shape(content["annotations"][0]["keypoint"])[2:] == (JOINTS, 3)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError):
        return False


def _pyskl_clip(annotation: dict, classes: int) -> tuple[np.ndarray, int]:
    keypoint, label = np.asarray(annotation["keypoint"]), annotation["label"]
    if keypoint.ndim != 4 or keypoint.shape[2:] != (JOINTS, 3) or keypoint.dtype.kind != "f":
        raise ValueError(f"keypoint of shape {keypoint.shape}, expected (bodies, frames, {JOINTS}, 3)")
    return keypoint.astype(np.float32), _checked_label(int(label), classes)


def ctr_gcn_records(path: Path, dataset: str, classes: int, progress: Progress | None) -> Iterator[Record]:
    """The clips of CTR-GCN's file, read one at a time; frames of zeros at the end are padding. It names nobody."""
    for other, mark in CTR_GCN_MARKS.items():
        if path.stem.endswith(f"_{mark}") and other != dataset:
            raise BadInput(f"by its name this is {other}", location=str(path), hint=f"use --dataset {other}")
    try:
        with zipfile.ZipFile(path) as archive:
            labels = {part: _one_hot(archive, f"y_{part}.npy", classes) for part in ("train", "test")}
            total, done = sum(len(y) for y in labels.values()), 0
            for part, y in labels.items():
                with archive.open(f"x_{part}.npy") as file:
                    for i, clip in enumerate(_rows(file, len(y))):
                        location = f"{path}, x_{part}[{i}]"
                        yield _checked(
                            f"{part} {i}", location, lambda c=clip, k=int(y[i]): (_bodies(c), k), part == "train"
                        )
                        done += 1
                        if progress:
                            progress(done, total)
    except Exception as error:  # what damage raises is anybody's guess: zlib, tokenize, struct, …
        raise BadInput(f"not a readable file ({shown(error)})", location=str(path), hint=CTR_GCN_REMEDY) from error


def ctr_gcn_protocols(path: Path) -> list[str]:
    """The data set that the file's name and its number of classes tell of; X-Sub where its name says nothing."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("y_train.npy") as file:
            classes = read_header(file)[0][-1]
    except Exception as error:  # as above
        raise BadInput(f"not a readable file ({shown(error)})", location=str(path), hint=CTR_GCN_REMEDY) from error
    named = [dataset for dataset, mark in CTR_GCN_MARKS.items() if path.stem.endswith(f"_{mark}")]
    return named or [f"ntu{classes}-xsub" if classes in (60, 120) else "ntu60-xsub"]


def _one_hot(archive: zipfile.ZipFile, name: str, classes: int) -> np.ndarray:
    with archive.open(name) as file:
        shape, fortran, dtype = read_header(file)
        size = math.prod(shape) * dtype.itemsize
        if dtype.kind not in "biuf" or fortran or not 0 <= size <= min(archive.getinfo(name).file_size, ONE_HOT_BYTES):
            raise ValueError(f"{name} of {dtype}, shape {shape}")
        y = np.frombuffer(file.read(size), dtype).reshape(shape)
    if y.ndim != 2 or y.shape[1] != classes:
        raise ValueError(f"{name} of shape {y.shape}, expected one column for each of {classes} classes")
    return y.argmax(axis=1)


def _rows(file: BinaryIO, n: int) -> Iterator[np.ndarray]:
    """The rows (frames, 150) of an array in an open .npy, without reading the rest."""
    shape, fortran, dtype = read_header(file)
    if len(shape) != 3 or shape[2] != SLOTS * JOINTS * 3 or shape[0] != n or fortran or dtype.kind != "f":
        raise ValueError(f"{dtype} of shape {shape} for {n} labels, expected ({n}, frames, {SLOTS * JOINTS * 3})")
    size = shape[1] * shape[2] * dtype.itemsize
    if size > CLIP_BYTES:
        raise ValueError(f"clips of {shape[1]} frames")
    for _ in range(n):
        chunk = file.read(size)
        if len(chunk) < size:
            raise EOFError("truncated")
        yield np.frombuffer(chunk, dtype=dtype).reshape(shape[1:])


def _bodies(row: np.ndarray) -> np.ndarray:
    """(frames, 150) -> (2, T, 25, 3) float32 without the padding."""
    used = np.flatnonzero((row != 0).any(axis=1))
    frames = used[-1] + 1 if len(used) else 0
    return row[:frames].reshape(frames, SLOTS, JOINTS, 3).transpose(1, 0, 2, 3).astype(np.float32)


def _checked_label(label: int, classes: int) -> int:
    if not 0 <= label < classes:
        raise ValueError(f"label {label} outside 0..{classes - 1}")
    return label


def _checked(name: str, location: str, make: Callable[[], tuple[np.ndarray, int]], train: bool) -> Record:
    """A record of what `make` gives: tracks (M, T, 25, 3) and a label."""
    hint = "leave such clips out with --skip-bad"
    try:
        with np.errstate(over="ignore"):
            positions, label = make()
        if not np.isfinite(positions).all():
            raise ValueError("a coordinate is not a finite number")
    except (KeyError, ValueError, TypeError) as error:
        problem = shown(error) if isinstance(error, ValueError) else f"not an annotation ({shown(repr(error))})"
        return Record(name, None, problem=str(BadInput(problem, location=location, hint=hint)))
    clip = two_bodies(positions, cleaned=True)
    if clip is None:
        return Record(name, None, problem=f"{name}: no skeleton in any frame", missing=True)
    return Record(name, clip, label, train)
