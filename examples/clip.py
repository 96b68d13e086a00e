"""Somebody who stands up, as a camera would say it, one frame a line: python examples/clip.py [RATE] > clip.jsonl."""

import json
import sys
from collections.abc import Iterator

from mksgn_neuro.data.frames import at_rate
from mksgn_neuro.data.synthetic import generate


def lines(rate: float = 30.0) -> Iterator[str]:
    """The frames of a synthetic test clip at `rate` Hz: JSON with seconds and 20 joints in metres."""
    clips = generate()
    stands_up = clips.labels == clips.class_names.index("stand up")
    clip = clips[int((stands_up & ~clips.train).argmax())]
    for k, joints in enumerate(at_rate(clip, clips.rate, rate)):
        yield json.dumps({"t": round(k / rate, 6), "joints": joints.round(4).tolist()})


if __name__ == "__main__":
    print(*lines(*map(float, sys.argv[1:])), sep="\n")
