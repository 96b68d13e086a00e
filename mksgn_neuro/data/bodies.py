"""Skeletons by name, as pose estimators and cameras have them, and how the joints of one are made from another's.

Axes of every recording that is read: those of the Kinect (x to the camera's left, y up, z away from it), metres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.data.joints import canonical, mirror_order
from mksgn_neuro.data.skeleton import KINECT_20, KINECT_25, Skeleton
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "inch": 0.0254}
PIXELS = "px"  # a picture's: no length in the room
SHARES = "shares"  # of a picture's width, x, and of its height, y
KINECT_AXES, IMAGE_AXES = (1, 1, 1), (-1, -1, 1)


@dataclass(frozen=True)
class Body:
    """A named skeleton: the unit its makers write, and the signs that bring their x, y, z to the Kinect's."""

    name: str
    skeleton: Skeleton
    unit: str = "m"
    signs: tuple[int, int, int] = KINECT_AXES
    coordinates: int = 3

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Left and right joints that mirror each other."""
        names = self.skeleton.joint_names
        order = mirror_order(names)
        return [(names[v], names[w]) for v, w in enumerate(order) if canonical(names[v]).startswith("left") and v != w]


def _tree(parents: dict[str, str], names: str, centre: str) -> Skeleton:
    """A skeleton from names in order, comma-separated, and each joint's parent; the root has none."""
    joints = tuple(name.strip() for name in names.split(","))
    at = {name: v for v, name in enumerate(joints)}
    both = dict(parents)
    for child, parent in parents.items():
        if child.startswith("left "):
            both[child.replace("left", "right")] = parent.replace("left", "right")
    return Skeleton(joints, tuple(at[both[j]] if j in both else -1 for j in joints), at[centre])


_LIMBS = {
    "left elbow": "left shoulder",
    "left wrist": "left elbow",
    "left knee": "left hip",
    "left ankle": "left knee",
}
AZURE_32 = _tree(
    {
        **_LIMBS,
        "pelvis": "spine navel",
        "spine navel": "spine chest",
        "neck": "spine chest",
        "left clavicle": "spine chest",
        "left shoulder": "left clavicle",
        "left hand": "left wrist",
        "left hand tip": "left hand",
        "left thumb": "left wrist",
        "left hip": "pelvis",
        "left foot": "left ankle",
        "head": "neck",
        "nose": "head",
        "left eye": "head",
        "left ear": "head",
    },
    "pelvis, spine navel, spine chest, neck, left clavicle, left shoulder, left elbow, left wrist, left hand, "
    "left hand tip, left thumb, right clavicle, right shoulder, right elbow, right wrist, right hand, right hand tip, "
    "right thumb, left hip, left knee, left ankle, left foot, right hip, right knee, right ankle, right foot, head, "
    "nose, left eye, left ear, right eye, right ear",
    "spine navel",
)
COCO_17 = _tree(
    {
        **_LIMBS,
        "left eye": "nose",
        "left ear": "left eye",
        "left shoulder": "nose",
        "left hip": "left shoulder",
    },
    "nose, left eye, right eye, left ear, right ear, left shoulder, right shoulder, left elbow, right elbow, "
    "left wrist, right wrist, left hip, right hip, left knee, right knee, left ankle, right ankle",
    "nose",
)
MEDIAPIPE_33 = _tree(
    {
        **_LIMBS,
        "left eye inner": "nose",
        "left eye": "left eye inner",
        "left eye outer": "left eye",
        "left ear": "left eye outer",
        "left mouth": "nose",
        "left shoulder": "nose",
        "left pinky": "left wrist",
        "left index": "left wrist",
        "left thumb": "left wrist",
        "left hip": "left shoulder",
        "left heel": "left ankle",
        "left foot index": "left heel",
    },
    "nose, left eye inner, left eye, left eye outer, right eye inner, right eye, right eye outer, left ear, right ear, "
    "left mouth, right mouth, left shoulder, right shoulder, left elbow, right elbow, left wrist, right wrist, "
    "left pinky, right pinky, left index, right index, left thumb, right thumb, left hip, right hip, left knee, "
    "right knee, left ankle, right ankle, left heel, right heel, left foot index, right foot index",
    "nose",
)
BODY_25 = _tree(
    {
        **_LIMBS,
        "nose": "neck",
        "left shoulder": "neck",
        "mid hip": "neck",
        "left hip": "mid hip",
        "left eye": "nose",
        "left ear": "left eye",
        "left big toe": "left ankle",
        "left small toe": "left big toe",
        "left heel": "left ankle",
    },
    "nose, neck, right shoulder, right elbow, right wrist, left shoulder, left elbow, left wrist, mid hip, right hip, "
    "right knee, right ankle, left hip, left knee, left ankle, right eye, left eye, right ear, left ear, "
    "left big toe, left small toe, left heel, right big toe, right small toe, right heel",
    "mid hip",
)

BODIES = {
    body.name: body
    for body in (
        Body("kinect20", KINECT_20),
        Body("kinect25", KINECT_25),
        Body("azure32", AZURE_32, "mm", IMAGE_AXES),
        Body("coco17", COCO_17, PIXELS, IMAGE_AXES, 2),
        Body("mediapipe33", MEDIAPIPE_33, "m", IMAGE_AXES),
        Body("body25", BODY_25, PIXELS, IMAGE_AXES, 2),
    )
}


def body_named(names: Sequence[str]) -> Body | None:
    """The body whose joints these are, in whatever order and spelling; None where it is none of `BODIES`."""
    wanted = {canonical(name) for name in names}
    found = (body for body in BODIES.values() if {canonical(n) for n in body.skeleton.joint_names} == wanted)
    return next(found, None)


def body_of(joints: int, coordinates: int) -> Body | None:
    """The body that has so many joints and coordinates; None where none or where it could be several."""
    found = [b for b in BODIES.values() if b.skeleton.joints == joints and b.coordinates == coordinates]
    return found[0] if len(found) == 1 else None


SYNONYMS = {
    "spine base": "hip centre",
    "pelvis": "hip centre",
    "hips": "hip centre",
    "spine shoulder": "shoulder centre",
}
Weights = dict[str, float]


def _torso(share: float) -> Weights:
    """From the middle of the hips (0) to the middle of the shoulders (1)."""
    hip, shoulder = (1 - share) / 2, share / 2
    return {"left hip": hip, "right hip": hip, "left shoulder": shoulder, "right shoulder": shoulder}


# Where on that line a Kinect has its spine: medians over NW-UCLA. The forearm goes on to the hand by a third of it.
HIP_CENTRE, SPINE, SHOULDER_CENTRE, HAND = 0.18, 0.36, 1.24, 0.33


def _both(joint: str, *ways: Weights) -> dict[str, tuple[Weights, ...]]:
    """Rules of a left joint, and the same for the right one."""
    right = tuple({name.replace("left", "right"): w for name, w in way.items()} for way in ways)
    return {f"left {joint}": ways, f"right {joint}": right}


# How a joint that the other body lacks is made from joints that it has; the first way that can be gone is taken.
WAYS: dict[str, tuple[Weights, ...]] = {
    "hip centre": (_torso(HIP_CENTRE),),
    "spine": (_torso(SPINE),),
    "shoulder centre": (_torso(SHOULDER_CENTRE),),
    "mid hip": (_torso(0.0),),
    "spine mid": (_torso(0.6),),
    "spine navel": (_torso(0.36),),
    "spine chest": (_torso(0.75),),
    "neck": (_torso(1.0),),
    "head": ({"left ear": 0.5, "right ear": 0.5}, {"nose": 1.0}),
    "nose": ({"head": 1.0},),
    **_both("hand", {"left index": 0.5, "left pinky": 0.5}, {"left wrist": 1 + HAND, "left elbow": -HAND}),
    **_both("hand tip", {"left index": 1.0}),
    **_both("foot", {"left foot index": 1.0}, {"left big toe": 1.0}, {"left ankle": 1.0}),
}


@dataclass(frozen=True)
class Mapping:
    """How V target joints are made: `recipes[v]` are (source joint, weight); `made` says which were not taken over."""

    recipes: tuple[tuple[tuple[int, float], ...], ...]
    made: tuple[str, ...]

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """Positions (T, V source, C) as (T, V, C) float32; a joint made from one that is absent (NaN) is absent."""
        joints = [sum(np.float64(w) * positions[:, s] for s, w in recipe) for recipe in self.recipes]
        return np.stack(joints, axis=1).astype(np.float32)


def mapping(source: Sequence[str], target: Sequence[str]) -> Mapping:
    """From joints by name to joints by name; raises BadInput for a target joint that nothing corresponds to."""
    at = {}
    for v, name in enumerate(source):
        at.setdefault(_meant(name), v)
    recipes, made = [], []
    for name in target:
        wanted = _meant(name)
        if wanted in at:
            recipes.append(((at[wanted], 1.0),))
            continue
        way = next((way for way in WAYS.get(wanted, ()) if all(joint in at for joint in way)), None)
        if way is None:
            hint = "give joints by name that the network's correspond to, or train on this data"
            raise BadInput(f"no joint corresponds to the network's {shown(repr(name))}", hint=hint)
        way = {joint: weight for joint, weight in way.items() if weight}
        recipes.append(tuple((at[joint], weight) for joint, weight in way.items()))
        made.append(f"{name} = {' + '.join(f'{weight:.3g} {joint}' for joint, weight in way.items())}")
    return Mapping(tuple(recipes), tuple(made))


def _meant(name: str) -> str:
    spelled = canonical(name)
    return SYNONYMS.get(spelled, spelled)
