"""Synthetic motion: a 20-joint body moved by forward kinematics, watched by an unsteady sensor.

Ten actions in five pairs. The two of a pair pass through the same poses in opposite order, so no average over time
tells them apart; left and right, and what the hands do, need the joints. Subjects differ in size, tempo and style,
clips in view, pauses and sway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.skeleton import KINECT_20

ACTIONS = (
    *("sit down", "stand up", "raise left arm", "lower left arm", "raise right arm", "lower right arm"),
    *("push with both hands", "pull with both hands", "circle clockwise", "circle anticlockwise"),
)
TEST_SUBJECTS = 3
VIEWS = (-45.0, 0.0, 45.0)

# Rest pose of an adult 1.7 m tall: (joint, the joint it hangs on, metres: x to the body's left, y up, z forward).
BONES = (
    *(("spine", "hip centre", (0, 0.10, 0)), ("shoulder centre", "spine", (0, 0.38, 0))),
    ("head", "shoulder centre", (0, 0.22, 0)),
    *(("left shoulder", "shoulder centre", (0.18, -0.06, 0)), ("left elbow", "left shoulder", (0, -0.29, 0))),
    *(("left wrist", "left elbow", (0, -0.25, 0)), ("left hand", "left wrist", (0, -0.08, 0))),
    *(("right shoulder", "shoulder centre", (-0.18, -0.06, 0)), ("right elbow", "right shoulder", (0, -0.29, 0))),
    *(("right wrist", "right elbow", (0, -0.25, 0)), ("right hand", "right wrist", (0, -0.08, 0))),
    *(("left hip", "hip centre", (0.09, -0.08, 0)), ("left knee", "left hip", (0, -0.42, 0))),
    *(("left ankle", "left knee", (0, -0.40, 0)), ("left foot", "left ankle", (0, -0.05, 0.12))),
    *(("right hip", "hip centre", (-0.09, -0.08, 0)), ("right knee", "right hip", (0, -0.42, 0))),
    *(("right ankle", "right knee", (0, -0.40, 0)), ("right foot", "right ankle", (0, -0.05, 0.12))),
)
JOINT = {name: v for v, name in enumerate(KINECT_20.joint_names)}


@dataclass(frozen=True)
class Sensor:
    """Faults: `noise` metres (normal, per joint and frame); `dropouts`: chance per joint and frame that tracking
    is lost, after which the joint stays where it was last seen for up to `longest` frames.
    """

    noise: float = 0.01
    dropouts: float = 0.005
    longest: int = 6


def generate(clips: int = 600, seed: int = 0, *, subjects: int = 10, sensor: Sensor | None = None) -> Clips:
    """`clips` clips of 24 to 80 frames at 30 Hz, classes balanced; the last three subjects test.

    Equal seeds give equal clips. `sensor` defaults to `Sensor()`.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(clips) % len(ACTIONS))
    who = rng.permutation(np.arange(clips) // len(ACTIONS) % subjects)
    people = _people(subjects, rng)
    lengths = np.clip(rng.normal(50, 8, clips) / people["tempo"][who], 24, 80).astype(np.int64)
    clip = np.repeat(np.arange(clips), lengths)
    progress, time = _progress(labels, lengths, clip, rng)
    angles = _angles(labels[clip], progress, time, clip, people["reach"][who] * rng.normal(1, 0.06, clips), rng)
    scale = (people["size"][who] * people["limbs"][:, who]).T[clip]
    positions = _stand_on_ground(_kinematics(angles, scale))
    positions = _seen(positions, clip, rng)
    positions = _disturbed(positions, lengths, sensor or Sensor(), rng)
    return Clips(
        positions=positions.astype(np.float32),
        lengths=lengths,
        labels=labels,
        subjects=who,
        train=who < subjects - min(TEST_SUBJECTS, subjects - 1),
        names=tuple(f"synthetic {i}" for i in range(clips)),
        class_names=ACTIONS,
        skeleton=KINECT_20,
        dataset="synthetic",
    )


def _people(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Per subject: overall size, length of each bone relative to it (19, n), tempo, and how far they move."""
    return {
        "size": rng.uniform(0.88, 1.12, n),
        "limbs": rng.normal(1, 0.03, (len(BONES), n)),
        "tempo": rng.uniform(0.75, 1.3, n),
        "reach": rng.uniform(0.85, 1.1, n),
    }


def _progress(
    labels: np.ndarray, lengths: np.ndarray, clip: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Per frame: how far the action has come, 0..1 with pauses at both ends (odd labels run 1..0), and seconds."""
    n = len(lengths)
    frame = np.arange(len(clip)) - (np.cumsum(lengths) - lengths)[clip]
    share = frame / (lengths - 1)[clip]
    begin, end = rng.uniform(0, 0.2, n)[clip], rng.uniform(0.8, 1, n)[clip]
    s = np.clip((share - begin) / (end - begin), 0, 1)
    eased = s**3 * (10 - 15 * s + 6 * s**2)  # minimum jerk, how people move between two points
    return np.where(labels[clip] % 2 == 0, eased, 1 - eased), frame / 30


def _angles(
    label: np.ndarray, p: np.ndarray, time: np.ndarray, clip: np.ndarray, reach: np.ndarray, rng: np.random.Generator
) -> dict[tuple[str, str], np.ndarray]:
    """Degrees per frame for (joint, "flex" forward | "abduct" away from the body); what is missing is 0."""
    pair = label // 2
    amount = reach[clip]
    sway = _sway(time, clip, rng)
    angles = {("spine", "flex"): sway(2.0), ("spine", "abduct"): sway(1.5)}
    sitting = np.where(pair == 0, p * amount, 0)
    bow = 4 * sitting * np.clip(1 - sitting, 0, 1) * 25
    angles["spine", "flex"] += bow
    for side in ("left", "right"):
        angles[f"{side} hip", "flex"] = 88 * np.minimum(sitting, 1.05) + sway(1.5)
        angles[f"{side} knee", "flex"] = -92 * np.minimum(sitting, 1.05)
        raised = np.where(pair == (1 if side == "left" else 2), p * amount, 0)
        pushed = np.where(pair == 3, amount, 0)
        angles[f"{side} shoulder", "flex"] = 150 * raised + pushed * (20 + 65 * p) + sway(4.0)
        angles[f"{side} shoulder", "abduct"] = 8 + 10 * raised + sway(3.0)
        angles[f"{side} elbow", "flex"] = 12 + pushed * (110 - 105 * p) + 12 * raised + sway(4.0)
    phase = 4 * np.pi * p + rng.uniform(0, 2 * np.pi, len(reach))[clip]
    # A circle about the middle of the arc that raising the arm draws, as wide: on average both arms hang there.
    circling = np.where(pair == 4, amount, 0)
    angles["right shoulder", "flex"] += circling * (75 + 42 * np.sin(phase))
    angles["right shoulder", "abduct"] += circling * (5 + 42 * np.cos(phase))
    return angles


def _sway(time: np.ndarray, clip: np.ndarray, rng: np.random.Generator) -> Callable[[float], np.ndarray]:
    """A maker of slow idle motion: `sway(degrees)` draws an offset and two sinusoids per clip."""
    n = int(clip[-1]) + 1 if len(clip) else 0

    def sway(degrees: float) -> np.ndarray:
        offset, a, b, phase_a, phase_b = rng.normal(0, 1, (5, n))
        slow = a[clip] * np.sin(2 * np.pi * 0.3 * time + 3 * phase_a[clip])
        faster = 0.5 * b[clip] * np.sin(2 * np.pi * 0.9 * time + 3 * phase_b[clip])
        return degrees * (offset[clip] + slow + faster)

    return sway


def _kinematics(angles: dict[tuple[str, str], np.ndarray], scale: np.ndarray) -> np.ndarray:
    """Positions (F, 20, 3), hip centre at the origin; `scale` (F, 19) stretches each bone of `BONES`."""
    frames = len(scale)
    identity = np.broadcast_to(np.eye(3), (frames, 3, 3))
    turned = {"hip centre": identity}
    positions = np.zeros((frames, 20, 3))
    for i, (name, parent, offset) in enumerate(BONES):
        hung = positions[:, JOINT[parent]]
        positions[:, JOINT[name]] = hung + scale[:, i, None] * (turned[parent] @ np.array(offset, dtype=float))
        turn = turned[parent]
        if (name, "abduct") in angles:
            outward = 1 if name.startswith("left") else -1
            turn = turn @ _about(2, outward * angles[name, "abduct"])
        if (name, "flex") in angles:
            # A spine bows forward, a limb that hangs down swings forward: opposite turns about the side axis.
            turn = turn @ _about(0, angles[name, "flex"] * (1 if name == "spine" else -1))
        turned[name] = turn
    return positions


def _about(axis: int, degrees: np.ndarray) -> np.ndarray:
    """Rotations (F, 3, 3) about one coordinate axis."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.zeros((len(degrees), 3, 3))
    matrix[:, axis, axis] = 1
    matrix[:, i, i] = matrix[:, j, j] = cos
    matrix[:, i, j], matrix[:, j, i] = -sin, sin
    return matrix


def _stand_on_ground(positions: np.ndarray) -> np.ndarray:
    """Moves the body so that its ankles stay put: sitting down lowers the hips, not the feet."""
    ankles = positions[:, [JOINT["left ankle"], JOINT["right ankle"]]].mean(axis=1, keepdims=True)
    return positions - ankles


def _seen(positions: np.ndarray, clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """From the body's coordinates to the camera's: one of three views, tilted a little, 2 to 3.5 m away."""
    n = int(clip[-1]) + 1
    turn = rng.choice(VIEWS, n) + rng.normal(0, 10, n)
    matrix = _about(0, rng.normal(0, 4, n)) @ _about(1, turn)
    place = np.stack([rng.uniform(-0.5, 0.5, n), rng.uniform(-1.0, -0.7, n), rng.uniform(2, 3.5, n)], axis=1)
    return positions @ matrix[clip].transpose(0, 2, 1) + place[clip][:, None]


def _disturbed(positions: np.ndarray, lengths: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """Adds sensor noise; a joint that drops out stays at its last place."""
    frames, joints, _ = positions.shape
    noisy = positions + sensor.noise * rng.standard_normal(positions.shape)
    lost = np.zeros((frames, joints), dtype=bool)
    begins = rng.random((frames, joints)) < sensor.dropouts
    lasts = rng.integers(1, sensor.longest + 1, (frames, joints))
    for after in range(sensor.longest):
        lost[after:] |= (begins & (lasts > after))[: frames - after]
    lost[np.cumsum(lengths) - lengths] = False  # a clip starts with every joint in view
    seen_at = np.where(lost, 0, np.arange(frames)[:, None])
    last_seen = np.maximum.accumulate(seen_at, axis=0)
    return noisy[last_seen, np.arange(joints)]
