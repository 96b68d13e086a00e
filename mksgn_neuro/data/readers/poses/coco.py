"""COCO's 17 joints in a picture, as MMPose, Ultralytics and COCO's own results write them, whole or one frame a line.

A frame: a list of people, `{"instances": [people]}`, one person, or 17 times [x, y, confidence]. A person:
`{"keypoints": [[x, y], …], "keypoint_scores": […]}` (MMPose), `{"keypoints": {"x": […], "y": […], "visible": […]}}`
(Ultralytics), `{"image_id", "keypoints": [x, y, confidence, …]}` (COCO).
"""

from __future__ import annotations

import re

import numpy as np

from mksgn_neuro.data.bodies import BODIES
from mksgn_neuro.data.readers.poses.people import followed, is_picture, numbers, picture_unit, seen, with_confidence
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.readers.times import in_order, number_of
from mksgn_neuro.data.recordings import Recording, of_body
from mksgn_neuro.errors import BadInput

JOINTS, WHOLE_BODY = 17, 133  # of the latter the first 17 are the former
HINT = "write 17 joints with x, y and a confidence"


def recognises(source: Source) -> bool:
    """Whether some frame of the file has a person with 17 joints in a picture."""
    if not source.path.is_file():
        return False
    document = source.document
    if isinstance(document, dict) and isinstance(document.get("instance_info"), list):
        return True
    first = document if document is not None else source.first
    return _is_picture(first) or any(_is_frame(x) for x in ([first] if isinstance(first, dict) else first or []))


def _is_frame(value: object) -> bool:
    """A person, `{"instances"}`, a list of people, or 17 triples that can be no metres."""
    if isinstance(value, dict):
        return _has_17(value.get("keypoints")) or isinstance(value.get("instances"), list)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _is_frame(value[0])
    return _is_picture(value)


def _has_17(keypoints: object) -> bool:
    if isinstance(keypoints, dict):
        found = keypoints.get("x")
        return isinstance(found, list) and len(found) == JOINTS
    return isinstance(keypoints, list) and len(keypoints) in (JOINTS, 3 * JOINTS, WHOLE_BODY, 3 * WHOLE_BODY)


def _is_picture(frame: object) -> bool:
    """17 triples whose third is a share, and whose others are no metres: [x, y, confidence] in pixels."""
    if not isinstance(frame, list) or len(frame) != JOINTS:
        return False
    try:
        table = np.array(frame, dtype=np.float64)
    except (ValueError, TypeError):
        return False
    return table.shape == (JOINTS, 3) and bool(np.isfinite(table).all()) and is_picture(table)


def read(source: Source) -> list[Recording]:
    """The one clip."""
    listed = _frames(source)
    frames = [[_person(x, location) for x in people] for people, location, _ in listed]
    if not frames:
        raise BadInput("no frame in it", location=str(source.path), hint="record it again")
    frames, order = in_order(frames, [number for _, _, number in listed], [])
    positions, who = followed(frames, JOINTS, 2)
    whole = any(_is_whole(person) for people, _, _ in listed for person in people)
    left_out = ("133 joints of the whole body: the 17 of COCO are taken",) if whole else ()
    rest = {"unit": picture_unit(positions), "notes": (*left_out, *order, *who)}
    return [of_body(source.name, "coco", positions, BODIES["coco17"], **rest)]


def _is_whole(person: object) -> bool:
    keypoints = person.get("keypoints") if isinstance(person, dict) else None
    return isinstance(keypoints, list) and len(keypoints) in (WHOLE_BODY, 3 * WHOLE_BODY)


def _of_images(people: list[dict]) -> list[list[dict]]:
    """People by the image that they are in, in the order in which images come."""
    images: dict[str, list[dict]] = {}
    for person in people:
        images.setdefault(str(person["image_id"]), []).append(person)
    return list(images.values())


def _number(frame: object) -> int | None:
    """Of a frame, or of the image that its people are in: the last digits of its name."""
    if isinstance(frame, list) and frame and isinstance(frame[0], dict) and "image_id" in frame[0]:
        digits = re.findall(r"\d{1,18}", str(frame[0]["image_id"]))
        return int(digits[-1]) if digits else None
    return number_of(frame)


def _frames(source: Source) -> list[tuple[list, str, int | None]]:
    """People of each frame, where it is and which of the video's."""
    document, path = source.document, source.path
    if isinstance(document, dict) and "instance_info" in document:
        listed = document["instance_info"]
    elif isinstance(document, list) and all(isinstance(x, dict) and "image_id" in x for x in document):
        listed = _of_images(document)
    elif isinstance(document, list) and all(isinstance(x, dict) and "keypoints" in x for x in document):
        listed = [document]
    elif isinstance(document, list) and not _is_picture(document):
        listed = document
    elif document is not None:
        listed = [document]
    else:
        return [(_people(value, location), location, _number(value)) for value, location in source.values]
    locations = [f"{path}, frame {i}" for i in range(len(listed))]
    return [(_people(frame, location), location, _number(frame)) for frame, location in zip(listed, locations)]


def _people(frame: object, location: str) -> list:
    if isinstance(frame, dict):
        return frame["instances"] if isinstance(frame.get("instances"), list) else [frame]
    if frame is None:
        return []
    if not isinstance(frame, list):
        raise BadInput("not a frame of people", location=location, hint=HINT)
    return frame if not frame or isinstance(frame[0], dict) else [frame]


def _person(person: object, location: str) -> np.ndarray:
    """(17, 2) float32, NaN where a joint is not seen."""
    if isinstance(person, list):
        return with_confidence(person, JOINTS, location)
    keypoints = person.get("keypoints") if isinstance(person, dict) else None
    if isinstance(keypoints, dict):
        columns = [numbers(keypoints.get(name, ()), location) for name in ("x", "y")]
        columns.append(numbers(keypoints.get("visible") or keypoints.get("confidence") or [1] * JOINTS, location))
        if any(column.shape != (JOINTS,) for column in columns):
            raise BadInput("not 17 joints with x and y", location=location, hint=HINT)
        return seen(np.stack(columns[:2], axis=1), columns[2])
    if isinstance(keypoints, list) and isinstance(person.get("keypoint_scores"), list):
        points, scores = numbers(keypoints, location), numbers(person["keypoint_scores"], location)
        if points.shape == (WHOLE_BODY, 2) and scores.shape == (WHOLE_BODY,):
            points, scores = points[:JOINTS], scores[:JOINTS]
        if points.shape != (JOINTS, 2) or scores.shape != (JOINTS,):
            problem = f"keypoints of shape {points.shape} with {scores.shape} scores"
            raise BadInput(problem, location=location, hint=HINT)
        return seen(points, scores)
    if keypoints is None:
        raise BadInput("a person without keypoints", location=location, hint=HINT)
    if isinstance(keypoints, list) and len(keypoints) in (WHOLE_BODY, 3 * WHOLE_BODY):
        keypoints = keypoints[: len(keypoints) * JOINTS // WHOLE_BODY]
    return with_confidence(keypoints, JOINTS, location)


FORMAT = Format("coco", "COCO-17, 2-D with confidence (MMPose, Ultralytics, COCO results)", recognises, read)
