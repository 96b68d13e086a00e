"""`none of these`: a class of its own for what is no action that a network knows, since a stream is mostly nothing.

It is made from pauses, which are made from the clips themselves, and from clips of classes that are none of the
network's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.errors import BadInput
from mksgn_neuro.evenly import evenly
from mksgn_neuro.names import NONE_OF_THESE

SECONDS = (1.0, 3.0)  # of a pause
TURNING = 0.5  # share of pauses in which somebody goes from one pose to another first
TURN_SECONDS = (0.5, 1.5)
SWAY, SWAY_HZ = 0.01, (0.1, 0.5)  # metres that a body which stands still moves by, and how fast
NOISE = 0.005  # metres at most, of a joint in a frame, as an unsteady sensor has it
SEED = 0


def background_of(class_names: Sequence[str]) -> int | None:
    """The class that is none of the others, if there is one."""
    return len(class_names) - 1 if class_names and class_names[-1] == NONE_OF_THESE else None


def with_background(clips: Clips, others: Sequence[str] = ()) -> Clips:
    """The clips with NONE_OF_THESE as the last class, which takes in the classes named `others`, and pauses.

    As many pauses, in training and in test, as a class has clips on average. Raises BadInput for an unknown class, or
    where fewer than two are left.
    """
    if background_of(clips.class_names) is not None:
        raise BadInput(f"has a class {NONE_OF_THESE!r} already", location=clips.dataset, hint="leave --background out")
    unknown = [name for name in others if name not in clips.class_names]
    if unknown:
        hint = f"choose from {', '.join(clips.class_names)}"
        raise BadInput(f"no class {unknown[0]!r}", location=clips.dataset, hint=hint)
    kept = [name for name in clips.class_names if name not in others]
    if len(kept) < 2:
        hint = "name fewer others" if others else "give clips of two classes or more"
        raise BadInput(f"only {len(kept)} class beside {NONE_OF_THESE!r}", location=clips.dataset, hint=hint)
    return for_classes(clips, (*kept, NONE_OF_THESE))


def for_classes(clips: Clips, class_names: Sequence[str]) -> Clips:
    """The clips as a network with those classes has them, the last of which is NONE_OF_THESE.

    Whatever class it does not know becomes the last, and pauses are added; the same each time.
    """
    at = {name: k for k, name in enumerate(class_names)}
    last = len(class_names) - 1
    labels = np.array([at.get(clips.class_names[label], last) for label in clips.labels], dtype=np.int64)
    given = replace(clips, labels=labels, class_names=tuple(class_names), part_of=None)
    index = np.concatenate([_sources(clips, side) for side in (True, False)])
    rng = np.random.default_rng(SEED)
    pauses = [_pause(clips, int(i), rng) for i in index]
    if not pauses:
        return given
    names = tuple(f"pause {n} of {clips.names[i]}" for n, i in enumerate(index))
    return _joined(given, pauses, index, names, last)


def _sources(clips: Clips, training: bool) -> np.ndarray:
    """Clips, evenly spaced, whose poses make the pauses of one side of the split."""
    side = np.flatnonzero(clips.train == training)
    classes = len(np.unique(clips.labels[side]))
    count = round(len(side) / classes) if classes else 0
    return side[evenly(len(side), count)] if count else side


def _pause(clips: Clips, i: int, rng: np.random.Generator) -> np.ndarray:
    """Somebody who stands or sits still as in the first or last frame of clip i, perhaps after changing into that pose.

    (T, V, 3) float32, at the clips' rate; a body that is absent stays so.
    """
    clip, skeleton = clips[i], clips.skeleton
    begin, end = (clip[0], clip[-1]) if rng.random() < 0.5 else (clip[-1], clip[0])
    frames = max(2, round(rng.uniform(*SECONDS) * clips.rate))
    t = np.arange(frames) / clips.rate
    share = np.ones(frames)
    if rng.random() < TURNING:
        share = np.clip(t / rng.uniform(*TURN_SECONDS), 0, 1)
        share = share * share * (3 - 2 * share)
    centre = np.nan_to_num(end[skeleton.centre_joint] - begin[skeleton.centre_joint])
    pose = begin + centre + share[:, None, None] * (end - begin - centre)
    phase, speed = rng.uniform(0, 2 * np.pi, 3), 2 * np.pi * rng.uniform(*SWAY_HZ, 3)
    height = np.nan_to_num(
        end - np.min(end, axis=0, where=np.isfinite(end), initial=np.inf)
    )  # feet stay where they are
    lean = height[:, skeleton.up_axis] / max(float(height[:, skeleton.up_axis].max()), 1e-6)
    swayed = pose + SWAY * np.sin(t[:, None] * speed + phase)[:, None] * lean[:, None]
    swayed = swayed + rng.normal(0, rng.uniform(0, NOISE), swayed.shape)
    if skeleton.coordinates == 2:
        swayed[..., 2] = 0
    here = (begin.reshape(skeleton.bodies, -1) != 0).any(axis=1) & (end.reshape(skeleton.bodies, -1) != 0).any(axis=1)
    swayed *= here.repeat(skeleton.joints // skeleton.bodies)[:, None]
    return swayed.astype(np.float32)


def _joined(clips: Clips, pauses: list[np.ndarray], index: np.ndarray, names: tuple[str, ...], label: int) -> Clips:
    """The clips and, after them, the pauses made from clips `index`."""
    positions = np.concatenate([*(clips[i] for i in range(len(clips))), *pauses])
    positions.setflags(write=False)
    return replace(
        clips,
        positions=positions,
        lengths=np.concatenate([clips.lengths, [len(pause) for pause in pauses]]),
        labels=np.concatenate([clips.labels, np.full(len(pauses), label)]),
        subjects=np.concatenate([clips.subjects, clips.subjects[index]]),
        train=np.concatenate([clips.train, clips.train[index]]),
        names=(*clips.names, *names),
        starts=None,
    )
