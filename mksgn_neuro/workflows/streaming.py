"""A network on frames as a camera delivers them: what it decides after each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.data.clips import is_number, require_rate
from mksgn_neuro.data.frames import FrameEncoder
from mksgn_neuro.data.resampling import Converted, RateConverter, StampedConverter
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Network, Task
from mksgn_neuro.ir.inputs import require_count
from mksgn_neuro.sim.stepwise import StepEmulator
from mksgn_neuro.workflows.cost import Cost, Pricing
from mksgn_neuro.workflows.inputs import scaling_of

NUMBERED = re.compile(r" \((\d{1,3})\)$")


@dataclass(frozen=True)
class Answer:
    """What is known after one frame of the camera: `scores` (classes,) int64 and the class decided.

    `frame`: the network's last frame since the clip began, from 0, and `frames`, how many the camera's frame completed:
    with 0 the answer is the one before. `gap`: seconds without a frame, where they made the network start anew.
    `costs`: what each of these frames cost, where that is counted.
    """

    frame: int
    frames: int
    scores: np.ndarray
    decision: int
    gap: float | None = None
    costs: tuple[Cost, ...] = ()


class Recogniser:
    """Holds a network's state between frames; feed positions (V, 3) metres, and where known when they were taken.

    `rate`: the camera's, in Hz, for frames without a time; None: the network's own. `window`: decide on the class
    spikes of so many of the network's frames; None: as many as the network was trained for. A network without a rate
    takes frames as they come. In bounded memory however long the stream is. `location` names the network in errors.
    With `counted` every answer says what its frames cost; it takes longer.
    """

    def __init__(
        self, network: Network, *, rate: float | None = None, window: int | None = None, location: str = "",
        counted: bool = False,
    ) -> None:  # fmt: skip
        task = network.task
        if task is None:
            raise BadInput("does not say what frames it takes", location=location, hint="give a model.pt")
        if rate is not None:
            require_rate(rate, "rate")
            if task.rate is None:
                hint = "leave the camera's rate out: frames are taken as they come"
                raise BadInput("has no frame rate", location=location, hint=hint)
        require_count(window, "window")
        self.task, self.rate = task, rate
        self.skeleton = skeleton_of(task)
        self._scaling = scaling_of(task, network.source.message_bits)
        frames = window or task.window
        self._pricing = Pricing(network) if counted else None
        record = "all" if counted else ()
        self._emulator = StepEmulator(network, record=record, window=frames and frames * task.steps_per_frame)
        self._silence = np.zeros(network.source.size, dtype=np.int32)
        self._emulator.step(self._silence)  # compiles what is not compiled yet
        self.new_clip()

    def new_clip(self) -> None:
        """Forget everything: the next frame is the first."""
        self._converter: RateConverter | StampedConverter | None = None
        self._rest()

    def _rest(self) -> None:
        self._encoder = FrameEncoder(self._scaling, self.skeleton)
        self._emulator.reset()
        self._last = None

    def __call__(self, positions: np.ndarray, seconds: float | None = None, location: str = "") -> Answer:
        """The answer after the next frame; raises BadInput, naming `location`, for a time that does not fit."""
        if np.shape(positions) not in {(self.skeleton.joints, n) for n in (self.skeleton.coordinates, 3)}:
            problem = f"a frame of shape {np.shape(positions)}, the network has {self.skeleton.joints} joints"
            raise BadInput(problem, location=location or "positions", hint="give x, y and z of every joint")
        _require_real(np.asarray(positions), location or "positions")
        if seconds is not None and not is_number(seconds):
            raise BadInput(f"taken at {seconds!r}", location=location or "seconds", hint="give seconds as a number")
        converted = self._at_own_rate(positions, seconds, location)
        if converted.gap is not None:
            self._rest()
        costs = tuple(self._step(self._encoder(frame).ravel()) for frame in converted.frames)
        return Answer(
            self._last.step // self.task.steps_per_frame,
            len(converted.frames),
            self._last.scores,
            self._last.decision,
            converted.gap,
            costs if self._pricing else (),
        )

    def _step(self, frame: np.ndarray) -> Cost | None:
        """One frame and the silent steps after it; what they cost, where that is counted."""
        cost = None
        for given in (frame, *[self._silence] * (self.task.steps_per_frame - 1)):
            self._last = self._emulator.step(given)
            if self._pricing:
                step = self._pricing(self._last.spikes, given)
                cost = step if cost is None else cost + step
        return cost

    def _at_own_rate(self, positions: np.ndarray, seconds: float | None, location: str) -> Converted:
        """The network's frames that one of the camera's completes; the first of a clip completes one."""
        own, bodies, stamped = self.task.rate, self.skeleton.bodies, seconds is not None
        if stamped and self.rate is not None:
            hint = "leave the rate out, or the time of every frame"
            raise BadInput("says when it was taken, although a rate was given", location=location, hint=hint)
        if self._converter is None:
            by_rate = RateConverter(self.rate or own, own, bodies)
            self._converter = StampedConverter(own, bodies) if stamped else by_rate
        if stamped != isinstance(self._converter, StampedConverter):
            which = ("says", "do not") if stamped else ("does not say", "do")
            problem = f"{which[0]} when it was taken, the frames before {which[1]}"
            raise BadInput(problem, location=location, hint="give every frame of a clip its time, or none")
        return self._converter(positions, seconds, location) if stamped else Converted(self._converter(positions))


def _require_real(positions: np.ndarray, location: str) -> None:
    """NaN is a joint that was not seen; infinity is no position."""
    hint = "give metres as real numbers, NaN for a joint that was not seen"
    if positions.dtype.kind not in "iuf":
        raise BadInput(f"positions are {positions.dtype}", location=location, hint=hint)
    if np.any(np.abs(positions) > np.finfo(np.float32).max):
        raise BadInput("a coordinate is infinite as a 32-bit float", location=location, hint=hint)


def skeleton_of(task: Task) -> Skeleton:
    """The joints as the network takes them, one tree per body; nothing here asks which axis is vertical."""
    bodies = task.bodies or _bodies_by_name(task.joint_names)
    return Skeleton(task.joint_names, task.parents, task.centre_joint, bodies=bodies, coordinates=task.coordinates)


def _bodies_by_name(joint_names: tuple[str, ...]) -> int:
    """Of a task that does not say it: the number that `Skeleton.repeated` put after each name; a root is no body."""
    numbered = NUMBERED.search(joint_names[-1]) if joint_names else None
    bodies = int(numbered[1]) if numbered else 1
    return bodies if bodies and len(joint_names) % bodies == 0 else 1
