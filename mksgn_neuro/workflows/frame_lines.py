"""Lines of a stream as frames with a network's joints, and what is done about joints that a camera loses."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np

from mksgn_neuro.data.bodies import BODIES, METRES, PIXELS, Mapping, body_named, mapping
from mksgn_neuro.data.clips import KINECT_RATE, TALLEST_BODY
from mksgn_neuro.data.crowd import Crowd, Seen
from mksgn_neuro.data.gaps import HOLD, GapFiller
from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.picture import PictureScale
from mksgn_neuro.data.posture import standing
from mksgn_neuro.data.readers import one_clip
from mksgn_neuro.data.readers.poses import landmark_table, mediapipe
from mksgn_neuro.data.readers.poses.people import is_picture
from mksgn_neuro.data.readers.times import seconds_of
from mksgn_neuro.data.recordings import LEAST_CONFIDENCE
from mksgn_neuro.data.skeleton import Skeleton, from_parents
from mksgn_neuro.data.units import doubt_about_frame
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.text import json_at

LOOKED_AT, LOOK_EVERY = 64, 8  # frames: those that posture is judged by, and how often


@dataclass(frozen=True)
class Line:
    """What a line says: joints (V, 3) float32 of the network's, NaN where not seen, and when.

    `picture`: in a picture's unit, whose scale is not said, instead of metres. `note`: what was left out. `people`: who
    is there, where the line lists them; then `positions` are empty.
    """

    positions: np.ndarray
    seconds: float | None
    picture: bool = False
    note: str = ""
    people: tuple[Seen, ...] | None = None


Read = Callable[[str, Skeleton, str, bool], Line]


@dataclass(frozen=True)
class Frame:
    """`positions` (V, 3) float32 metres, NaN where a joint is absent; names of joints that are held and absent.

    `bodies`: the number of whoever is in each place, where the line listed people. `doubt`: what looks wrong with the
    unit.
    """

    positions: np.ndarray
    seconds: float | None
    held: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    bodies: tuple[Hashable, ...] | None = None
    doubt: str = ""


class FrameLines:
    """Reads the lines of a stream one by one; `new_clip` forgets what was seen.

    `line_format`: a key of FORMATS. With `strict` a frame must be whole; without, a joint that it lacks is held for
    `hold` seconds and then absent. `rate`: frames per second where the lines have no time. `aspect`: of the
    picture, width by height, where lines have shares of these.
    """

    def __init__(
        self, skeleton: Skeleton, *, line_format: str = "joints", rate: float | None = None, hold: float = HOLD,
        strict: bool = False, aspect: float | None = None,
    ) -> None:  # fmt: skip
        self._skeleton, self._read, self._strict = skeleton, FORMATS[line_format], strict
        self._rate, self._hold, self._aspect = rate or KINECT_RATE, hold, aspect or 1.0
        self.new_clip()

    def new_clip(self) -> None:
        """The next line is the first of a clip."""
        self._filler, self._frames = GapFiller(self._hold), 0
        self._crowd = Crowd(self._skeleton.bodies, self._skeleton.joints // self._skeleton.bodies, self._hold)
        self._scale: PictureScale | None = None
        self._seen: deque[np.ndarray] = deque(maxlen=LOOKED_AT)
        self._odd = ""

    def _posture(self, filled: np.ndarray) -> str:
        """What looks wrong with how the first body has stood of late, looked at now and then."""
        per_body = len(filled) // self._skeleton.bodies
        self._seen.append(filled[:per_body])
        if self._frames % LOOK_EVERY == 0 and len(self._seen) >= LOOK_EVERY:
            names = [name.removesuffix(" (1)") for name in self._skeleton.joint_names[:per_body]]
            odd = standing(np.stack(self._seen), names)
            self._odd = f"the body is {odd}: y must point up, in metres" if odd else ""
        return self._odd

    def __call__(self, line: str, location: str) -> Frame:
        """The next frame; raises BadInput, naming `location`, for a line that is none, and `strict` for gaps."""
        said = self._read(line, self._skeleton, location, not self._strict)
        positions = self._in_metres(said, location) if said.picture else said.positions
        now = self._frames / self._rate if said.seconds is None else said.seconds
        who, bodies = None, self._skeleton.bodies
        if said.people is None:
            filled, held, absent = self._filler(positions, now)
        else:
            filled, held, absent = self._crowd(said.people, now)
            who = self._crowd.who
        doubt = "" if said.picture else doubt_about_frame(filled, location)
        self._frames += 1
        doubt = "; ".join(filter(None, (doubt, self._posture(filled), said.note)))
        lost = {"held": self._named(held), "absent": self._named(absent)}
        return Frame(_absent_bodies(filled, bodies), said.seconds, **lost, bodies=who, doubt=doubt)

    def _named(self, mask: np.ndarray) -> tuple[str, ...]:
        return tuple(self._skeleton.joint_names[v] for v in np.flatnonzero(mask))

    def _in_metres(self, said: Line, location: str) -> np.ndarray:
        if self._scale is None:
            self._scale = PictureScale(self._skeleton.joint_names, location)
        return self._scale(said.positions * np.array([self._aspect, 1, 1], dtype=np.float32))


def _absent_bodies(positions: np.ndarray, bodies: int) -> np.ndarray:
    """Where a network has several bodies, one that is not there has all joints at 0."""
    if bodies == 1:
        return positions
    each = positions.reshape(bodies, -1, 3)
    return np.where(np.isnan(each).all(axis=(1, 2))[:, None, None], np.float32(0), each).reshape(positions.shape)


def _joints(line: str, skeleton: Skeleton, location: str, gaps: bool) -> Line:
    """Joints in the network's order or by name; names of another body in BODIES are mapped. Or several people.

    MediaPipe's landmarks too, where they are objects of x and y: then there is no doubt that they are.
    """
    content = json_at(location, line, one_clip.HINT)
    if mediapipe.has_landmarks(content):
        return _landmarks(content, skeleton, location, gaps)
    if isinstance(content, dict) and "bodies" in content:
        return _people(content, skeleton, location, gaps)
    return _person(content, skeleton, location, gaps)


def _person(content: object, skeleton: Skeleton, location: str, gaps: bool) -> Line:
    names = _other_names(content, skeleton)
    own = skeleton if names is None else from_parents(np.full(len(names), -1), names)
    body = body_named(tuple(name.removesuffix(" (1)") for name in own.joint_names))
    picture = False
    if skeleton.coordinates == 2:
        content, picture = _with_depth(content, body is not None and body.unit == PIXELS)
    frame, seconds = one_clip.frame_of(content, own, location, gaps=gaps)
    by_name = isinstance(content, dict) and isinstance(content.get("joints"), dict)
    if body is not None and (picture or (by_name and body.coordinates == 3)):  # named joints are in their makers' axes
        frame = frame * np.array(body.signs, dtype=np.float32)
        if body.unit == "mm" and np.nanmax(np.ptp(np.nan_to_num(frame), axis=0)) > TALLEST_BODY:
            frame = frame * np.float32(METRES["mm"])
    if names is None:
        return Line(frame, seconds, picture)
    if body is not None and body.unit == PIXELS and not picture and is_picture(frame, 0.0):
        hint = "send metres, or take a network of two coordinates"
        raise BadInput(
            "joints in a picture, [x, y, confidence]; the network takes metres", location=location, hint=hint
        )
    return Line(_onto(frame, names, skeleton, location), seconds, picture)


def _with_depth(content: object, confident: bool) -> tuple[object, bool]:
    """What a line says with a third coordinate, 0, for joints in a picture; and whether it has such joints.

    `confident`: a third number is how sure a detector was, and a joint that it was not sure of is not seen.
    """
    joints = content.get("joints") if isinstance(content, dict) else content
    pairs = joints.items() if isinstance(joints, dict) else enumerate(joints) if isinstance(joints, list) else ()
    made, picture = {}, False
    for key, xyz in pairs:
        flat = isinstance(xyz, list) and (len(xyz) == 2 or (confident and len(xyz) == 3))
        picture |= flat
        unsure = flat and len(xyz) == 3 and isinstance(xyz[2], (int, float)) and not xyz[2] >= LEAST_CONFIDENCE
        made[key] = None if unsure else [*xyz[:2], 0.0] if flat else xyz
    if not picture:
        return content, False
    joints = made if isinstance(joints, dict) else list(made.values())
    return ({**content, "joints": joints} if isinstance(content, dict) else joints), True


def _people(content: dict, skeleton: Skeleton, location: str, gaps: bool) -> Line:
    """`{"bodies": [{"id": …, "joints": …}, …]}`, `id` where a tracker has one."""
    hint = 'list people as {"bodies": [{"id": 1, "joints": …}, …]}'
    listed = content["bodies"]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise BadInput('"bodies" is no list of objects', location=location, hint=hint)
    if any(not isinstance(one.get("id"), (str, int, type(None))) for one in listed):
        raise BadInput('an "id" is neither a number nor text', location=location, hint=hint)
    numbers = [one["id"] for one in listed if one.get("id") is not None]
    if len(set(numbers)) < len(numbers):
        raise BadInput('two people have one "id"', location=location, hint="give each their own, or none")
    per_body = skeleton.joints // skeleton.bodies
    names = tuple(name.removesuffix(" (1)") for name in skeleton.joint_names[:per_body])
    single = replace(from_parents(np.full(per_body, -1), names), coordinates=skeleton.coordinates)
    lines = [_person({"joints": one.get("joints")}, single, location, gaps) for one in listed]
    if any(line.picture for line in lines):
        raise BadInput("people in a picture", location=location, hint="send one of them, or metres")
    people = tuple(Seen(line.positions, one.get("id")) for line, one in zip(lines, listed))
    return Line(np.empty((0, 3), np.float32), seconds_of(content, location), people=people)


def _other_names(content: object, skeleton: Skeleton) -> tuple[str, ...] | None:
    """The names in a line whose joints are another body's than the network's, all of which or some of which it has."""
    joints = content.get("joints") if isinstance(content, dict) else None
    if not isinstance(joints, dict) or not joints:
        return None
    known = {canonical(name.removesuffix(" (1)")) for name in skeleton.joint_names}
    given = {canonical(name) for name in joints}
    own = given <= known or (known <= given and body_named(tuple(joints)) is None)
    return None if own else tuple(joints)


def _landmark_line(line: str, skeleton: Skeleton, location: str, gaps: bool) -> Line:
    """MediaPipe's landmarks in any of its layouts."""
    return _landmarks(json_at(location, line, landmark_table.HINT), skeleton, location, gaps)


def _landmarks(content: object, skeleton: Skeleton, location: str, gaps: bool) -> Line:
    """MediaPipe's landmarks: those of the world, or for a network of two coordinates those of the picture."""
    frame, world = mediapipe.frame_of(content, location)
    picture = not world and not mediapipe.looks_like_metres(frame)
    if picture and skeleton.coordinates == 3:
        hint = "send pose_world_landmarks, which are metres"
        raise BadInput("landmarks in a picture, the network takes metres", location=location, hint=hint)
    body = BODIES["mediapipe33"]
    frame = frame * np.array(body.signs, dtype=np.float32)
    positions = _onto(frame, body.skeleton.joint_names, skeleton, location)
    if not gaps and np.isnan(positions).any():
        raise BadInput("a joint is missing", location=location, hint="leave --strict out")
    note = "; ".join(mediapipe.first_of(mediapipe.people_in(content)))
    return Line(positions, seconds_of(content, location), picture, note)


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


FORMATS: dict[str, Read] = {"joints": _joints, "mediapipe": _landmark_line}
