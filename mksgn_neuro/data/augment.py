"""Random variations of training clips, a whole batch at a time: crop, tempo, view, body size, noise.

`augment` makes whole clips of one length, which teachers see; `sequences` what a camera delivers.
Test clips never come here; `protocols` says what they become.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from mksgn_neuro.data.frames import present, sample
from mksgn_neuro.data.joints import mirror_order
from mksgn_neuro.data.skeleton import Skeleton


@dataclass(frozen=True)
class Augmentation:
    """Ranges; each clip draws its own values, uniformly (noise: normal).

    `crop`: smallest share of the clip that is kept. `turn`, `tilt`: degrees about the vertical and the two level axes.
    `scale`: per axis, 1 ± scale. `shear`: off-diagonal entries, ± shear. `noise`: metres, per joint and frame.
    `mirror`: chance of exchanging left and right; 0 wherever they are different classes.

    In sequences a clip plays at 1 / `tempo` to `tempo` times its speed, with chance `stretched` at that which brings it
    to `hold_until` frames; a shorter one's last pose is held with chance `hold`, until at most as many were seen.
    """

    crop: float = 0.5
    turn: float = 40.0
    tilt: float = 8.0
    scale: float = 0.15
    shear: float = 0.0
    noise: float = 0.005
    mirror: float = 0.0
    tempo: float = 1.4
    stretched: float = 0.15
    hold: float = 0.5
    hold_until: int = 40


NO_VARIATION = Augmentation(
    crop=1, turn=0, tilt=0, scale=0, shear=0, noise=0, mirror=0, tempo=1, stretched=0, hold=0
)  # clips back to back as they were recorded


def augment(
    flat: torch.Tensor,
    starts: torch.Tensor,
    lengths: torch.Tensor,
    frames: int,
    skeleton: Skeleton,
    settings: Augmentation,
    generator: torch.Generator,
) -> torch.Tensor:
    """Training clips `flat[starts[b] : starts[b] + lengths[b]]` (ΣT, V, 3) -> (B, frames, V, 3) float32, metres.

    A crop is stretched to `frames`, so that tempo varies too. A padded batch (B, Tmax, V, 3) is the same thing:
    pass `padded.flatten(0, 1)` and `torch.arange(B) * Tmax`. Draws come from `generator` only, on `flat`'s device.
    """
    x = sample(flat, starts, _crop_times(lengths, frames, settings, generator), lengths - 1, skeleton.bodies)
    here = present(x, skeleton.bodies)
    centre = x[:, :1, skeleton.centre_joint : skeleton.centre_joint + 1].nan_to_num(0.0)  # where that is absent
    x = (x - centre) @ linear_maps(len(starts), skeleton.up_axis, settings, generator).transpose(1, 2)[:, None]
    if settings.mirror:
        chosen = torch.rand((len(x), 1, 1, 1), generator=generator, device=generator.device) < settings.mirror
        x = torch.where(chosen, mirrored(x, skeleton), x)
    if settings.noise:
        x = x + settings.noise * torch.randn(x.shape, generator=generator, device=x.device)
    x = x + centre
    return x if here is None else x * here


def _uniform(shape: tuple[int, ...], limit: float, generator: torch.Generator) -> torch.Tensor:
    return (torch.rand(shape, generator=generator, device=generator.device) * 2 - 1) * limit


def _crop_times(lengths: torch.Tensor, frames: int, settings: Augmentation, g: torch.Generator) -> torch.Tensor:
    """(B, frames) float64: evenly over a random window of each clip."""
    span = (lengths - 1).to(torch.float64)[:, None]
    draws = torch.rand((2, len(lengths), 1), generator=g, device=g.device, dtype=torch.float64)
    kept = span * (settings.crop + (1 - settings.crop) * draws[0])
    steps = torch.arange(frames, dtype=torch.float64, device=lengths.device) / max(frames - 1, 1)
    return (draws[1] * (span - kept) + kept * steps).clamp(max=span)


def linear_maps(batch: int, up: int, settings: Augmentation, g: torch.Generator) -> torch.Tensor:
    """(B, 3, 3): scale and shear, then tilt, then turn about the vertical axis."""
    identity = torch.eye(3, device=g.device)
    stretch = identity * (1 + _uniform((batch, 1, 3), settings.scale, g))
    stretch = stretch + (1 - identity) * _uniform((batch, 3, 3), settings.shear, g)
    level = [axis for axis in range(3) if axis != up]
    tilts = [rotation(axis, _uniform((batch,), math.radians(settings.tilt), g)) for axis in level]
    turn = rotation(up, _uniform((batch,), math.radians(settings.turn), g))
    return turn @ tilts[0] @ tilts[1] @ stretch


def rotation(axis: int, angle: torch.Tensor) -> torch.Tensor:
    """(B, 3, 3) rotations about one coordinate axis."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = torch.zeros((len(angle), 3, 3), device=angle.device)
    matrix[:, axis, axis] = 1
    matrix[:, i, i] = matrix[:, j, j] = angle.cos()
    matrix[:, i, j], matrix[:, j, i] = -angle.sin(), angle.sin()
    return matrix


def mirrored(x: torch.Tensor, skeleton: Skeleton) -> torch.Tensor:
    """Positions (..., V, 3) reflected left to right about 0. The side axis is the first level one."""
    side = 0 if skeleton.up_axis != 0 else 1
    reflected = x[..., mirror_order(skeleton.joint_names), :].clone()
    reflected[..., side] *= -1
    return reflected
