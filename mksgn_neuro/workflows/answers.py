"""What is answered to each line of a stream of frames, from wherever the lines come."""

from __future__ import annotations

import time
from dataclasses import dataclass

from mksgn_neuro.data.clips import require_rate
from mksgn_neuro.data.gaps import HOLD
from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir import Network
from mksgn_neuro.names import NONE
from mksgn_neuro.workflows.frame_lines import Frame, FrameLines
from mksgn_neuro.workflows.streaming import Answer, Recogniser

MANY_GAPS = 3  # frames one after the other, each of which came too late to go on
NO_SECONDS = "each frame comes so late that it begins a new clip: are its times in seconds?"


@dataclass(frozen=True)
class Options:
    """What the user says of a stream: see `mksgn-neuro stream --help`."""

    rate: float | None = None
    window: int | None = None
    line_format: str = "joints"
    evidence: int = 0
    hold: float = HOLD
    strict: bool = False
    aspect: float | None = None


@dataclass(frozen=True)
class Answered:
    """`document`: what is said of one line; `frame` and `answer` behind it, None where the line cannot be read."""

    document: dict
    frame: Frame | None = None
    answer: Answer | None = None


class Session:
    """One network on one stream of lines. `location` names the network in errors, `counted` as for `Recogniser`."""

    def __init__(self, network: Network, options: Options, location: str = "", *, counted: bool = False) -> None:
        if options.rate is not None:
            require_rate(options.rate, "--rate")
        self.network, self.options = network, options
        self._recogniser = Recogniser(
            network, rate=options.rate, window=options.window, location=location, counted=counted
        )
        self.task, self.skeleton = self._recogniser.task, self._recogniser.skeleton
        rate = options.rate or self.task.rate
        reading = {"line_format": options.line_format, "hold": options.hold, "strict": options.strict}
        self._lines = FrameLines(self.skeleton, **reading, rate=rate, aspect=options.aspect)
        self._gaps = 0

    def new_clip(self) -> None:
        """The next line is the first of a clip."""
        self._gaps = 0
        self._recogniser.new_clip()
        self._lines.new_clip()

    def __call__(self, line: str, location: str, number: int) -> Answered | None:
        """The answer to line `number`; None for an empty one, which begins a new clip.

        Raises BadInput, naming `location`, for a line that cannot be read where that is `strict`.
        """
        line = line.lstrip("\ufeff")
        if not line.strip():
            self.new_clip()
            return None
        started = time.perf_counter()
        try:
            frame = self._lines(line, location)
            answer = self._recogniser(frame.positions, frame.seconds, location)
            answered = Answered(self._document(frame, answer), frame, answer)
        except BadInput as error:
            if self.options.strict:
                raise
            answered = Answered({"error": str(error), "line": number})
        answered.document["latency_ms"] = round(1e3 * (time.perf_counter() - started), 3)
        return answered

    def _document(self, frame: Frame, answer: Answer) -> dict:
        """The answer to one frame as it is printed."""
        names = self.task.class_names
        enough = answer.scores[answer.decision] >= self.options.evidence
        document = {
            "frame": answer.frame,
            "frames": answer.frames,
            "scores": dict(zip(names, answer.scores.tolist())),
            "decision": names[answer.decision] if enough else NONE,
        }
        self._gaps = 0 if answer.gap is None else self._gaps + 1
        if answer.gap is not None:
            document["gap"] = round(answer.gap, 3)
        if frame.bodies is not None:
            document["bodies"] = list(frame.bodies)
        doubts = (frame.doubt, NO_SECONDS if self._gaps >= MANY_GAPS else "")
        if any(doubts):
            document["note"] = "; ".join(filter(None, doubts))
        lost = (("held", frame.held), ("absent", frame.absent))
        return document | {name: list(joints) for name, joints in lost if joints}
