"""Data sets by the names that the command line knows. Readers are imported when they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mksgn_neuro.errors import BadInput

if TYPE_CHECKING:
    from mksgn_neuro.data.clips import Clips

NTU = ("ntu60-xsub", "ntu60-xview", "ntu120-xsub", "ntu120-xset")
NW_UCLA = ("nw-ucla", "nw-ucla-views")
DATASETS = ("synthetic", *NW_UCLA, *NTU, "npz")
HINTS = {
    **dict.fromkeys(NW_UCLA, "give the archive all_sqe.zip or its folder with --data"),
    **dict.fromkeys(NTU, "give the folder or zip of .skeleton files, or pyskl's .pkl, with --data"),
    "npz": "give an .npz in the generic format with --data",
}

Progress = Callable[[int, int], None]


def load(
    dataset: str, path: Path | None, *, skip_bad: bool = False, seed: int = 0, progress: Progress | None = None
) -> Clips:
    """The clips of one of `DATASETS`; `path` is the user's file or folder, None for synthetic.

    `seed` matters to synthetic only. `progress(done, total)` is called as entries are read.
    Raises BadInput, naming the file, the place in it and the remedy.
    """
    from mksgn_neuro.data import synthetic
    from mksgn_neuro.data.readers import npz, nw_ucla
    from mksgn_neuro.data.units import doubts_about_units

    if dataset not in DATASETS:
        raise BadInput(f"unknown data set {dataset!r}", place="--dataset", remedy=f"choose from {', '.join(DATASETS)}")
    if dataset == "synthetic":
        if path is not None:
            raise BadInput("synthetic motion is generated, not read", place="--data", remedy="leave --data out")
        return synthetic.generate(seed=seed)
    if path is None:
        raise BadInput(f"{dataset} needs a path", place="--data", remedy=HINTS[dataset])
    path = Path(path)
    if not path.exists():
        raise BadInput("no such file or folder", place=str(path), remedy=HINTS[dataset])
    if dataset == "npz":
        clips = npz.load(path, skip_bad=skip_bad)
        return replace(clips, assumed=clips.assumed + doubts_about_units(clips, str(path)))
    if dataset in NW_UCLA:
        clips = nw_ucla.load(path, skip_bad=skip_bad, progress=progress)
        return clips if dataset == "nw-ucla" else nw_ucla.between_training_views(clips)
    from mksgn_neuro.data.readers import ntu

    return ntu.load(dataset, path, skip_bad=skip_bad, progress=progress)
