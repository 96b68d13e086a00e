"""NW-UCLA (Wang et al., CVPR 2014) as skeleton researchers pass it on: one JSON per clip, a folder or a zip.

`aAA_sSS_eEE_vVV.json` holds `{"file_name", "skeletons": [T][20][3] metres, "label": 1..10}`. Views 1 and 2 train,
view 3 tests. In the archive that everybody uses, view 3 of a02 and a03 is a copy of view 2 (`Clips.leaked`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import msgspec
import numpy as np

from mksgn_neuro.data.archive import opened
from mksgn_neuro.data.clips import Clips, joined
from mksgn_neuro.data.defects import HINT, first_not_finite
from mksgn_neuro.data.skeleton import KINECT_20
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.gates.text import parsed_json

ACTIONS = {
    1: "pick up with one hand",
    2: "pick up with two hands",
    3: "drop trash",
    4: "walk around",
    5: "sit down",
    6: "stand up",
    8: "donning",
    9: "doffing",
    11: "throw",
    12: "carry",
}
LABELS = {action: label for label, action in enumerate(ACTIONS)}
TRAIN_VIEWS = (1, 2)
NAME = re.compile(r"a(\d\d)_s(\d\d)_e(\d\d)_v(\d\d)")


def read(name: str, path: Path, *, skip_bad: bool = False, progress: Callable[[int, int], None] | None = None) -> Clips:
    """For the registry: `name` is "nw-ucla", or "nw-ucla-views" for the training views alone."""
    clips = load(path, skip_bad=skip_bad, progress=progress)
    return clips if name == "nw-ucla" else between_training_views(clips)


def load(path: Path, *, skip_bad: bool = False, progress: Callable[[int, int], None] | None = None) -> Clips:
    """Read the folder or zip; raises BadInput for the first bad clip, or with `skip_bad` leaves it out and lists it."""
    arrays, keys, names, skipped = [], [], [], []
    with opened(path, ".json") as entries:
        for done, (name, read) in enumerate(entries.items()):
            location = f"{path}, entry {name}"
            try:
                key = _key(name, location)
                arrays.append(parse(read(), LABELS[key[0]], location))
                keys.append(key)
                names.append(PurePosixPath(name).stem)
            except BadInput as error:
                if not skip_bad:
                    raise
                skipped.append(str(error))
            if progress:
                progress(done + 1, len(entries))
    if not arrays:
        raise BadInput(
            f"no usable clip (first: {skipped[0]})",
            location=str(path),
            hint="give the archive all_sqe.zip or its folder",
        )
    positions, lengths = joined(arrays)
    actions, subjects, views = np.array(keys).T
    return Clips(
        positions=positions,
        lengths=lengths,
        labels=np.array([LABELS[int(a)] for a in actions]),
        subjects=subjects,
        train=np.isin(views, TRAIN_VIEWS),
        names=tuple(names),
        class_names=tuple(ACTIONS.values()),
        skeleton=KINECT_20,
        dataset="nw-ucla",
        skipped=tuple(skipped),
    )


def between_training_views(clips: Clips) -> Clips:
    """Only the clips of the training views: view 1 trains, view 2 tests.

    For choosing a network or its training without a look at view 3. Raises BadInput where one of the views has none.
    """
    views = np.array([_key(name, clips.dataset)[2] for name in clips.names])
    first, second = (views == view for view in TRAIN_VIEWS)
    if not first.any() or not second.any():
        raise BadInput("not both training views are here", location=clips.dataset, hint="give the whole archive")
    chosen = first | second
    return replace(clips.subset(chosen), train=first[chosen], dataset="nw-ucla-views", part_of=None)


def _key(name: str, location: str) -> tuple[int, int, int]:
    """(action, subject, view) from a file's name."""
    match = NAME.fullmatch(PurePosixPath(name.replace("\\", "/")).stem)
    if not match:
        raise BadInput("not named aAA_sSS_eEE_vVV.json", location=location, hint="keep the archive's file names")
    action, subject, _, view = (int(digits) for digits in match.groups())
    if action not in ACTIONS:
        known = ", ".join(f"a{a:02d}" for a in ACTIONS)
        raise BadInput(f"unknown action a{action:02d}", location=location, hint=f"NW-UCLA has {known}")
    return action, subject, view


def parse(text: bytes, label: int, location: str) -> np.ndarray:
    """Positions (T, 20, 3) float32 of one JSON file whose name says class `label` (0..9)."""
    try:
        content = _as_usual(text) or parsed_json(text)
        skeletons, said = content["skeletons"], content["label"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        hint = 'expected {"file_name", "skeletons", "label"}'
        raise BadInput(f"not a clip ({shown(repr(error))})", location=location, hint=hint) from error
    if said != label + 1:
        raise BadInput(f"label {said}, but its name says {label + 1}", location=location, hint="keep the file's name")
    try:
        with np.errstate(over="ignore"):
            clip = np.array(skeletons, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadInput(_ragged(skeletons), location=location, hint=HINT) from error
    if clip.ndim != 3 or clip.shape[1:] != (20, 3) or len(clip) == 0:
        raise BadInput(f"skeletons of shape {clip.shape}, expected (frames, 20, 3)", location=location, hint=HINT)
    if not np.isfinite(clip).all():
        where = f"{location}, {first_not_finite(clip)}"
        raise BadInput("a coordinate is not a finite number", location=where, hint=HINT)
    return clip


class _Clip(msgspec.Struct, gc=False):
    skeletons: list[list[list[float]]]
    label: int


_DECODER = msgspec.json.Decoder(_Clip)


def _as_usual(text: bytes) -> dict | None:
    """The same of a file as it should be, in a third of the time; None of any other, whose faults `json` words."""
    try:
        clip = _DECODER.decode(text)
    except msgspec.DecodeError:  # a ValidationError too
        return None
    return {"skeletons": clip.skeletons, "label": clip.label}


def _ragged(skeletons: object) -> str:
    """Which frame makes nested lists no array."""
    for t, frame in enumerate(skeletons if isinstance(skeletons, list) else []):
        if not isinstance(frame, list) or len(frame) != 20:
            joints = len(frame) if isinstance(frame, list) else "no"
            return f"frame {t} has {joints} joints, expected 20"
        for v, joint in enumerate(frame):
            if not isinstance(joint, list) or len(joint) != 3 or not all(isinstance(x, (int, float)) for x in joint):
                return f"frame {t}, joint {v} is not three numbers"
    return "skeletons is not a list of frames"
