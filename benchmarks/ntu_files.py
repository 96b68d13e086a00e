"""Generated `.skeleton` files of NTU's real size: about 75 frames of one or two upright bodies, 206 kB of text each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

FRAMES, JOINTS = (55, 96), 25  # about 75 frames
TOGETHER = {60: range(50, 61), 120: (*range(50, 61), *range(106, 121))}  # actions of two people
SUBJECTS, SETUPS, CAMERAS = {60: 40, 120: 106}, {60: 17, 120: 32}, 3


def body(rng: np.random.Generator, frames: int, beside: float) -> np.ndarray:
    """A person who stands and moves the joints, (frames, 25, 3) metres as a Kinect sees it."""
    v = np.arange(JOINTS)
    pose = np.stack([beside + 0.25 * np.sin(v), np.linspace(-0.9, 0.8, JOINTS), 3 + 0.1 * np.cos(v)], axis=1)
    phase, swing = rng.uniform(0, 6.3, (JOINTS, 3)), rng.uniform(0, 0.12, (JOINTS, 3))
    t = np.arange(frames)[:, None, None]
    return pose + swing * np.sin(0.2 * t + phase) + rng.normal(0, 0.002, (frames, JOINTS, 3))


def frame_lines(xyz: np.ndarray, rest: np.ndarray, number: int) -> list[str]:
    """One body of one frame: its line, the number of joints, and 25 lines of 12 fields."""
    joints = [
        " ".join(f"{a:.7g}" for a in place) + " " + " ".join(f"{a:.4g}" for a in other) + " 2"
        for place, other in zip(xyz, rest)
    ]
    return [f"{72057594037937000 + number} 0 1 1 1 1 0 {rest[0, 0]:.7g} {rest[0, 1]:.7g} 2", "25", *joints]


def frame_text(rng: np.random.Generator, bodies: list[np.ndarray]) -> str:
    """One frame, of the bodies (25, 3) that are in it."""
    lines = [str(len(bodies))]
    for number, xyz in enumerate(bodies):
        rest = rng.normal(0, 1, (JOINTS, 8)) * np.array([250, 200, 900, 500, 1, 1, 1, 1])
        lines += frame_lines(xyz, rest, number)
    return "\r\n".join(lines)


def name_of(i: int, classes: int) -> str:
    """The i-th clip's; no two are equal. Actions change fastest, then subjects, cameras, setups."""
    action, rest = i % classes, i // classes
    subject = (rest * 7 + action) % SUBJECTS[classes]
    camera, more = rest % CAMERAS, rest // CAMERAS
    setup, repetition = more % SETUPS[classes], more // SETUPS[classes]
    return f"S{1 + setup:03d}C{1 + camera:03d}P{1 + subject:03d}R{1 + repetition:03d}A{1 + action:03d}"


def write_clips(folder: Path, first: int, last: int, classes: int) -> int:
    """Clips `first` to `last` − 1; bytes written. Their later frames come from a few dozen motions: text is slow."""
    rng = np.random.default_rng(0)
    pool = {1: [], 2: []}
    for bodies in (1, 2):
        for frames in rng.integers(*FRAMES, 16):
            people = [body(rng, int(frames), float(b)) for b in range(bodies)]
            pool[bodies].append((people, [frame_text(rng, [p[t] for p in people]) for t in range(1, frames)]))
    size = 0
    for i in range(first, last):
        own, name = np.random.default_rng((1, i)), name_of(i, classes)
        people, later = pool[2 if int(name[-3:]) in TOGETHER[classes] else 1][own.integers(16)]
        start = frame_text(own, [p[0] + own.normal(0, 0.002, (JOINTS, 3)) for p in people])
        text = "\r\n".join([str(len(later) + 1), start, *later]) + "\r\n"
        size += (folder / f"{name}.skeleton").write_bytes(text.encode())
    return size
