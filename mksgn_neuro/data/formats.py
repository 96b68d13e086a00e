"""The formats of recordings, told apart by what a file or folder holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from mksgn_neuro.data.readers.poses import (
    arrays,
    azure,
    bvh,
    coco,
    coco_table,
    kinect_2,
    mediapipe,
    openpose,
    pickles,
    plain,
    yolo,
)
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.recordings import Recording, without_zeros
from mksgn_neuro.errors import BadInput

# The first that recognises a file reads it; `plain` takes whatever has a line of numbers for each frame.
MODULES = (openpose, yolo, azure, mediapipe, coco, coco_table, kinect_2, bvh, pickles, arrays, plain)
FORMATS: dict[str, Format] = {module.FORMAT.name: module.FORMAT for module in MODULES}
VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
HINT = f"known are {'; '.join(file_format.description for file_format in FORMATS.values())}"


def format_of(source: Source) -> Format | None:
    """The format that recognises the file or folder; None where none does."""
    return next((file_format for file_format in FORMATS.values() if file_format.recognises(source)), None)


def unknown(path: Path, hint: str = HINT) -> BadInput:
    """What is said of a path that holds no known format."""
    suffix = path.suffix.lower()
    if suffix in VIDEOS:
        return BadInput("is a video", location=str(path), hint="give what a pose estimator writes of it, MediaPipe say")
    if suffix in ARCHIVES:
        return BadInput("is an archive of no known data set", location=str(path), hint="unpack it and give its folder")
    if suffix == ".npz" and path.is_file():
        hint = (
            f"a data set (positions, labels and so on) needs no import: give it to train --data; of recordings, {hint}"
        )
    return BadInput("holds no known format", location=str(path), hint=hint)


def recordings(path: Path) -> tuple[list[Recording], list[str]]:
    """The clips of a file, or of a folder and all that lies in it; and which files were left out, and why.

    In a folder a clip is called by its place in it. Raises BadInput where there is no clip, or where a file that was
    named itself cannot be read.
    """
    if not path.exists():
        raise BadInput("no such file or folder", location=str(path), hint="check the path")
    found, left_out = [], []
    for source, file_format in _sources(path):
        if file_format is None:
            left_out.append(f"{source.path}: no known format")
            continue
        try:
            found += [_placed(without_zeros(one), source.path, path) for one in file_format.read(source)]
        except BadInput as error:
            if source.path == path:
                raise
            left_out.append(str(error))
    if not found:
        if left_out and path.is_dir():
            raise BadInput(f"no clip in it (first: {left_out[0]})", location=str(path), hint=HINT)
        raise unknown(path)
    return found, left_out


def _placed(recording: Recording, source: Path, path: Path) -> Recording:
    """Called by the folders inside `path` that its file lies in, too."""
    inside = source.parent.relative_to(path).parts if source != path else ()
    return replace(recording, name="/".join((*inside, recording.name)))


def _sources(path: Path) -> Iterator[tuple[Source, Format | None]]:
    source = Source(path)
    file_format = format_of(source)
    if file_format is not None or path.is_file():
        yield source, file_format
        return
    for child in sorted(path.iterdir()):
        if not child.name.startswith(".") and not _leads_back(child):
            yield from _sources(child)


def _leads_back(child: Path) -> bool:
    """A link to a folder that it lies in, whose files would be read for ever, or to nothing."""
    if not child.is_symlink():
        return False
    here = child.parent.resolve()
    return not child.exists() or child.resolve() in (here, *here.parents)


def notes_of(clips: Sequence[Sequence[str]]) -> list[str]:
    """The notes of clips, each said once, with the number of clips where it is not all of them."""
    said = Counter(note for notes in clips for note in notes)
    return [note if n == len(clips) else f"{note} ({n} of {len(clips)} clips)" for note, n in said.items()]
