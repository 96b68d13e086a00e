"""Data sets by the names that the command line knows. Readers are imported when they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mksgn_neuro.errors import BadInput

if TYPE_CHECKING:
    from mksgn_neuro.data.clips import Clips

READERS = "mksgn_neuro.data.readers"


@dataclass(frozen=True)
class DataSet:
    """`reader` is a module with `read(name, path, *, skip_bad, progress) -> Clips`; `hint` says what to give it."""

    reader: str
    hint: str


_UCLA = DataSet(f"{READERS}.nw_ucla", "give the archive all_sqe.zip or its folder with --data")
_NTU = DataSet(f"{READERS}.ntu", "give the folder or zip of .skeleton files, or pyskl's .pkl, with --data")

READ = {
    "nw-ucla": _UCLA,
    "nw-ucla-views": _UCLA,
    **dict.fromkeys(("ntu60-xsub", "ntu60-xview", "ntu120-xsub", "ntu120-xset"), _NTU),
    "npz": DataSet(f"{READERS}.npz", "give your .npz with --data, see docs/recordings.md"),
}
"""Every data set that is read from files; "synthetic" is generated."""

DATASETS = ("synthetic", *READ)

BY_ENDING = ("pickle", "plain")  # formats that are told by their file's name only, so perhaps not what they seem
Progress = Callable[[int, int], None]


def load(
    dataset: str, path: Path | None, *, skip_bad: bool = False, seed: int = 0, progress: Progress | None = None
) -> Clips:
    """The clips of one of `DATASETS`; `path` is the user's file or folder, None for synthetic.

    `seed` matters to synthetic only. `progress(done, total)` is called as entries are read. Coordinates that look like
    no metres are said in `assumed`. Raises BadInput, naming the file, the location in it and the hint.
    """
    if dataset == "synthetic":
        from mksgn_neuro.data import synthetic

        if path is not None:
            hint = "name its --dataset, npz for a file of your own, or leave --data out"
            raise BadInput("synthetic motion is generated, not read", location="--data", hint=hint)
        return synthetic.generate(seed=seed)
    if dataset not in READ:
        known = ", ".join(("synthetic", *READ))
        raise BadInput(f"unknown data set {dataset!r}", location="--dataset", hint=f"choose from {known}")
    entry = READ[dataset]
    if path is None:
        raise BadInput(f"{dataset} needs a path", location="--data", hint=entry.hint)
    path = Path(path)
    if not path.exists():
        raise BadInput("no such file or folder", location=str(path), hint=entry.hint)
    try:
        clips: Clips = import_module(entry.reader).read(dataset, path, skip_bad=skip_bad, progress=progress)
    except BadInput as error:
        _refuse_another_format(dataset, path, error)
        raise
    from mksgn_neuro.data.units import doubts_about_units  # numpy, which --help does without

    return replace(clips, assumed=clips.assumed + doubts_about_units(clips, str(path)))


def _refuse_another_format(dataset: str, path: Path, error: BadInput) -> None:
    """Raise BadInput where the path holds what another reader takes: the words of this one would mislead."""
    from mksgn_neuro.data import inspection

    try:
        form = inspection.recognise(path)
    except BadInput:
        return
    both_ntu = dataset.startswith("ntu") and form.startswith("ntu")
    if form in BY_ENDING or both_ntu or dataset.startswith(form):
        return
    problem = f"holds another format: {inspection.FORMATS[form]}"
    hint = f"make a data set of it first: mksgn-neuro data import {path} OUT.npz"
    if form in inspection.DATASETS:
        named = [name for name in READ if name == form or name.startswith(form.split("-")[0])]
        hint = f"use --dataset {' or '.join(named)}"
    raise BadInput(problem, location=str(path), hint=hint) from error
