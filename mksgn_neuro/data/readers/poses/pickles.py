"""pyskl's and MMAction2's pickles of a user's own clips, 2-D or 3-D, with their splits.

`{"split": {name: [frame_dir]}, "annotations": [{"frame_dir", "label", "keypoint" (M, T, V, C), "keypoint_score"
(M, T, V)}]}`, or a list of annotations. A split whose name holds `train` trains.
"""

from __future__ import annotations

import numpy as np

from mksgn_neuro.data.bodies import body_of
from mksgn_neuro.data.readers.ntu.derived import unpickle
from mksgn_neuro.data.readers.poses.people import numbers, several_people
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.recordings import LEAST_CONFIDENCE, Recording, of_body
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

HINT = 'write [{"frame_dir", "label", "keypoint" (M, T, V, C), "keypoint_score" (M, T, V)}]'


def recognises(source: Source) -> bool:
    """By its ending; what it holds is seen when it is read."""
    return source.path.is_file() and source.suffix in (".pkl", ".pickle")


def read(source: Source) -> list[Recording]:
    """Every annotation."""
    content, path = unpickle(source.path), str(source.path)
    split = content.get("split", {}) if isinstance(content, dict) else {}
    annotations = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(annotations, list) or not annotations or not isinstance(split, dict):
        raise BadInput("no annotations in it", location=path, hint=HINT)
    lists = ((part, names) for part, names in split.items() if isinstance(names, (list, tuple)))
    training: dict[str, bool] = {}
    for part, names in lists:
        for name in map(str, names):
            if training.setdefault(name, "train" in str(part)) != ("train" in str(part)):
                hint = "put each clip into one split"
                raise BadInput(f"clip {shown(name)} trains and tests", location=path, hint=hint)
    return [_clip(annotation, f"{path}, annotation {i}", training) for i, annotation in enumerate(annotations)]


def _clip(annotation: object, location: str, training: dict[str, bool]) -> Recording:
    if not isinstance(annotation, dict):
        raise BadInput("not an annotation", location=location, hint=HINT)
    try:
        name, keypoint, label = str(annotation["frame_dir"]), annotation["keypoint"], annotation.get("label")
        scores = annotation.get("keypoint_score")
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"not an annotation ({shown(repr(error))})", location=location, hint=HINT) from error
    table = numbers(keypoint, location)
    if table.ndim != 4 or table.shape[3] not in (2, 3) or 0 in table.shape:
        raise BadInput(f"keypoint of shape {table.shape}, expected (M, T, V, C)", location=location, hint=HINT)
    if scores is not None:
        scores = numbers(scores, location)
        if scores.shape != table.shape[:3]:
            raise BadInput(f"keypoint_score of shape {scores.shape}", location=location, hint=HINT)
        table = np.where((scores >= LEAST_CONFIDENCE)[..., None], table, np.nan)
    table = np.where((table == 0).all(axis=(2, 3))[..., None, None], np.nan, table)  # a body that is not there
    return _recording(name, table.astype(np.float32), label, training.get(name), location)


def _recording(name: str, table: np.ndarray, label: object, training: bool | None, location: str) -> Recording:
    body = body_of(table.shape[2], table.shape[3])
    if label is not None and (not isinstance(label, (int, np.integer)) or label < 0):
        raise BadInput(f"label {shown(repr(label))} is no number from 0", location=location, hint=HINT)
    bodies = sorted(table, key=lambda x: -np.isfinite(x).sum())
    second = bodies[1] if len(bodies) > 1 and np.isfinite(bodies[1]).any() else None
    notes = several_people(sum(bool(np.isfinite(x).any()) for x in bodies))
    rest = {
        "second": second,
        "notes": tuple(notes),
        "label": None if label is None else int(label),
        "training": training,
    }
    if body is None:
        return Recording(name, "pickle", bodies[0], **rest)
    return of_body(name, "pickle", bodies[0], body, **rest)


FORMAT = Format("pickle", "pyskl or MMAction2 annotations", recognises, read)
