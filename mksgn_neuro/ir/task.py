"""What a network is for: the clips that it takes and the classes that it tells apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """What the host must know to feed the network and to read it.

    `rate`: frames per second that it takes, None where it was trained on clips stretched to `frames` only. `window`:
    the class spikes of so many frames decide, None: all since the clip began. `origin`: see `data.frames.Scaling`.
    `coordinates`: 3, or 2 of a picture. `bodies`: equal trees of joints one after the other, None in a file that was
    written before this was kept.
    """

    class_names: tuple[str, ...]
    joint_names: tuple[str, ...]
    parents: tuple[int, ...]
    frames: int
    modalities: tuple[str, ...]
    counts_per_metre: tuple[float, ...]
    centre_joint: int
    steps_per_frame: int = 1
    dataset: str = ""
    model_hash: str = ""
    origin: str = "first frame"
    rate: float | None = None
    window: int | None = None
    coordinates: int = 3
    bodies: int | None = None
