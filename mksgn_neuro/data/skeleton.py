"""Joints, the tree that joins them, and the neighbourhoods that a graph convolution mixes.

Joint orders: Kinect v1 as in Microsoft's NUI_SKELETON_POSITION_INDEX, Kinect v2 as in its JointType. The trees are
those in which the data sets are used: rooted at the upper spine, bones pointing away from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.errors import BadInput

PARTITIONS = ("self", "inward", "outward", "inward2", "outward2", "sibling")


@dataclass(frozen=True)
class Skeleton:
    """A forest of joints: one tree per body, `bodies` equal trees one after the other.

    `parents[v]` is the joint nearer to the root, −1 for a root. `centre_joint` is the origin of normalised positions,
    `up_axis` the vertical coordinate. `coordinates` 2: of a picture, the third of every position means nothing. Raises
    BadInput if the parents are no forest.
    """

    joint_names: tuple[str, ...]
    parents: tuple[int, ...]
    centre_joint: int = 0
    up_axis: int = 1
    bodies: int = 1
    coordinates: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "joint_names", tuple(str(name) for name in self.joint_names))
        object.__setattr__(self, "parents", tuple(int(p) for p in self.parents))
        check_forest(self.parents)
        if len(self.joint_names) != self.joints:
            raise BadInput(f"{len(self.joint_names)} joint names for {self.joints} joints", location="skeleton")
        if not 0 <= self.centre_joint < self.joints:
            raise BadInput(f"centre joint {self.centre_joint} of {self.joints} joints", location="skeleton")
        if not 1 <= self.bodies <= self.joints or self.joints % self.bodies:
            raise BadInput(
                f"{self.joints} joints of {self.bodies} bodies", location="skeleton", hint="give equal trees"
            )
        if self.up_axis not in (0, 1, 2):
            raise BadInput(f"vertical axis {self.up_axis}", location="skeleton", hint="give 0, 1 or 2")
        if self.coordinates not in (2, 3):
            raise BadInput(f"{self.coordinates} coordinates", location="skeleton", hint="give 2 or 3")

    @property
    def joints(self) -> int:
        """Number of joints V, all bodies together."""
        return len(self.parents)

    @property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(child, parent) pairs."""
        return tuple((v, p) for v, p in enumerate(self.parents) if p >= 0)

    def repeated(self, bodies: int) -> Skeleton:
        """The same tree once per body, joints of body b at b·V to (b+1)·V − 1; the centre is the first body's."""
        names = tuple(f"{name} ({b + 1})" for b in range(bodies) for name in self.joint_names)
        parents = tuple(p if p < 0 else p + b * self.joints for b in range(bodies) for p in self.parents)
        return Skeleton(names, parents, self.centre_joint, self.up_axis, bodies, self.coordinates)


def check_forest(parents: tuple[int, ...]) -> None:
    """Raise BadInput unless every joint leads to a root (parent −1)."""
    for v in range(len(parents)):
        ancestor = v
        for _ in range(len(parents) + 1):
            if ancestor == -1:
                break
            if not 0 <= ancestor < len(parents):
                raise BadInput(f"joint {v} leads to joint {ancestor}", location="parents", hint="use −1 for a root")
            ancestor = parents[ancestor]
        else:
            raise BadInput(f"joint {v} lies on a loop", location="parents", hint="make the parents a tree")
    if not parents:
        raise BadInput("no joints", location="parents")


def from_parents(parents: np.ndarray, joint_names: tuple[str, ...] | None = None, centre_joint: int = 0) -> Skeleton:
    """A skeleton of unknown make; joints are named by number unless names are given."""
    names = joint_names or tuple(f"joint {v}" for v in range(len(parents)))
    return Skeleton(names, tuple(int(p) for p in parents), centre_joint)


def are_names(joint_names: Sequence[str]) -> bool:
    """Whether they say more than the order, as those of `from_parents` do not."""
    return not all(re.fullmatch(r"joint \d+( \(\d+\))?", name) for name in joint_names)


def partitions(skeleton: Skeleton, graph_radius: int = 2) -> np.ndarray:
    """Neighbourhood priors (K, V, V) float32: `out[v] = Σ_w A[k, v, w]·x[w]`, every non-empty row sums to 1.

    K = 3 for one hop (`PARTITIONS[:3]`): the joint itself; its children, whose spikes travel inward; its parent,
    outward. K = 6 for two hops adds grandchildren, grandparent and siblings. A joint pair lies in one partition only.
    """
    v = skeleton.joints
    from_parent = np.zeros((v, v), dtype=np.float32)
    for child, parent in skeleton.bones:
        from_parent[child, parent] = 1
    from_grandparent = from_parent @ from_parent
    siblings = from_parent @ from_parent.T * (1 - np.eye(v, dtype=np.float32))
    masks = [np.eye(v, dtype=np.float32), from_parent.T, from_parent]
    if graph_radius >= 2:
        masks += [from_grandparent.T, from_grandparent, siblings]
    stack = np.stack(masks)
    return stack / np.maximum(stack.sum(axis=2, keepdims=True), 1)


_ARMS_AND_LEGS = (
    *("left shoulder", "left elbow", "left wrist", "left hand"),
    *("right shoulder", "right elbow", "right wrist", "right hand"),
    *("left hip", "left knee", "left ankle", "left foot"),
    *("right hip", "right knee", "right ankle", "right foot"),
)

KINECT_20 = Skeleton(
    ("hip centre", "spine", "shoulder centre", "head", *_ARMS_AND_LEGS),
    (1, 2, -1, 2, 2, 4, 5, 6, 2, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18),
    centre_joint=1,
)
KINECT_25 = Skeleton(
    (
        *("spine base", "spine mid", "neck", "head", *_ARMS_AND_LEGS, "spine shoulder"),
        *("left hand tip", "left thumb", "right hand tip", "right thumb"),
    ),
    (1, 20, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, -1, 7, 7, 11, 11),
    centre_joint=1,
)
