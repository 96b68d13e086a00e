"""From joint positions to the network's graded input: causal normalisation, four modalities, signed integers.

All arithmetic is float32, one rounding per operation, so that numpy, torch on CPU and torch on CUDA agree to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.either import Either, cast, library, like, repeated
from mksgn_neuro.data.skeleton import Skeleton
from mksgn_neuro.errors import BadInput
from mksgn_neuro.evenly import evenly

if TYPE_CHECKING:
    import torch

MODALITIES = ("joint", "bone", "joint motion", "bone motion")
ORIGINS = ("frame", "first frame")
BESIDE = 1e-6  # of a recorded frame; a float64 is as exact as that for 10^9 frames


@dataclass(frozen=True)
class Scaling:
    """How metres become integers: value = clip(round(counts_per_metre · metres)) in signed `bits`.

    `counts_per_metre` has one factor per entry of `modalities`. Positions are relative to `centre_joint`: with `origin`
    "frame" as it stands in the same frame, so that no input has a beginning; with "first frame" (models of version 2)
    as it stood in the clip's first one.
    """

    counts_per_metre: tuple[float, ...]
    centre_joint: int
    modalities: tuple[str, ...] = MODALITIES
    bits: int = 8
    origin: str = "frame"

    def __post_init__(self) -> None:
        if self.origin not in ORIGINS:
            raise BadInput(f"unknown origin {self.origin!r}", hint=f"choose from {', '.join(ORIGINS)}")
        unknown = set(self.modalities) - set(MODALITIES)
        if unknown:
            raise BadInput(f"unknown modality {sorted(unknown)[0]!r}", hint=f"choose from {', '.join(MODALITIES)}")
        if len(self.counts_per_metre) != len(self.modalities):
            raise BadInput(f"{len(self.counts_per_metre)} factors for {len(self.modalities)} modalities")
        if not 2 <= self.bits <= 16:
            raise BadInput(f"input of {self.bits} bits", hint="choose 2 to 16")

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest integer."""
        return -(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1


def encode(positions: np.ndarray, scaling: Scaling, skeleton: Skeleton) -> np.ndarray:
    """Positions (T, V, 3) metres -> integers (T, M, V, C) int32, M modalities; frame t depends on no later frame.

    C is the skeleton's number of coordinates, 3 or 2.
    """
    batch = np.array(positions, dtype=np.float32)[None]
    return encode_batch(batch, scaling, skeleton)[0].astype(np.int32)


def encode_batch(positions: Either, scaling: Scaling, skeleton: Skeleton) -> Either:
    """Positions (B, T, V, 3) float32 -> (B, T, M, V, C) float32 holding exact integers; an array or a tensor as given.

    A joint whose position is NaN is absent: whatever would rest on it is 0, as if it had not been measured.
    """
    positions = positions[..., : skeleton.coordinates]
    here = present(positions, skeleton.bodies)
    centre = _centre(positions, scaling.centre_joint, scaling.origin)
    return _quantize(_modalities(positions, here, centre, skeleton, scaling.modalities), scaling)


def _centre(positions: Either, joint: int, origin: str) -> Either:
    """(B, T or 1, 1, 3) metres."""
    frames = positions if origin == "frame" else positions[:, :1]
    return frames[:, :, joint : joint + 1]


class FrameEncoder:
    """`encode` for frames as a camera delivers them: feed (V, 3) metres, get (M, V, C) int32.

    Apart from the one frame before, which motion needs, nothing is kept (with origin "first frame": the origin too).
    """

    def __init__(self, scaling: Scaling, skeleton: Skeleton) -> None:
        self._scaling, self._skeleton = scaling, skeleton
        self._first: np.ndarray | None = None
        self._previous: np.ndarray | None = None

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The next frame; the first one has no motion."""
        now = np.array(frame, dtype=np.float32)[None, None, :, : self._skeleton.coordinates]
        if self._first is None:
            self._first = self._previous = now
        two = np.concatenate([self._previous, now], axis=1)
        here = present(two, self._skeleton.bodies)
        from_where = two if self._scaling.origin == "frame" else self._first
        centre = _centre(from_where, self._scaling.centre_joint, self._scaling.origin)
        values = _modalities(two, here, centre, self._skeleton, self._scaling.modalities)
        self._previous = now
        return _quantize(values, self._scaling)[0, 1].astype(np.int32)


def _modalities(x: Either, here: Either | None, centre: Either, skeleton: Skeleton, names: tuple[str, ...]) -> Either:
    """Metres (B, T, M, V, 3); what belongs to an absent body is 0, what rests on an absent joint NaN.

    A joint's motion is that in the room: with a centre for each frame, of the positions themselves.
    """
    parents = [v if p < 0 else p for v, p in enumerate(skeleton.parents)]
    joint = x - centre
    if here is not None:
        joint = joint * here
    bone = x - x[:, :, parents]
    values = {"joint": joint, "bone": bone}
    moving = {"joint": joint if centre.shape[1] == 1 else x, "bone": bone}
    for name in ("joint", "bone"):
        motion = library(x).zeros_like(x)
        motion[:, 1:] = moving[name][:, 1:] - moving[name][:, :-1]
        if here is not None:
            motion[:, 1:] *= here[:, 1:] * here[:, :-1]
        values[f"{name} motion"] = motion
    return library(x).stack([values[name] for name in names], 2)


def _quantize(values: Either, scaling: Scaling) -> Either:
    factors, own = like(values, scaling.counts_per_metre, "float32"), library(values)
    with np.errstate(over="ignore", invalid="ignore"):  # what is beyond float32 is beyond the limits
        counts = own.round(values * factors[:, None, None])
    return own.clip(own.nan_to_num(counts, nan=0.0), *scaling.limits)


def present(positions: Either, bodies: int) -> Either | None:
    """(B, T, V, 1) float32: 1 where the joint's body is in the frame; None for one body, which always is."""
    if bodies == 1:
        return None
    b, t, v, _ = positions.shape
    here = (positions.reshape(b, t, bodies, -1) != 0).any(3)
    return cast(repeated(here, v // bodies, 2)[..., None], "float32")


def sample(flat: Either, starts: Either, times: Either, last: Either, bodies: int = 1) -> Either:
    """Positions at fractional frames: `flat` (ΣT, V, 3), `starts` (B,), `times` (B, N) float64, `last` (B,) frame.

    Returns (B, N, V, 3) float32, linear between frames; between a frame with a body and one without, the nearer one,
    and so for a joint that is absent (NaN) from one of them.
    """
    own = library(flat)
    before = cast(own.floor(times), "int64")
    after = own.minimum(before + 1, last[:, None])
    share = cast(times - before, "float32")[:, :, None, None]
    x0 = flat[(starts[:, None] + before)]
    x1 = flat[(starts[:, None] + after)]
    if bodies > 1:
        both = present(x0, bodies) * present(x1, bodies)
        share = own.where(both > 0, share, cast(share > 0.5, "float32"))
    between = x0 + share * (x1 - x0)
    return own.where(own.isnan(between), own.where(share > 0.5, x1, x0), between)


def even_times(lengths: Either, frames: int) -> Either:
    """(B, frames) float64: evenly from the first to the last frame of clips with `lengths` (B,)."""
    steps = like(lengths, range(frames), "float64")
    return steps * cast(lengths[:, None] - 1, "float64") / max(frames - 1, 1)


def resample_batch(flat: Either, starts: Either, lengths: Either, frames: int, bodies: int = 1) -> Either:
    """Whole clips of `flat` (ΣT, V, 3), brought to `frames` frames: (B, frames, V, 3) float32."""
    return sample(flat, starts, even_times(lengths, frames), lengths - 1, bodies)


def resample(positions: np.ndarray, frames: int, bodies: int = 1) -> np.ndarray:
    """One clip (T, V, 3) brought to (frames, V, 3) float32 by linear interpolation."""
    flat = np.array(positions, dtype=np.float32)
    return resample_batch(flat, np.zeros(1, dtype=np.int64), np.array([len(flat)]), frames, bodies)[0]


def at_rate(positions: np.ndarray, rate: float, wanted: float, bodies: int = 1) -> np.ndarray:
    """A recording (T, V, 3) at `rate` Hz as frames at `wanted` Hz, (T', V, 3) float32.

    Frame k lies at k / `wanted` seconds, between the two recorded frames around it; there are as many as the recording
    lasts. What a frame becomes does not depend on how many follow it. Frame by frame: `resampling.RateConverter`.
    """
    flat = np.array(positions, dtype=np.float32)
    if rate == wanted:
        return flat
    times = instants(0, rate_count(len(flat), rate, wanted), rate, wanted)[None]
    return sample(flat, np.zeros(1, dtype=np.int64), times, np.array([len(flat) - 1]), bodies)[0]


def instants(first: int, count: int, rate: float, wanted: float) -> np.ndarray:
    """(count,) float64: where frame `first` and those after it, at `wanted` Hz, lie among frames recorded at `rate` Hz.

    In recorded frames. What rounding leaves beside a recorded frame is on it: else the last frame of a recording would
    change with the first one that follows.
    """
    at = np.arange(first, first + count, dtype=np.float64) * (rate / wanted)
    return np.where(np.abs(at - np.round(at)) < BESIDE, np.round(at), at)


def rate_count(frames: int, rate: float, wanted: float) -> int:
    """Frames at `wanted` Hz in a recording of `frames` frames at `rate` Hz, at least one."""
    about = int((frames - 1) * (wanted / rate))
    return about + int((instants(about, 2, rate, wanted) <= frames - 1).sum())


def as_tensors(
    clips: Clips, chosen: Sequence[int] | np.ndarray | None = None, device: str | torch.device = "cpu"
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Clips as (flat positions (ΣT, V, 3) float32, starts (N,), lengths (N,)) for `resample_batch` and `augment`.

    Copies of the `chosen` clips, in that order; of all where it is None. Of a large data set choose a batch's.
    """
    import torch

    index = np.arange(len(clips)) if chosen is None else np.asarray(chosen)
    flat = torch.from_numpy(np.concatenate([clips[int(i)] for i in index]))
    lengths = torch.tensor(clips.lengths[index])
    return tuple(tensor.to(device) for tensor in (flat, lengths.cumsum(0) - lengths, lengths))


def fit_scaling(
    clips: Clips,
    rate: float,
    *,
    bits: int = 8,
    modalities: tuple[str, ...] = MODALITIES,
    percentile: float = 99.5,
    at_most: int = 2000,
) -> Scaling:
    """Factors that put `percentile` of the training values' magnitudes inside the signed range, at `rate` Hz.

    Looks at training clips only; at `at_most` of them, evenly spaced.
    """
    index = np.flatnonzero(clips.train)
    if len(index) == 0:
        raise BadInput("no training clips", location=clips.dataset, hint="mark some clips as training")
    index = index[evenly(len(index), at_most)]
    factors = [_factor(_moving(clips, index, rate, modality), bits, percentile) for modality in modalities]
    return Scaling(tuple(factors), clips.skeleton.centre_joint, tuple(modalities), bits)


def _moving(clips: Clips, index: np.ndarray, rate: float, modality: str) -> np.ndarray:
    """Magnitudes of a modality in some clips, (n,) float32, those that are not 0: of one only, for they are many."""
    skeleton, found = clips.skeleton, []
    for i in index:
        x = at_rate(clips[i], clips.rate, rate, skeleton.bodies)[None, ..., : skeleton.coordinates]
        centre = _centre(x, skeleton.centre_joint, "frame")
        magnitudes = np.abs(_modalities(x, present(x, skeleton.bodies), centre, skeleton, (modality,)))
        found.append(magnitudes[magnitudes > 0])
    return np.concatenate(found)


def _factor(moving: np.ndarray, bits: int, percentile: float) -> float:
    """From magnitudes above 0, whose order is lost."""
    largest = float(np.percentile(moving, percentile, overwrite_input=True)) if len(moving) else 1.0
    return float(np.float32((2 ** (bits - 1) - 1) / largest))
