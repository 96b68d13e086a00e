"""BVH: a hierarchy of joints with offsets, and their rotations frame by frame, from which positions follow.

No library for it is kept alive: forward kinematics is a product of rotations along the tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.readers.poses.source import Format, Source
from mksgn_neuro.data.readers.times import whole_rate
from mksgn_neuro.data.recordings import Recording
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

HINT = "export it again as BVH"
FACING = (-1, 1, -1)  # a rig faces +z: a camera there sees it from the front, half a turn from the file's own axes
MOST = 1e6  # of a coordinate or an angle in degrees
CHANNELS = {f"{axis}{kind}" for axis in "xyz" for kind in ("position", "rotation")}
# Animators name a joint after the bone that begins there; the usual rig, in our words.
RIG = {
    "hips": "hip centre",
    "left shoulder": "left clavicle",
    "left arm": "left shoulder",
    "left fore arm": "left elbow",
    "left forearm": "left elbow",
    "left hand": "left wrist",
    "left up leg": "left hip",
    "left leg": "left knee",
    "left foot": "left ankle",
    "left toe base": "left foot",
    "left toe": "left foot",
}
POSITIONS = ("xposition", "yposition", "zposition")
MARKS = ("left up leg", "left leg")  # where both are there, names are a rig's


@dataclass
class _Joint:
    name: str
    parent: int
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    channels: list[str] = field(default_factory=list)


def recognises(source: Source) -> bool:
    """By its first word."""
    return source.path.is_file() and bool(source.lines) and source.lines[0][1].strip() == "HIERARCHY"


def read(source: Source) -> list[Recording]:
    """The one clip; BVH has no unit, y is up by convention."""
    joints, start = _hierarchy(source)
    rate, motion = _motion(source, start, sum(len(joint.channels) for joint in joints))
    moved, places = _placing(joints, motion)
    positions = _kinematics(joints, motion, places=places)
    rate = whole_rate(rate, len(motion))
    kept = [v for v, joint in enumerate(joints) if joint.name]
    names = _renamed([joints[v].name for v in kept])
    notes = ("BVH does not say which axis points up: taken as y, as is usual (--up)", *moved)
    return [Recording(source.name, "bvh", positions[:, kept], names, signs=FACING, rate=rate, notes=notes)]


def _hierarchy(source: Source) -> tuple[list[_Joint], int]:
    """The joints, nameless where they only end a bone, and the index of the line after MOTION."""
    joints: list[_Joint] = []
    open_joints: list[int] = []
    for i, (n, line) in enumerate(source.lines[1:], 1):
        words, location = line.split(), f"{source.path}, line {n}"
        try:
            if words[0] in ("ROOT", "JOINT", "End"):
                name = "" if words[0] == "End" else words[1].split(":")[-1]
                joints.append(_Joint(name, open_joints[-1] if open_joints else -1))
            elif words[0] == "{":
                open_joints.append(len(joints) - 1)
            elif words[0] == "}":
                open_joints.pop()
            elif words[0] == "OFFSET":
                joints[open_joints[-1]].offset = _offset(words[1:])
            elif words[0] == "CHANNELS":
                joints[open_joints[-1]].channels = _channel_names(words)
            elif words[0] == "MOTION":
                return joints, i + 1
            else:
                raise BadInput(f"unknown word {shown(repr(words[0]))}", location=location, hint=HINT)
        except (ValueError, IndexError) as error:
            raise BadInput(f"not a line of a hierarchy ({shown(error)})", location=location, hint=HINT) from error
    raise BadInput("the file ends before MOTION", location=str(source.path), hint=HINT)


def _channel_names(words: list[str]) -> list[str]:
    """Of a line `CHANNELS 2 Xrotation Yrotation`."""
    number, names = int(words[1]), [word.lower() for word in words[2:]]
    if len(names) != number or len({*names}) != number or not {*names} <= CHANNELS:
        raise ValueError(f"{number} different ones of {', '.join(sorted(CHANNELS))} are wanted")
    return names


def _offset(words: list[str]) -> np.ndarray:
    offset = np.array([float(word) for word in words])
    if offset.shape != (3,) or not (np.abs(offset) <= MOST).all():
        raise ValueError(f"three numbers up to {MOST:g} are wanted")
    return offset


def _motion(source: Source, start: int, channels: int) -> tuple[float, np.ndarray]:
    """Frames per second and (T, channels)."""
    lines = source.lines[start:]
    try:
        frames = int(lines[0][1].split(":")[1])
        rate = 1 / float(lines[1][1].split(":")[1])
    except (ValueError, IndexError, ZeroDivisionError) as error:
        problem = f"no number of frames and frame time after MOTION ({shown(error)})"
        raise BadInput(problem, location=str(source.path), hint=HINT) from error
    rows = []
    for n, line in lines[2:]:
        try:
            rows.append([float(word) for word in line.split()])
        except ValueError as error:
            raise BadInput(f"not numbers ({shown(error)})", location=f"{source.path}, line {n}", hint=HINT) from error
        if len(rows[-1]) != channels:
            problem = f"{len(rows[-1])} numbers, the hierarchy has {channels} channels"
            raise BadInput(problem, location=f"{source.path}, line {n}", hint=HINT)
    if len(rows) != frames or not rows:
        raise BadInput(f"{len(rows)} frames, {frames} announced", location=str(source.path), hint=HINT)
    motion = np.array(rows)
    if not (np.abs(motion) <= MOST).all() or not 0 < rate < np.inf:
        problem = f"a motion that is no finite number up to {MOST:g}, or no frame time"
        raise BadInput(problem, location=str(source.path), hint=HINT)
    return rate, motion


def _columns(joints: list[_Joint], motion: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Each joint's own columns, by channel."""
    ends = np.cumsum([len(joint.channels) for joint in joints])
    columns = zip(joints, ends - [len(joint.channels) for joint in joints])
    return [{name: motion[:, at + i] for i, name in enumerate(joint.channels)} for joint, at in columns]


def _placing(joints: list[_Joint], motion: np.ndarray) -> tuple[tuple[str, ...], bool]:
    """Whether a joint's position stands for its offset or is added to it, and what is said of that.

    Programs differ, and BVH does not say: a position that is nearer to the offset than to nothing stands for it.
    """
    ratios = []
    for joint, values in zip(joints, _columns(joints, motion)):
        length = np.linalg.norm(joint.offset)
        if joint.parent >= 0 and length > 0 and all(name in values for name in POSITIONS):
            place = np.stack([values[name] for name in POSITIONS], axis=1)
            near, far = (np.linalg.norm(place - origin, axis=1).mean() for origin in (joint.offset, np.zeros(3)))
            ratios.append(near < far)
    if not ratios:
        return (), False
    places = bool(np.mean(ratios) > 0.5)
    said = "stand for their offsets" if places else "are added to their offsets"
    return (f"joints have positions of their own: they {said}",), places


def _kinematics(joints: list[_Joint], motion: np.ndarray, *, places: bool = False) -> np.ndarray:
    """Positions (T, V, 3) float32 in the file's unit: every joint turns what hangs on it, in its channels' order.

    `places`: positions of joints stand for their offsets, as the root's always do.
    """
    positions, turns = np.zeros((len(motion), len(joints), 3)), []
    for v, (joint, values) in enumerate(zip(joints, _columns(joints, motion))):
        offset = np.tile(joint.offset, (len(motion), 1))
        for axis, name in enumerate(POSITIONS):
            if name in values:
                offset[:, axis] = values[name] if places or joint.parent < 0 else offset[:, axis] + values[name]
        order = [name for name in joint.channels if name.endswith("rotation")]
        own = Rotation.identity(len(motion))
        for name in order:
            own = own * Rotation.from_euler(name[0], values[name], degrees=True)
        if joint.parent < 0:
            positions[:, v] = offset
            turns.append(own)
        else:
            positions[:, v] = positions[:, joint.parent] + turns[joint.parent].apply(offset)
            turns.append(turns[joint.parent] * own)
    return positions.astype(np.float32)


def _renamed(names: list[str]) -> tuple[str, ...]:
    """A rig's names in our words; others as they are."""
    spelled = [canonical(name) for name in names]
    if not set(MARKS) <= set(spelled):
        return tuple(names)
    rig = {**RIG, **{k.replace("left", "right"): v.replace("left", "right") for k, v in RIG.items()}}
    return tuple(rig.get(name, name) for name in spelled)


FORMAT = Format("bvh", "BVH motion capture", recognises, read)
