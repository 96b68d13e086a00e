"""OpenPose, BODY_25: a folder with one JSON a frame, `CLIP_000000000012_keypoints.json`, of people in a picture.

`{"version", "people": [{"pose_keypoints_2d": [x, y, confidence, …]}]}`, 25 joints; nobody seen: `"people": []`.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mksgn_neuro.data.readers.poses.folder import numbered, one_of
from mksgn_neuro.data.readers.poses.people import with_confidence
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.recordings import Recording
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.gates.text import parsed_json

JOINTS, OLD_JOINTS = 25, 18
FRAME = re.compile(r"(.*?)_?(\d+)(_keypoints)?\.json")
HINT = "run OpenPose with --model_pose BODY_25 --write_json FOLDER"


def recognises(source: Source) -> bool:
    """Whether the folder's first JSON, or the file, lists people with OpenPose's joints."""
    if source.path.is_dir():
        clips, _ = numbered(source.path, ".json", FRAME)
        return any(recognises(Source(frames[0][1])) for frames in clips.values())
    document = source.document
    return isinstance(document, dict) and isinstance(document.get("people"), list)


def read(source: Source) -> list[Recording]:
    """The folder's clips, or the one frame of a file."""
    if not source.path.is_dir():
        return [one_of(source.name, "openpose", "body25", [(0, source.path)], _people)]
    clips, others = numbered(source.path, ".json", FRAME)
    notes = (f"{len(others)} files without a frame's number are left out, the first {others[0]}",) if others else ()
    return [one_of(name or source.name, "openpose", "body25", frames, _people, notes) for name, frames in clips.items()]


def _people(file: Path) -> list[np.ndarray]:
    location = str(file)
    try:
        people = parsed_json(file.read_text(encoding="utf-8-sig"))["people"]
        listed = [person["pose_keypoints_2d"] for person in people]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"not a frame of OpenPose ({shown(repr(error))})", location=location, hint=HINT) from error
    for values in listed:
        if isinstance(values, list) and len(values) == 3 * OLD_JOINTS:
            raise BadInput("18 joints, those of OpenPose's COCO model", location=location, hint=HINT)
    return [with_confidence(values, JOINTS, location) for values in listed if values]


FORMAT = Format("openpose", "OpenPose BODY_25, a JSON per frame", recognises, read)
