"""Lines of a stream as frames with a network's joints, and what is done about joints that a camera loses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.data.bodies import BODIES, METRES, Mapping, body_named, mapping
from mksgn_neuro.data.clips import KINECT_RATE, TALLEST_BODY
from mksgn_neuro.data.gaps import HOLD, GapFiller
from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.readers import one_clip
from mksgn_neuro.data.readers.poses import mediapipe
from mksgn_neuro.data.skeleton import Skeleton, from_parents
from mksgn_neuro.data.units import doubt_about_frame
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.text import json_at

Read = Callable[[str, Skeleton, str], tuple[np.ndarray, float | None]]


@dataclass(frozen=True)
class Frame:
    """`positions` (V, 3) float32 metres, NaN where a joint is absent; names of joints that are held and absent.

    `doubt`: what looks wrong with the unit.
    """

    positions: np.ndarray
    seconds: float | None
    held: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    doubt: str = ""


class FrameLines:
    """Reads the lines of a stream one by one; `new_clip` forgets what was seen.

    `line_format`: a key of FORMATS. With `strict` a frame must be whole; without, a joint that it lacks is held for
    `hold` seconds and then absent. `rate`: frames per second where the lines have no time.
    """

    def __init__(
        self, skeleton: Skeleton, *, line_format: str = "joints", rate: float | None = None, hold: float = HOLD,
        strict: bool = False,
    ) -> None:  # fmt: skip
        self._skeleton, self._read, self._strict = skeleton, FORMATS[line_format], strict
        self._rate, self._hold = rate or KINECT_RATE, hold
        self.new_clip()

    def new_clip(self) -> None:
        """The next line is the first of a clip."""
        self._filler, self._frames = GapFiller(self._hold), 0

    def __call__(self, line: str, location: str) -> Frame:
        """The next frame; raises BadInput, naming `location`, for a line that is none, and `strict` for gaps."""
        if self._strict and self._read is _joints:
            whole, seconds = one_clip.stamped_frame(line, self._skeleton, location)
            return Frame(whole, seconds, doubt=doubt_about_frame(whole, location))
        positions, seconds = self._read(line, self._skeleton, location)
        doubt = doubt_about_frame(positions, location)
        if self._strict and np.isnan(positions).any():
            raise BadInput("a joint is missing", location=location, hint="leave --strict out")
        now = self._frames / self._rate if seconds is None else seconds
        self._frames += 1
        filled, held, absent = self._filler(positions, now)
        names = self._skeleton.joint_names
        said = (tuple(names[v] for v in np.flatnonzero(mask)) for mask in (held, absent))
        return Frame(_absent_bodies(filled, self._skeleton.bodies), seconds, *said, doubt)


def _absent_bodies(positions: np.ndarray, bodies: int) -> np.ndarray:
    """Where a network has several bodies, one that is not there has all joints at 0."""
    if bodies == 1:
        return positions
    each = positions.reshape(bodies, -1, 3)
    return np.where(np.isnan(each).all(axis=(1, 2))[:, None, None], np.float32(0), each).reshape(positions.shape)


def _joints(line: str, skeleton: Skeleton, location: str) -> tuple[np.ndarray, float | None]:
    """Joints in the network's order or by name; names of another body in BODIES are mapped."""
    content = json_at(location, line, one_clip.HINT)
    names = _other_names(content, skeleton)
    if names is None:
        return one_clip.frame_of(content, skeleton, location, gaps=True)
    own = from_parents(np.full(len(names), -1), names)
    frame, seconds = one_clip.frame_of(content, own, location, gaps=True)
    body = body_named(names)
    if body is not None:
        frame = frame * np.array(body.signs, dtype=np.float32)
        if body.unit == "mm" and np.nanmax(np.ptp(np.nan_to_num(frame), axis=0)) > TALLEST_BODY:
            frame = frame * np.float32(METRES["mm"])
    return _onto(frame, names, skeleton, location), seconds


def _other_names(content: object, skeleton: Skeleton) -> tuple[str, ...] | None:
    """The names in a line whose joints are another body's than the network's, all of which or some of which it has."""
    joints = content.get("joints") if isinstance(content, dict) else None
    if not isinstance(joints, dict) or not joints:
        return None
    known = {canonical(name.removesuffix(" (1)")) for name in skeleton.joint_names}
    given = {canonical(name) for name in joints}
    own = given <= known or (known <= given and body_named(tuple(joints)) is None)
    return None if own else tuple(joints)


def _landmarks(line: str, skeleton: Skeleton, location: str) -> tuple[np.ndarray, float | None]:
    """MediaPipe's world landmarks."""
    content = json_at(location, line, mediapipe.HINT)
    frame, world = mediapipe.frame_of(content, location)
    if not world and not mediapipe.looks_like_metres(frame):
        hint = "send pose_world_landmarks, which are metres"
        raise BadInput("landmarks in a picture, the network takes metres", location=location, hint=hint)
    body = BODIES["mediapipe33"]
    frame = frame * np.array(body.signs, dtype=np.float32)
    return _onto(frame, body.skeleton.joint_names, skeleton, location), mediapipe.seconds_of(content)


def _onto(frame: np.ndarray, names: tuple[str, ...], skeleton: Skeleton, location: str) -> np.ndarray:
    """With the network's joints; further bodies are not seen."""
    per_body = skeleton.joints // skeleton.bodies
    wanted = tuple(name.removesuffix(" (1)") for name in skeleton.joint_names[:per_body])
    try:
        made: Mapping = mapping(names, wanted)
    except BadInput as error:
        raise BadInput(error.problem, location=location, hint=error.hint) from error
    whole = np.full((skeleton.joints, 3), np.nan, dtype=np.float32)
    whole[:per_body] = made(frame[None])[0]
    return whole


FORMATS: dict[str, Read] = {"joints": _joints, "mediapipe": _landmarks}
