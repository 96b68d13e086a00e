"""A network on recordings that nobody has labelled: what it recognises in each, and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mksgn_neuro.data import formats, inspection, registry
from mksgn_neuro.data.bodies import body_named
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import at_rate, resample
from mksgn_neuro.data.gaps import HOLD, filled
from mksgn_neuro.data.recordings import Recording, Wanted, for_joints, in_metres
from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Network
from mksgn_neuro.names import NONE
from mksgn_neuro.workflows.inputs import encoded
from mksgn_neuro.workflows.simulate import Simulation, simulate
from mksgn_neuro.workflows.streaming import skeleton_of

LEAST_EVIDENCE = 1  # class spikes: without any, nothing was recognised


@dataclass(frozen=True)
class Settings:
    """What the user says of the recordings, and how a decision is made and priced.

    `evidence`: class spikes below which the answer is `none`; `hold`: seconds for which a lost joint stays in place.
    """

    wanted: Wanted = field(default_factory=Wanted)
    evidence: int = LEAST_EVIDENCE
    hold: float = HOLD
    energy_profile: str = "paper"


@dataclass(frozen=True)
class Recognition:
    """One recording's run: `recording` with the network's joints, `scores` (classes,) int64 spikes of each class.

    `held` and `absent`: shares of its joints, over all frames, that were lost for a short and for a longer while.
    """

    recording: Recording
    simulation: Simulation
    scores: np.ndarray
    held: float
    absent: float
    settings: Settings

    def as_json(self) -> dict:
        """What `recognise --json` prints of one clip."""
        run, clip, names = self.simulation, self.recording, self.simulation.network.task.class_names
        best = int(self.scores.argmax())
        spikes = {p.name: p.spikes for p in run.measurement.populations}
        return {
            "clip": clip.name,
            "format": clip.format,
            "decision": names[best] if self.scores[best] >= self.settings.evidence else NONE,
            "scores": dict(zip(names, self.scores.tolist())),
            "recorded_frames": len(clip.positions),
            "rate": clip.rate,
            "frames": run.frames,
            "spikes": sum(spikes.values()),
            "spikes_of_populations": spikes,
            "joules": run.energy(self.settings.energy_profile, 1).joules_per_sample,
            "joints_held": self.held,
            "joints_absent": self.absent,
            "notes": list(clip.notes),
        }


def recordings_of(path: Path) -> tuple[list[Recording], list[str]]:
    """The clips of a file or folder, be it a recording or a data set, and what was left out. Raises BadInput."""
    file_format = inspection.recognise(path)
    if path.is_file() and file_format in ("nw-ucla", "npz"):
        clips = registry.load(file_format, path, skip_bad=True)
        return [of_clip(clips, i) for i in range(len(clips))], list(clips.skipped)
    if path.is_file() and file_format in ("ntu-text", "ntu-ctr-gcn"):
        hint = "give single .skeleton files, or a folder of them"
        raise BadInput(f"is a whole data set ({inspection.FORMATS[file_format]})", location=str(path), hint=hint)
    return formats.recordings(path)


def of_clip(clips: Clips, i: int) -> Recording:
    """Clip i of a data set, in its own joints, metres and axes."""
    skeleton = clips.skeleton
    per_body = skeleton.joints // skeleton.bodies
    names = tuple(name.removesuffix(" (1)") for name in skeleton.joint_names[:per_body])
    bodies = clips[i].reshape(clips.lengths[i], skeleton.bodies, per_body, 3)
    second = bodies[:, 1] if skeleton.bodies > 1 else None
    rest = {"unit": "m", "signs": (1, 1, 1), "rate": clips.rate, "notes": clips.assumed, "second": second, "held": True}
    first = bodies[:, 0, :, : skeleton.coordinates]
    return Recording(clips.names[i], clips.dataset, first, names, body_named(names), **rest)


def prepared(network: Network, recording: Recording, wanted: Wanted) -> Recording:
    """The recording with the network's joints, in metres; raises BadInput where it cannot be."""
    skeleton = skeleton_of(network.task)
    return for_joints(in_metres(recording, wanted, skeleton.coordinates), skeleton.joint_names, skeleton.bodies)


def recognise_recording(network: Network, recording: Recording, settings: Settings) -> Recognition:
    """Simulate one recording from rest, frame by frame at the network's rate; all class spikes until its end decide."""
    ready, task, bodies = prepared(network, recording, settings.wanted), network.task, skeleton_of(network.task).bodies
    positions, held, absent = filled(ready.positions, ready.rate, 0.0 if recording.held else settings.hold)
    if task.rate is None:
        frames = resample(positions, task.frames, bodies)
    else:
        frames = at_rate(positions, ready.rate, task.rate, bodies)
    inputs = encoded(task, network.source.message_bits, skeleton_of(task), frames)
    run = simulate(network, [inputs])
    shares = (float(mask.mean()) for mask in (held, absent))
    return Recognition(ready, run, run.class_spikes[0].sum(axis=0, dtype=np.int64), *shares, settings)


def recognise_all(
    network: Network, recordings: list[Recording], settings: Settings, progress: Callable[[int, int], None]
) -> tuple[list[Recognition], list[str]]:  # fmt: skip
    """Every recording that can be recognised, and why the others cannot; raises BadInput where none can."""
    found, refused, first = [], [], None
    for done, recording in enumerate(recordings, 1):
        try:
            found.append(recognise_recording(network, recording, settings))
        except BadInput as error:
            first = first or error
            refused.append(str(error))
        progress(done, len(recordings))
    if first is not None and not found:
        raise first
    return found, refused


def require_task(network: Network, path: Path) -> Network:
    """The network, if its file says what frames it takes."""
    if network.task is None:
        raise BadInput("does not say what clips it takes", location=str(path), hint="give a model.pt")
    return network


def renamed(recording: Recording, file: Path, several: bool) -> Recording:
    """Called by its file where a file has one clip, else by file and clip."""
    return replace(recording, name=f"{file}: {recording.name}" if several else str(file))
