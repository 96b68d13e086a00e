"""Clips for a trained network: the right split, checked against its skeleton and classes, as it gets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from mksgn_neuro.data.background import background_of, for_classes
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import Scaling, encode, encode_batch
from mksgn_neuro.data.joints import canonical
from mksgn_neuro.data.made import Joined
from mksgn_neuro.data.protocols import Timing, streams
from mksgn_neuro.data.recordings import DEPTH_LEFT_OUT
from mksgn_neuro.data.registry import DATASETS, load
from mksgn_neuro.data.skeleton import Skeleton, are_names
from mksgn_neuro.errors import BadInput
from mksgn_neuro.evenly import evenly
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.ir import Source, Task
from mksgn_neuro.names import NONE_OF_THESE

if TYPE_CHECKING:
    import torch

Read = Callable[..., Clips]  # as `registry.load`; a command's also shows progress and what was left out
WALK_STEP, WALK_START = 1 / 8, 1 / 4  # of the input range, per frame and at the first
WALKS = 3  # unless the user says how many
RATES = (0.1, 0.9)  # of random inputs that are not 0, from the first sample to the last
STREAM_FRAMES = 1000  # at least, to prove a network on that is never reset


@dataclass(frozen=True)
class Request:
    """Which clips the user asked for; without `dataset`, those of the data that the network was trained on.

    `renames`: a class of the clips as the network calls it.
    """

    dataset: str | None = None
    path: Path | None = None
    split: str = "test"
    limit: int | None = None
    skip_bad: bool = False
    seed: int = 0
    renames: Mapping[str, str] = field(default_factory=dict)


def clips_for(task: Task, request: Request, read: Read = load) -> Clips:
    """The clips, at most `limit`, evenly spaced; raises BadInput where their joints or classes are not the task's."""
    dataset = request.dataset or dataset_of(task)
    clips = read(dataset, request.path, skip_bad=request.skip_bad, seed=request.seed)
    location = str(request.path or dataset)
    return chosen(clips, task, request, location)


def chosen(clips: Clips, task: Task, request: Request, location: str) -> Clips:
    """Those of the clips that are asked for; raises BadInput where their joints or classes are not the task's."""
    clips = fitted(clips, task, location, request.renames)
    wanted = {"train": clips.train, "test": ~clips.train, "all": np.ones(len(clips), dtype=bool)}[request.split]
    index = np.flatnonzero(wanted)
    if len(index) == 0:
        raise BadInput(f"no clip in split {request.split!r}", location=location, hint="choose another --split")
    if request.limit is not None:
        index = index[evenly(len(index), request.limit)]
    return clips.subset(index)


def dataset_of(task: Task) -> str:
    """What the network was trained on, as --dataset calls it: files in our own format name their data themselves."""
    return task.dataset if task.dataset in DATASETS else "npz"


def fitted(clips: Clips, task: Task, location: str, renames: Mapping[str, str] | None = None) -> Clips:
    """The clips with the task's classes, in its order, and its coordinates; for a network that knows `none of these`,
    with pauses, and clips of other classes as that one.

    Raises BadInput where their joints are not the task's, or a class is none of the task's even after `renames`.
    """
    bodies = clips.skeleton.bodies
    if clips.skeleton.parents != tuple(task.parents) or task.bodies not in (None, bodies):
        problem = f"has {clips.skeleton.joints} joints in another tree than the network's {len(task.parents)}"
        raise BadInput(problem, location=location, hint=f"give data like {task.dataset}, or train on this data")
    require_same_joints(clips.skeleton.joint_names, task.joint_names, location)
    flat = (DEPTH_LEFT_OUT,) if task.coordinates < clips.skeleton.coordinates else ()
    skeleton = in_coordinates(clips.skeleton, task.coordinates, location)
    clips = replace(clips, skeleton=skeleton, assumed=(*clips.assumed, *flat))
    names = tuple(task.class_names)
    known = set(names[:-1]) <= set(clips.class_names) and NONE_OF_THESE not in clips.class_names
    if background_of(names) is not None and known:
        clips = for_classes(clips, names)
    return _in_classes(clips, names, location, renames or {})


def _in_classes(clips: Clips, wanted: tuple[str, ...], location: str, renames: Mapping[str, str]) -> Clips:
    names = clips.class_names
    unknown = [f"{old}={new}" for old, new in renames.items() if old not in names or new not in wanted]
    if unknown:
        hint = f"give old=new: of {', '.join(names)}, as one of {', '.join(wanted)}"
        raise BadInput(f"no such classes: {', '.join(unknown)}", location="--map", hint=hint)
    if names == wanted and not renames:
        return clips
    called = [renames.get(name, name) for name in names]
    used = np.unique(clips.labels)
    foreign = [names[k] for k in used if called[k] not in wanted]
    if foreign:
        shown = ", ".join(map(repr, foreign[:3])) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        hint = f"say which of the network's classes each is (--map {foreign[0]}={wanted[0]}), or train on this data"
        raise BadInput(f"has other classes than the network: {shown}", location=location, hint=hint)
    number = np.array([wanted.index(name) if name in wanted else -1 for name in called])
    relabelled = {"labels": number[clips.labels], "class_names": wanted}
    return replace(clips, **relabelled)


def require_same_joints(given: Sequence[str], wanted: Sequence[str], location: str) -> None:
    """Raise BadInput for joints that are called otherwise than the network's; names in whatever spelling.

    Where one side has numbers in place of names there is nothing to compare.
    """
    if not (are_names(given) and are_names(wanted)):
        return
    theirs, ours = ([canonical(name) for name in names] for names in (given, wanted))
    first = next((v for v, (a, b) in enumerate(zip(theirs, ours)) if a != b), None)
    if first is None:
        return
    which = "the network's joints in another order" if sorted(theirs) == sorted(ours) else "other joints"
    problem = f"has {which}: joint {first} is {shown(repr(given[first]))}, the network's {shown(repr(wanted[first]))}"
    hint = f"give the joints in this order: {shown(', '.join(wanted))}"
    raise BadInput(problem, location=location, hint=hint)


def in_coordinates(skeleton: Skeleton, coordinates: int, location: str) -> Skeleton:
    """The skeleton with so many coordinates; raises BadInput for three of clips that have two."""
    if skeleton.coordinates < coordinates:
        problem = f"has {skeleton.coordinates} coordinates, {coordinates} are wanted"
        raise BadInput(problem, location=location, hint="train on this data, or import it with --flat")
    return replace(skeleton, coordinates=coordinates)


def timing_of(task: Task) -> Timing:
    """What the network makes of time."""
    return Timing(task.rate, task.window, task.frames)


def scaling_of(task: Task, bits: int) -> Scaling:
    """How the host turns metres into the network's integers."""
    return Scaling(tuple(task.counts_per_metre), task.centre_joint, tuple(task.modalities), bits, task.origin)


def encoded(task: Task, bits: int, skeleton: Skeleton, positions: np.ndarray) -> np.ndarray:
    """Frames (T, V, 3) in metres, at the network's rate, as it gets them: (T · steps per frame, channels) int32."""
    frames = encode(positions, scaling_of(task, bits), skeleton).reshape(len(positions), -1)
    return in_steps(frames, task.steps_per_frame)


@dataclass(frozen=True)
class EncodedStream:
    """One long stream as `encoded` would make it whole, (T · steps per frame, channels) int32: a slice at a time."""

    task: Task
    bits: int
    skeleton: Skeleton
    positions: Joined

    def __len__(self) -> int:
        return len(self.positions) * self.task.steps_per_frame

    def __getitem__(self, chosen: slice) -> np.ndarray:
        start, stop, step = chosen.indices(len(self))
        stop, times = max(start, stop), self.task.steps_per_frame
        first = start // times
        lead = min(first, 1)  # the motion of a frame is that from the one before
        frames = self.positions[first - lead : max(-(-stop // times), first + 1)]
        if self.task.origin == "first frame" and first > 1:
            frames, lead = np.concatenate([self.positions[:1], frames]), 2
        steps = encoded(self.task, self.bits, self.skeleton, frames)
        begin = (first - lead) * times
        return steps[start - begin : stop - begin : step]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(np.int32 if dtype is None else dtype, copy=False)


def in_steps(frames: np.ndarray, steps_per_frame: int) -> np.ndarray:
    """Frames (T, channels) as time steps (T · steps_per_frame, channels): each with the silent steps after it."""
    steps = np.zeros((len(frames), steps_per_frame, frames.shape[1]), dtype=frames.dtype)
    steps[:, 0] = frames
    return steps.reshape(-1, frames.shape[1])


def verification_frames(task: Task, bits: int, request: Request, read: Read = load) -> tuple[torch.Tensor, str]:
    """Inputs to prove a network on, and what they are: real test clips where data was named, else drawn ones.

    (N, frames, M, V, 3) integers in float32: each clip stretched to the task's frames.
    """
    if request.dataset or request.path or task.dataset == "synthetic":
        clips = clips_for(task, request, read)
        stretched = np.stack(streams("offline", clips, timing_of(task)).positions)
        frames = _tensor(encode_batch(stretched, scaling_of(task, bits), clips.skeleton))
        return frames, f"{len(clips)} test clips of {clips.dataset}"
    samples = request.limit or WALKS
    return random_walks(task, bits, samples), f"{samples} random walks (name real clips with --data)"


def verification_stream(task: Task, bits: int, request: Request, read: Read = load) -> tuple[torch.Tensor, str]:
    """One stream (1, at least STREAM_FRAMES, M, V, 3) to prove a network on that is never reset, and what it is.

    Clips as a camera delivers them or random walks, back to back; from the first again where there are too few.
    """
    if request.dataset or request.path or task.dataset == "synthetic":
        clips = clips_for(task, replace(request, limit=None), read)
        (positions,) = streams("continuous", clips, timing_of(task)).positions
        enough = max(STREAM_FRAMES, (request.limit or 0) * task.frames)
        repeated = np.tile(positions, (-(-enough // len(positions)), 1, 1))[None, :enough]
        stream = _tensor(encode_batch(repeated, scaling_of(task, bits), clips.skeleton))
        return stream, f"one stream of {enough} frames without a reset, test clips of {clips.dataset}"
    walks = -(-STREAM_FRAMES // task.frames)
    stream = random_walks(task, bits, max(walks, request.limit or 0)).flatten(0, 1)[None]
    return stream, f"one stream of {stream.shape[1]} frames of random walks without a reset (name clips with --data)"


@dataclass(frozen=True)
class Drawn:
    """Random inputs to compare on: `samples` of `steps` steps each, zeroed every `reset_interval` steps or never.

    `asdict` of it are arguments of `check_network` and `check_file`.
    """

    samples: int
    steps: int
    seed: int
    reset_interval: int | None

    def __str__(self) -> str:
        return f"{self.samples} samples of {self.steps} random inputs, seed {self.seed}"


def random_samples(source: Source, samples: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Payloads that the source can send, int64 (samples, steps, channels); each sample has a rate of its own."""
    low, high = source.payloads
    size = (samples, steps, source.size)
    rates = np.linspace(*RATES, samples) if samples > 1 else np.array([0.5])
    return rng.integers(low or 1, high, size, endpoint=True) * (rng.random(size) < rates[:, None, None])


def random_walks(task: Task, bits: int, samples: int) -> torch.Tensor:
    """Smooth inputs over the whole integer range, (N, frames, M, V, 3)."""
    rng = np.random.default_rng(0)
    limit = 2 ** (bits - 1)
    shape = (samples, task.frames, len(task.modalities), len(task.parents), task.coordinates)
    steps = rng.normal(0, limit * WALK_STEP, shape)
    steps[:, 0] = rng.normal(0, limit * WALK_START, (samples, *shape[2:]))
    return _tensor(np.clip(np.round(np.cumsum(steps, axis=1)), -limit, limit - 1))


def _tensor(values: np.ndarray) -> torch.Tensor:
    """As the student takes it, float32; what is simulated as integers alone needs no torch."""
    import torch

    return torch.from_numpy(values).float()
