"""What the pictures show of one protocol's run: as many frames of every clip, each from rest, and where clips end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.mapped import rows_of
from mksgn_neuro.data.protocols import hold
from mksgn_neuro.data.recognition import decisions, evidence, frames_to_decision
from mksgn_neuro.errors import BadInput
from mksgn_neuro.workflows.inputs import encoded
from mksgn_neuro.workflows.recognise import Recognised

SHOWN = 60  # frames of clips of different lengths


@dataclass(frozen=True)
class Shown:
    """N simulated clips, each at most T frames of it; where `ends` is smaller, its last pose is held until then.

    `inputs` int32 (N, T, channels); `ends` int64 (N,) frames that each clip has, which may be more than T. At each
    clip's last frame: `scores` int64 (N, classes), `decided` (N,). `settled` (N,): the frame, from 1, from which on the
    clip is recognised until its end, 0 if it is not; `right` (N,) frames at which it is. `rate` Hz; None where clips
    were stretched.
    """

    clips: Clips
    protocol: str
    rate: float | None
    inputs: np.ndarray
    ends: np.ndarray
    scores: np.ndarray
    decided: np.ndarray
    settled: np.ndarray
    right: np.ndarray

    @property
    def frames(self) -> int:
        """T."""
        return self.inputs.shape[1]

    @property
    def median_settled(self) -> int | None:
        """Frames until half of the recognised clips are decided for good."""
        settled = np.sort(self.settled[self.settled > 0])
        return int(settled[(len(settled) - 1) // 2]) if len(settled) else None

    def seconds(self, frames: float) -> str:
        """A number of frames in seconds, in words; empty where clips were stretched."""
        return f"{frames / self.rate:.2f} s" if self.rate else ""


def shown_of(run: Recognised) -> Shown:
    """The simulated clips of a run, each in a stream of its own."""
    require_own_streams(run.given.protocol)
    given, samples, task = run.given, run.samples, run.simulation.network.task
    clips, ends = run.clips.subset(given.clip[:samples]), given.end[:samples]
    stretched = given.protocol == "offline"
    frames = int(ends.max()) if stretched else min(SHOWN, int(ends.max()))
    bits, skeleton = run.simulation.network.source.message_bits, clips.skeleton
    positions = (hold(x[:end], frames)[:frames] for x, end in zip(given.positions, ends))
    class_spikes = [rows_of(spikes, slice(None)) for spikes in run.simulation.class_spikes]
    scores = [evidence(s, given.window)[end - 1] for s, end in zip(class_spikes, ends)]
    decided = decisions(class_spikes, given)
    right = [found[:end] == label for found, end, label in zip(decided, ends, clips.labels)]
    return Shown(
        clips=clips,
        protocol=given.protocol,
        rate=None if stretched else run.rate,
        inputs=np.stack([encoded(task, bits, skeleton, x) for x in positions]),
        ends=ends,
        scores=np.stack(scores),
        decided=run.predictions(),
        settled=np.array([frames_to_decision(r) for r in right]),
        right=np.array([int(r.sum()) for r in right]),
    )


def require_own_streams(protocol: str) -> None:
    """Raise BadInput for a protocol that gives clips no stream of their own: it cannot be shown clip by clip."""
    if protocol == "continuous":
        hint = "simulate --protocol clip or all"
        raise BadInput("a report shows each clip from rest", location="protocol continuous", hint=hint)
