"""Batches of integer frames, drawn so that (seed, stage, epoch) alone decides them: a resumed run sees the same."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mksgn_neuro.data.augment import Augmentation, augment
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import Scaling, as_tensors, encode_batch, resample_batch
from mksgn_neuro.data.sequences import Plan, draw_plan, play, rows_per_epoch
from mksgn_neuro.models.distill import Targets


@dataclass(frozen=True)
class Played:
    """What sequences were made of: `positions` (B, T, V, 3) metres as varied; `since` and `length` as in `Plan`."""

    positions: Tensor
    since: np.ndarray
    length: np.ndarray


@dataclass(frozen=True)
class Batch:
    """`frames` (B, T, M, V, 3) integers in float32. `labels` and `index` (on the CPU: whose frames) are (B,) of whole
    clips, (B, T) of sequences.

    Sequences also have, (B, T) each, `since`: frames since the clip began, and how much each frame's decision counts:
    `weight` on an endless stream, `clip_weight` where the clip's beginning is known. `targets` are what teachers say of
    these clips, where they were asked; `played` is what they may look at for that.
    """

    frames: Tensor
    labels: Tensor
    index: Tensor
    since: Tensor | None = None
    weight: Tensor | None = None
    clip_weight: Tensor | None = None
    targets: Targets | None = None
    played: Played | None = None


@dataclass(frozen=True)
class Sequences:
    """Shape of a batch of sequences: `rows` of `frames` frames at `rate` Hz; a clip's first `warm_up` do not count.

    An epoch has at least `least` of them: few clips are shown several times, each time varied in another way.
    """

    rows: int
    frames: int
    rate: float
    warm_up: int
    least: int = 1


def sequence_batches(
    clips: Clips, scaling: Scaling, shape: Sequences, augmentation: Augmentation, *, seed: int, stage: str, epoch: int,
    rank: int = 0, world: int = 1, device: str | torch.device = "cpu",
) -> Iterator[Batch]:  # fmt: skip
    """One epoch of sequences; rank r of a distributed run gets every world-th row of each batch.

    Batches are made on `device`, whose random numbers are its own.
    """
    generator = _generator(seed, stage, epoch, device)
    batches = batches_per_epoch(clips, shape)
    plan = draw_plan(clips, shape.rate, batches * shape.rows, shape.frames, augmentation, generator)
    labels, mine = torch.tensor(clips.labels, device=device), slice(rank, None, world)
    for i in range(batches):
        part = plan.rows(slice(i * shape.rows, (i + 1) * shape.rows))
        shown, local = np.unique(part.clip, return_inverse=True)
        here = replace(part, clip=local.reshape(part.clip.shape))
        positions = play(
            *as_tensors(clips, shown, device), here, clips, augmentation, generator
        )  # whole batch on every rank, so that draws agree whatever the number of ranks
        encoded = encode_batch(positions[mine], scaling, clips.skeleton)
        index = torch.from_numpy(part.clip[mine])
        since = torch.from_numpy(part.since[mine]).to(labels.device)
        weights = [torch.from_numpy(w[mine]).to(encoded) for w in frame_weights(part, shape.warm_up)]
        played = Played(positions[mine], part.since[mine], part.length[mine])
        yield Batch(encoded, labels[index.to(labels.device)], index, since, *weights, played=played)


def batches_per_epoch(clips: Clips, shape: Sequences) -> int:
    """Batches that show about as many frames as the clips have, but not fewer than the shape asks for."""
    return max(shape.least, rows_per_epoch(clips, shape.rate, shape.frames) // shape.rows)


def frame_weights(plan: Plan, warm_up: int) -> tuple[np.ndarray, np.ndarray]:
    """How much each frame's decision counts, (R, L) float32: on an endless stream, and with the clip's beginning known.

    The share of the clip that was seen; 0 for its first `warm_up` frames, unless it has no more. A pose that is held
    until the network has forgotten what led to it can only be told by what was counted before.
    """
    seen = np.minimum((plan.since + 1) / plan.length, 1)
    seen = np.where((plan.since >= warm_up) | (plan.since >= plan.length - 1), seen, 0).astype(np.float32)
    return np.where(plan.since < plan.length, seen, 0).astype(np.float32), seen


def clip_batches(
    clips: Clips, scaling: Scaling, frames: int, augmentation: Augmentation, batch: int, *, seed: int, stage: str,
    epoch: int, rank: int = 0, world: int = 1, device: str | torch.device = "cpu",
) -> Iterator[Batch]:  # fmt: skip
    """One epoch of shuffled, augmented whole clips for teachers, otherwise as `sequence_batches`.

    The last clips that do not fill a batch are left out; another shuffle brings them in.
    """
    generator = _generator(seed, stage, epoch, device)
    order = torch.randperm(len(clips), generator=generator, device=device)
    order_here = order.cpu()
    batch = min(batch, len(clips))
    labels = torch.tensor(clips.labels, device=device)
    for i in range(len(clips) // batch):
        drawn = slice(i * batch, (i + 1) * batch)
        index, chosen = order[drawn], as_tensors(clips, order_here[drawn].numpy(), device)
        positions = augment(*chosen, frames, clips.skeleton, augmentation, generator)
        mine = slice(rank, None, world)
        encoded = encode_batch(positions[mine], scaling, clips.skeleton)
        yield Batch(encoded, labels[index][mine], order_here[drawn][mine])


def _generator(seed: int, stage: str, epoch: int, device: str | torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(zlib.crc32(f"{seed}/{stage}/{epoch}".encode()))


def evaluation_batches(clips: Clips, scaling: Scaling, frames: int, batch: int = 64) -> Iterator[Batch]:
    """Clips in order, resampled to `frames`, not augmented."""
    labels = torch.tensor(clips.labels)
    for index in torch.arange(len(clips)).split(batch):
        positions = resample_batch(*as_tensors(clips, index.numpy()), frames, clips.skeleton.bodies)
        yield Batch(encode_batch(positions, scaling, clips.skeleton), labels[index], index)
