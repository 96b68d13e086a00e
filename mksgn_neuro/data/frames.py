"""From joint positions to the network's graded input: causal normalisation, four modalities, signed integers.

All arithmetic is float32, one rounding per operation, so that numpy, torch on CPU and torch on CUDA agree to the bit.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.errors import BadInput

MODALITIES = ("joint", "bone", "joint motion", "bone motion")


@dataclass(frozen=True)
class Scaling:
    """How metres become integers: value = clip(round(counts_per_metre · metres)) in signed `bits`.

    `counts_per_metre` has one factor per entry of `modalities`; positions are relative to `centre_joint` as it stands
    in the first frame.
    """

    counts_per_metre: tuple[float, ...]
    centre_joint: int
    modalities: tuple[str, ...] = MODALITIES
    bits: int = 8

    def __post_init__(self) -> None:
        unknown = set(self.modalities) - set(MODALITIES)
        if unknown:
            raise BadInput(f"unknown modality {sorted(unknown)[0]!r}", remedy=f"choose from {', '.join(MODALITIES)}")
        if len(self.counts_per_metre) != len(self.modalities):
            raise BadInput(f"{len(self.counts_per_metre)} factors for {len(self.modalities)} modalities")
        if not 2 <= self.bits <= 16:
            raise BadInput(f"input of {self.bits} bits", remedy="choose 2 to 16")

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest integer."""
        return -(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1


def encode(positions: np.ndarray, scaling: Scaling, skeleton: Skeleton) -> np.ndarray:
    """Positions (T, V, 3) metres -> integers (T, M, V, 3) int32, M modalities; frame t depends on no later frame."""
    batch = torch.from_numpy(np.array(positions, dtype=np.float32))[None]
    return encode_batch(batch, scaling, skeleton)[0].to(torch.int32).numpy()


def encode_batch(positions: torch.Tensor, scaling: Scaling, skeleton: Skeleton) -> torch.Tensor:
    """Positions (B, T, V, 3) float32 -> (B, T, M, V, 3) float32 holding exact integers, on the same device."""
    here = present(positions, skeleton.bodies)
    centre = positions[:, :1, scaling.centre_joint : scaling.centre_joint + 1]
    return _quantize(_modalities(positions, here, centre, skeleton, scaling.modalities), scaling)


class FrameEncoder:
    """`encode` for frames as a camera delivers them: feed (V, 3) metres, get (M, V, 3) int32."""

    def __init__(self, scaling: Scaling, skeleton: Skeleton) -> None:
        self._scaling, self._skeleton = scaling, skeleton
        self._centre: torch.Tensor | None = None
        self._previous: torch.Tensor | None = None

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The next frame of the clip; the first one sets the origin."""
        now = torch.from_numpy(np.array(frame, dtype=np.float32))[None, None]
        if self._centre is None:
            self._centre = now[:, :, self._scaling.centre_joint : self._scaling.centre_joint + 1]
            self._previous = now
        two = torch.cat([self._previous, now], dim=1)
        here = present(two, self._skeleton.bodies)
        values = _modalities(two, here, self._centre, self._skeleton, self._scaling.modalities)
        self._previous = now
        return _quantize(values, self._scaling)[0, 1].to(torch.int32).numpy()


def _modalities(
    x: torch.Tensor, here: torch.Tensor | None, centre: torch.Tensor, skeleton: Skeleton, names: tuple[str, ...]
) -> torch.Tensor:
    """Metres (B, T, M, V, 3); what belongs to an absent body is 0."""
    parents = [v if p < 0 else p for v, p in enumerate(skeleton.parents)]
    joint = x - centre
    if here is not None:
        joint = joint * here
    bone = x - x[:, :, parents]
    values = {"joint": joint, "bone": bone}
    for name in ("joint", "bone"):
        motion = torch.zeros_like(x)
        motion[:, 1:] = values[name][:, 1:] - values[name][:, :-1]
        if here is not None:
            motion[:, 1:] *= here[:, 1:] * here[:, :-1]
        values[f"{name} motion"] = motion
    return torch.stack([values[name] for name in names], dim=2)


def _quantize(values: torch.Tensor, scaling: Scaling) -> torch.Tensor:
    factors = torch.tensor(scaling.counts_per_metre, dtype=torch.float32, device=values.device)
    return (values * factors[:, None, None]).round_().clamp_(*scaling.limits)


def present(positions: torch.Tensor, bodies: int) -> torch.Tensor | None:
    """(B, T, V, 1) float32: 1 where the joint's body is in the frame; None for one body, which always is."""
    if bodies == 1:
        return None
    b, t, v, _ = positions.shape
    here = (positions.reshape(b, t, bodies, -1) != 0).any(dim=3)
    return here.repeat_interleave(v // bodies, dim=2)[..., None].to(positions.dtype)


def sample(
    flat: torch.Tensor, starts: torch.Tensor, times: torch.Tensor, last: torch.Tensor, bodies: int = 1
) -> torch.Tensor:
    """Positions at fractional frames: `flat` (ΣT, V, 3), `starts` (B,), `times` (B, N) float64, `last` (B,) frame.

    Returns (B, N, V, 3) float32, linear between frames; between a frame with a body and one without, the nearer one.
    """
    before = times.floor().to(torch.int64)
    after = torch.minimum(before + 1, last[:, None])
    share = (times - before).to(torch.float32)[:, :, None, None]
    x0 = flat[(starts[:, None] + before)]
    x1 = flat[(starts[:, None] + after)]
    if bodies > 1:
        both = present(x0, bodies) * present(x1, bodies)
        share = torch.where(both > 0, share, (share > 0.5).to(share.dtype))
    return x0 + share * (x1 - x0)


def even_times(lengths: torch.Tensor, frames: int) -> torch.Tensor:
    """(B, frames) float64: evenly from the first to the last frame of clips with `lengths` (B,)."""
    steps = torch.arange(frames, dtype=torch.float64, device=lengths.device)
    return steps * (lengths[:, None] - 1).to(torch.float64) / max(frames - 1, 1)


def resample_batch(
    flat: torch.Tensor, starts: torch.Tensor, lengths: torch.Tensor, frames: int, bodies: int = 1
) -> torch.Tensor:
    """Whole clips of `flat` (ΣT, V, 3), brought to `frames` frames: (B, frames, V, 3) float32."""
    return sample(flat, starts, even_times(lengths, frames), lengths - 1, bodies)


def resample(positions: np.ndarray, frames: int, bodies: int = 1) -> np.ndarray:
    """One clip (T, V, 3) brought to (frames, V, 3) float32 by linear interpolation."""
    flat = torch.from_numpy(np.array(positions, dtype=np.float32))
    length = torch.tensor([len(flat)])
    return resample_batch(flat, torch.zeros(1, dtype=torch.int64), length, frames, bodies)[0].numpy()


def as_tensors(clips: Clips, device: str = "cpu") -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(flat positions (ΣT, V, 3) float32, starts (N,), lengths (N,)) for `resample_batch` and `augment`.

    On the CPU the positions are the clips' own: do not write to them. A memmap is not read here.
    """
    with warnings.catch_warnings():  # torch has no read-only tensors
        warnings.simplefilter("ignore", UserWarning)
        flat = torch.from_numpy(np.asarray(clips.positions))
    return tuple(tensor.to(device) for tensor in (flat, torch.tensor(clips.starts), torch.tensor(clips.lengths)))


def fit_scaling(
    clips: Clips,
    frames: int,
    *,
    bits: int = 8,
    modalities: tuple[str, ...] = MODALITIES,
    percentile: float = 99.5,
    at_most: int = 2000,
) -> Scaling:
    """Factors that put `percentile` of the training values' magnitudes inside the signed range.

    Looks at training clips only, brought to `frames` frames; at `at_most` of them, evenly spaced.
    """
    index = np.flatnonzero(clips.train)
    if len(index) == 0:
        raise BadInput("no training clips", place=clips.dataset, remedy="mark some clips as training")
    index = index[np.linspace(0, len(index) - 1, min(at_most, len(index))).astype(np.int64)]
    skeleton = clips.skeleton
    batch = torch.from_numpy(np.stack([resample(clips[i], frames, skeleton.bodies) for i in index]))
    centre = batch[:, :1, skeleton.centre_joint : skeleton.centre_joint + 1]
    metres = _modalities(batch, present(batch, skeleton.bodies), centre, skeleton, modalities)
    factors = []
    for m in range(len(modalities)):
        values = np.abs(metres[:, :, m].numpy())
        largest = float(np.percentile(values[values > 0], percentile)) if (values > 0).any() else 1.0
        factors.append(float(np.float32((2 ** (bits - 1) - 1) / largest)))
    return Scaling(tuple(factors), skeleton.centre_joint, tuple(modalities), bits)
