"""Batches of integer frames, drawn so that (seed, stage, epoch) alone decides them: a resumed run sees the same."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mksgn_neuro.data.augment import Augmentation, augment
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import Scaling, as_tensors, encode_batch, resample_batch
from mksgn_neuro.models.distill import Targets


@dataclass(frozen=True)
class Batch:
    """`frames` (B, T, M, V, 3) integers in float32, `labels` (B,), `index` (B,) on the CPU: whose frames.

    `targets` are what teachers say of these clips, where they were asked.
    """

    frames: Tensor
    labels: Tensor
    index: Tensor
    targets: Targets | None = None


def training_batches(
    clips: Clips, scaling: Scaling, frames: int, augmentation: Augmentation, batch: int, *, seed: int, stage: str,
    epoch: int, rank: int = 0, world: int = 1, device: str | torch.device = "cpu",
) -> Iterator[Batch]:  # fmt: skip
    """One epoch of shuffled, augmented batches; rank r of a distributed run gets every world-th clip of each batch.

    The last clips that do not fill a batch are left out; another shuffle brings them in. Batches are made on `device`,
    whose random numbers are its own.
    """
    generator = torch.Generator(device).manual_seed(zlib.crc32(f"{seed}/{stage}/{epoch}".encode()))
    order = torch.randperm(len(clips), generator=generator, device=device)
    order_here = order.cpu()
    batch = min(batch, len(clips))
    flat, starts, lengths, labels = _tensors(clips, device)
    for i in range(len(clips) // batch):
        drawn = slice(i * batch, (i + 1) * batch)
        index = order[drawn]
        positions = augment(
            flat, starts[index], lengths[index], frames, clips.skeleton, augmentation, generator
        )  # whole batch on every rank, so that draws agree whatever the number of ranks
        mine = slice(rank, None, world)
        encoded = encode_batch(positions[mine], scaling, clips.skeleton)
        yield Batch(encoded, labels[index][mine], order_here[drawn][mine])


def evaluation_batches(clips: Clips, scaling: Scaling, frames: int, batch: int = 64) -> Iterator[Batch]:
    """Clips in order, resampled to `frames`, not augmented."""
    flat, starts, lengths, labels = _tensors(clips, "cpu")
    for index in torch.arange(len(clips)).split(batch):
        positions = resample_batch(flat, starts[index], lengths[index], frames, clips.skeleton.bodies)
        yield Batch(encode_batch(positions, scaling, clips.skeleton), labels[index], index)


def _tensors(clips: Clips, device: str | torch.device) -> tuple[Tensor, ...]:
    return (*as_tensors(clips, device), torch.tensor(clips.labels, device=device))
