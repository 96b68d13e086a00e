"""What a network is given of test clips, and when it is asked: the three protocols, as streams of frames.

`offline`: the convention of the literature, each clip stretched to a number of frames, its end known in advance.
`clip`: frames at the network's rate, from rest at the clip's first one; asked at its last one, and again after the
last pose was held until as many frames were seen as a stretched clip has.
`continuous`: clip after clip in one stream that is never reset; asked at every frame.

Where the beginning is known (`offline`, `clip`) the class spikes since then decide, else those of a window of frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mksgn_neuro.data.clips import Clips, require_rate
from mksgn_neuro.data.frames import at_rate, rate_count, resample
from mksgn_neuro.data.made import Joined, Made, joined
from mksgn_neuro.errors import BadInput
from mksgn_neuro.names import PROTOCOLS as PROTOCOLS


@dataclass(frozen=True)
class Timing:
    """What a network makes of time: frames at `rate` Hz come in, the class spikes of the last `window` frames decide.

    `frames`: those of a stretched clip, and until which the last pose of a shorter one is held. `rate` None: the
    network was trained on stretched clips only (model files of version 2).
    """

    rate: float | None
    window: int | None
    frames: int

    def __post_init__(self) -> None:
        location = "the network's timing"
        if self.rate is not None:
            require_rate(self.rate, location)
        if self.window is not None and self.window < 1:
            raise BadInput(f"a window of {self.window} frames", location=location, hint="give at least 1")
        if self.frames < 1:
            raise BadInput(f"clips of {self.frames} frames", location=location, hint="give at least 1")


@dataclass(frozen=True)
class Streams:
    """`positions[s]` (T_s, V, 3) float32 metres, each from rest, made when it is asked for.

    Clip `clip[i]` (N,) lies in stream `stream[i]`. Its frames are `first[i]` to `end[i]` − 1, with its last pose held
    to `held[i]` − 1; int64 (N,) each. Decisions rest on the class spikes of the last `window` frames; where it is None,
    on all since the stream began.
    """

    protocol: str
    positions: Made | tuple[Joined]
    clip: np.ndarray
    stream: np.ndarray
    first: np.ndarray
    end: np.ndarray
    held: np.ndarray
    window: int | None

    def first_clips(self, count: int) -> Streams:
        """The same of the first `count` clips only."""
        names = ("clip", "stream", "first", "end", "held")
        return replace(self, **{name: getattr(self, name)[:count] for name in names})


def streams(protocol: str, clips: Clips, timing: Timing, seed: int = 0) -> Streams:
    """The clips under one of PROTOCOLS; without a rate of its own, a network gets frames as they were recorded."""
    return {"offline": _offline, "clip": _clip, "continuous": _continuous}[protocol](clips, timing, seed)


def _offline(clips: Clips, timing: Timing, seed: int) -> Streams:
    lengths = np.full(len(clips), timing.frames, dtype=np.int64)
    positions = Made(lengths, lambda i: resample(clips[i], timing.frames, clips.skeleton.bodies))
    return _alone("offline", positions, lengths)


def _clip(clips: Clips, timing: Timing, seed: int) -> Streams:
    recorded = _delivered(clips, timing)
    held = np.maximum(recorded.lengths, timing.frames)
    return _alone("clip", Made(held, lambda i: hold(recorded[i], timing.frames)), recorded.lengths)


def _delivered(clips: Clips, timing: Timing) -> Made:
    """Each clip as a camera would give it to the network."""
    rate = timing.rate or clips.rate
    one = {n: n if rate == clips.rate else rate_count(n, clips.rate, rate) for n in set(clips.lengths.tolist())}
    lengths = np.array([one[n] for n in clips.lengths.tolist()], dtype=np.int64)
    return Made(lengths, lambda i: at_rate(clips[i], clips.rate, rate, clips.skeleton.bodies))


def _alone(protocol: str, positions: Made, ends: np.ndarray) -> Streams:
    """Each clip in a stream of its own, whose beginning is known: all class spikes count."""
    every = np.arange(len(positions))
    return Streams(protocol, positions, every, every, np.zeros_like(every), ends, positions.lengths, None)


def _continuous(clips: Clips, timing: Timing, seed: int) -> Streams:
    order = np.random.default_rng(seed).permutation(len(clips))
    stream = joined(_delivered(clips.subset(order), timing))
    ends = stream.ends
    first = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    return Streams("continuous", (stream,), order, np.zeros_like(order), first, ends, ends, timing.window)


def hold(positions: np.ndarray, frames: int) -> np.ndarray:
    """The clip, its last pose repeated until there are `frames` frames."""
    missing = max(0, frames - len(positions))
    return np.concatenate([positions, np.repeat(positions[-1:], missing, axis=0)])
