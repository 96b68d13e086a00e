"""Training sequences: clips back to back at their own tempo, as a camera delivers them, varied at random.

A row starts from rest. Its clips follow each other without a pause or after the last pose was held for a while; what
the last of them leaves no room for is cut off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mksgn_neuro.data.augment import Augmentation, linear_maps, mirrored
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import present, sample


@dataclass(frozen=True)
class Plan:
    """Which frame of which clip lies where, (R, L) int64 each but `time`.

    `clip`: its index; `time` (R, L) float64: the recorded frame, fractional; `segment`: how many clips came before in
    the row; `since`: frames since its clip began; `length`: frames that its clip plays (more where its end is held).
    """

    clip: np.ndarray
    time: np.ndarray
    segment: np.ndarray
    since: np.ndarray
    length: np.ndarray

    def rows(self, chosen: slice) -> Plan:
        """Some of the rows."""
        return Plan(*(getattr(self, name)[chosen] for name in ("clip", "time", "segment", "since", "length")))


def rows_per_epoch(clips: Clips, rate: float, frames: int) -> int:
    """Rows of `frames` frames that hold about as many frames as the clips have at `rate` Hz."""
    return max(1, round(float(clips.lengths.sum()) * rate / clips.rate / frames))


def draw_plan(clips: Clips, rate: float, rows: int, frames: int, settings: Augmentation, g: torch.Generator) -> Plan:
    """`rows` sequences of `frames` frames at `rate` Hz; every clip is drawn once before one is drawn again."""
    rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=g, device=g.device)))
    shape = (rows, frames)
    plan = Plan(np.zeros(shape, np.int64), np.zeros(shape), *(np.zeros(shape, np.int64) for _ in range(3)))
    deck: list[int] = []
    for row in range(rows):
        at = segment = 0
        while at < frames:
            deck = deck or rng.permutation(len(clips)).tolist()
            clip = deck.pop()
            time, length = _play(int(clips.lengths[clip]), clips.rate / rate, settings, rng)
            here = slice(at, min(at + len(time), frames))
            shown = here.stop - at
            plan.clip[row, here], plan.segment[row, here], plan.length[row, here] = clip, segment, length
            plan.time[row, here], plan.since[row, here] = time[:shown], np.arange(shown)
            at, segment = here.stop, segment + 1
    return plan


def _play(recorded: int, step: float, settings: Augmentation, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Recorded frames to show of one clip, its end held at times; and how many they are without that."""
    span = (recorded - 1) * rng.uniform(settings.crop, 1)
    start = rng.uniform(0, recorded - 1 - span)
    if rng.random() < settings.stretched and span > 0:
        step = span / (settings.hold_until - 1)
    else:
        step *= math.exp(rng.uniform(-1, 1) * math.log(settings.tempo))
    length = int(span / step + 1e-9) + 1
    held = 0
    if rng.random() < settings.hold and length < settings.hold_until:
        held = int(rng.integers(settings.hold_until - length + 1))
    time = start + step * np.minimum(np.arange(length + held), length - 1)
    return time.clip(0, recorded - 1), length


def play(
    flat: Tensor, starts: Tensor, lengths: Tensor, plan: Plan, clips: Clips, settings: Augmentation, g: torch.Generator
) -> Tensor:  # fmt: skip
    """Positions (R, L, V, 3) float32 of a plan; every clip in a row is seen from a side of its own."""
    skeleton, device = clips.skeleton, flat.device
    rows, frames = plan.clip.shape
    clip = torch.from_numpy(plan.clip).to(device).flatten()
    time = torch.from_numpy(plan.time).to(device).reshape(-1, 1)
    x = sample(flat, starts[clip], time, lengths[clip] - 1, skeleton.bodies).view(rows, frames, -1, 3)
    here = present(x, skeleton.bodies)
    index = torch.arange(frames, device=device) - torch.from_numpy(plan.since).to(device)
    row = torch.arange(rows, device=device)[:, None]
    centre = x[row, index][:, :, skeleton.centre_joint : skeleton.centre_joint + 1].nan_to_num(0.0)
    segment = torch.from_numpy(plan.segment).to(device)
    most = int(plan.segment.max()) + 1
    maps = linear_maps(rows * most, skeleton.up_axis, settings, g).view(rows, most, 3, 3)[row, segment]
    x = (x - centre) @ maps.transpose(2, 3)
    if settings.mirror:
        chosen = torch.rand((rows, most), generator=g, device=g.device) < settings.mirror
        x = torch.where(chosen[row, segment][..., None, None], mirrored(x, skeleton), x)
    if settings.noise:
        held = torch.from_numpy(np.minimum(plan.since, plan.length - 1)).to(device)  # a held pose holds its noise
        x = x + settings.noise * torch.randn(x.shape, generator=g, device=device)[row, index + held]
    x = x + centre
    return x if here is None else x * here
