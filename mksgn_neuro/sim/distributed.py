"""Clips split over processes (torchrun, gloo): every rank runs its share, all get the same totals as one process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.distributed as dist

from mksgn_neuro.sim.counts import Counts, total
from mksgn_neuro.sim.engine import Emulator, Result


def start() -> bool:
    """Join the processes that torchrun started; False where there is only one."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return False
    if not dist.is_initialized():
        dist.init_process_group("gloo")
    return True


def speaks() -> bool:
    """Whether this process is the one that prints."""
    return not dist.is_initialized() or dist.get_rank() == 0


def share(clips: int) -> np.ndarray:
    """Indices of the clips that this rank runs: every world-size-th, so that ranks end together."""
    return np.arange(dist.get_rank(), clips, dist.get_world_size())


def run(
    emulator: Emulator, clips: Sequence[np.ndarray], *, drain: int = 0, period: int | None = None
) -> tuple[np.ndarray, Counts]:
    """Scores (B, classes) of all clips in order and their counts, on every rank; needs a process group and a clip each.

    Each rank runs the clips of its `share`.
    """
    own = share(len(clips))
    results = list(emulator.stream((clips[i] for i in own), drain=drain, period=period))
    return gather_scores(results, own, len(clips), emulator.readout.classes), reduce_counts(results)


def gather_scores(results: Iterable[Result], own: np.ndarray, clips: int, classes: int) -> np.ndarray:
    """Scores of all clips from those of each rank's `own`, int64 (clips, classes)."""
    scores = np.zeros((clips, classes), dtype=np.int64)
    scores[own] = np.concatenate([result.scores for result in results])
    return _reduced(scores, dist.ReduceOp.SUM)


def reduce_counts(results: Iterable[Result]) -> Counts:
    """The counts of all ranks together."""
    own = total([result.counts for result in results])
    names = list(own.spikes)
    sums = _reduced(np.concatenate([[own.clips, own.steps], *own.spikes.values()]), dist.ReduceOp.SUM)
    maxima = _reduced(np.array([own.max_step_synops, *(own.max_step_spikes[n] for n in names)]), dist.ReduceOp.MAX)
    ends = np.cumsum([len(own.spikes[name]) for name in names])
    return Counts(
        clips=int(sums[0]),
        steps=int(sums[1]),
        spikes=dict(zip(names, np.split(sums[2:], ends[:-1]))),
        max_step_spikes=dict(zip(names, maxima[1:].tolist())),
        max_step_synops=int(maxima[0]),
    )


def _reduced(array: np.ndarray, operation: dist.ReduceOp) -> np.ndarray:
    tensor = torch.from_numpy(array.astype(np.int64))
    dist.all_reduce(tensor, operation)
    return tensor.numpy()
