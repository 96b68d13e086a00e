"""OpenPose, BODY_25: a folder with one JSON a frame, `CLIP_000000000012_keypoints.json`, of people in a picture.

`{"version", "people": [{"pose_keypoints_2d": [x, y, confidence, …]}]}`, 25 joints; nobody seen: `"people": []`.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.data.readers.poses.people import followed, picture_unit, with_confidence
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.readers.times import in_order
from mksgn_neuro.data.recordings import Recording, of_body
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.gates.text import parsed_json

JOINTS, OLD_JOINTS = 25, 18
FRAME = re.compile(r"(.*?)_?(\d+)(_keypoints)?\.json")
HINT = "run OpenPose with --model_pose BODY_25 --write_json FOLDER"


def _files(path: Path) -> tuple[dict[str, list[tuple[int, Path]]], list[str]]:
    """Numbered frames in order, by clip; and the names of other JSON files beside them."""
    clips: dict[str, list[tuple[int, Path]]] = {}
    others = []
    for file in sorted(path.glob("*.json")):
        match = FRAME.fullmatch(file.name)
        if match:
            clips.setdefault(match.group(1), []).append((int(match.group(2)), file))
        else:
            others.append(file.name)
    return {clip: sorted(frames) for clip, frames in sorted(clips.items())}, others


def recognises(source: Source) -> bool:
    """Whether the folder's first JSON, or the file, lists people with OpenPose's joints."""
    if source.path.is_dir():
        clips, _ = _files(source.path)
        return any(recognises(Source(frames[0][1])) for frames in clips.values())
    document = source.document
    return isinstance(document, dict) and isinstance(document.get("people"), list)


def read(source: Source) -> list[Recording]:
    """The folder's clips, or the one frame of a file."""
    if not source.path.is_dir():
        return [_clip(source.name, [(0, source.path)], ())]
    clips, others = _files(source.path)
    notes = (f"{len(others)} files without a frame's number are left out, the first {others[0]}",) if others else ()
    return [_clip(name or source.name, files, notes) for name, files in clips.items()]


def _clip(name: str, files: list[tuple[int, Path]], notes: tuple[str, ...]) -> Recording:
    people, order = in_order([_people(file) for _, file in files], [number for number, _ in files], [])
    positions, who = followed(people, JOINTS, 2)
    rest = {"unit": picture_unit(positions), "notes": (*notes, *order, *who)}
    return of_body(name, "openpose", positions, BODIES["body25"], **rest)


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
