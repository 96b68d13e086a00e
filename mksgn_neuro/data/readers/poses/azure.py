"""Azure Kinect, 32 joints: the JSON of `offline_processor`, in millimetres.

`{"joint_names": […], "frames": [{"timestamp_usec", "bodies": [{"body_id", "joint_positions": [[x, y, z], …]}]}]}`.
"""

from __future__ import annotations

import numpy as np

from mksgn_neuro.data.bodies import AZURE_32, BODIES
from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.readers.poses.people import followed, numbers
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.readers.times import evenly
from mksgn_neuro.data.recordings import Recording, of_body
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

JOINTS = 32
HINT = "write it again with Azure Kinect's offline_processor"


def recognises(source: Source) -> bool:
    """Whether it is one JSON object of frames with bodies."""
    document = source.document if source.path.is_file() else None
    frames = document.get("frames") if isinstance(document, dict) else None
    return isinstance(frames, list) and any(isinstance(frame, dict) and "bodies" in frame for frame in frames)


def read(source: Source) -> list[Recording]:
    """The one clip."""
    document, path = source.document, source.path
    order = _order(document.get("joint_names"), str(path))
    frames, seconds = [], []
    for t, frame in enumerate(document["frames"]):
        location = f"{path}, frame {t}"
        try:
            bodies = [body["joint_positions"] for body in frame["bodies"] or ()]
            stamp = frame.get("timestamp_usec")
        except (KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"not a frame of bodies ({shown(repr(error))})", location=location, hint=HINT) from error
        frames.append([_body(body, location)[order] for body in bodies])
        seconds.append(float(numbers(stamp, location)) * 1e-6 if isinstance(stamp, (int, float)) else None)
    positions, notes = followed(frames, JOINTS, 3)
    timed = evenly(positions, seconds)
    rest = {"notes": (*notes, *timed.notes), **timed.fields}
    return [of_body(source.name, "azure", timed.positions, BODIES["azure32"], **rest)]


def _order(names: object, location: str) -> list[int]:
    """Where the file has each of the 32 joints."""
    if names is None:
        return list(range(JOINTS))
    if not isinstance(names, list):
        raise BadInput("joint_names is no list", location=location, hint=HINT)
    if len(names) != JOINTS:
        raise BadInput(f"{len(names)} joint_names, expected {JOINTS}", location=location, hint=HINT)
    at = {canonical(str(name)): i for i, name in enumerate(names)}
    missing = [name for name in AZURE_32.joint_names if canonical(name) not in at]
    if missing:
        raise BadInput(f"no joint {shown(repr(missing[0]))}", location=location, hint=HINT)
    return [at[canonical(name)] for name in AZURE_32.joint_names]


def _body(values: object, location: str) -> np.ndarray:
    table = numbers(values, location)
    if table.shape != (JOINTS, 3):
        raise BadInput(f"joints of shape {table.shape}, expected (32, 3)", location=location, hint=HINT)
    return table.astype(np.float32)


FORMAT = Format("azure", "Azure Kinect, 32 joints in millimetres", recognises, read)
