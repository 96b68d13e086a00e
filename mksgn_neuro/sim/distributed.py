"""Streams split over processes (torchrun, gloo): each rank runs its share, all get the same totals as one process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mksgn_neuro.data.made import lengths_of
from mksgn_neuro.sim.counts import Counts, total
from mksgn_neuro.sim.engine import Emulator, Result

if TYPE_CHECKING:
    import torch.distributed as dist


def start() -> bool:
    """Join the processes that torchrun started; False where there is only one."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return False
    import torch.distributed as dist

    if not dist.is_initialized():
        dist.init_process_group("gloo")
    return True


def is_rank_zero() -> bool:
    """Whether this process is the one that prints."""
    dist = sys.modules.get("torch.distributed")  # not loaded where there is only one process
    return dist is None or not dist.is_available() or not dist.is_initialized() or dist.get_rank() == 0


def rank_slice(streams: int) -> np.ndarray:
    """Indices of the streams that this rank runs: every world-size-th, so that ranks end together."""
    import torch.distributed as dist

    return np.arange(dist.get_rank(), streams, dist.get_world_size())


def run(
    emulator: Emulator, streams: Sequence[np.ndarray], *, silent_steps: int = 0, reset_interval: int | None = None
) -> tuple[list[np.ndarray], Counts]:
    """Class spikes (T_s, classes) of all streams in order and their counts, on every rank; needs a process group.

    `silent_steps` and `reset_interval` are those of `Emulator.run`. Each rank runs the streams of its `rank_slice`; a
    rank without one counts nothing.
    """
    import torch.distributed as dist

    own, readout = rank_slice(len(streams)), emulator.readout
    lengths = lengths_of(streams) // readout.stride
    ends = np.cumsum(lengths)
    spikes = np.zeros((int(ends[-1]), readout.classes), dtype=np.int64)
    results = []
    for result in emulator.stream(
        (streams[i] for i in own), record=(readout.name,), silent_steps=silent_steps, reset_interval=reset_interval
    ):
        done = sum(len(r.steps) for r in results)
        found = readout.by_frame(result.spikes[readout.name], result.steps - silent_steps)
        for i, by_frame in zip(own[done:], found):
            spikes[ends[i] - lengths[i] : ends[i]] = by_frame
        results.append(result)
    all_spikes = _reduced(spikes, dist.ReduceOp.SUM)
    return np.split(all_spikes, ends[:-1]), reduce_counts(results or [idle(emulator)])


def idle(emulator: Emulator) -> Result:
    """The result of no stream: nothing counted."""
    nothing = emulator.run(np.zeros((1, emulator.network.source.size), dtype=np.int32))
    none = {name: np.zeros_like(spikes) for name, spikes in nothing.counts.spikes.items()}
    return replace(nothing, counts=Counts(0, 0, none, dict.fromkeys(none, 0), 0))


def reduce_counts(results: Iterable[Result]) -> Counts:
    """The counts of all ranks together."""
    import torch.distributed as dist

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
    import torch
    import torch.distributed as dist

    tensor = torch.from_numpy(array.astype(np.int64))
    dist.all_reduce(tensor, operation)
    return tensor.numpy()
