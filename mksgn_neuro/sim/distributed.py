"""Streams split over processes (torchrun, gloo): each rank runs its share, all get the same totals as one process."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mksgn_neuro.data.made import lengths_of
from mksgn_neuro.data.mapped import let_go, rows_of, scratch
from mksgn_neuro.processes.together import among_others, answering, join, require_alike
from mksgn_neuro.sim.counts import Counts
from mksgn_neuro.sim.engine import Emulator
from mksgn_neuro.sim.streams import Part, class_spikes_by_frame

if TYPE_CHECKING:
    import torch.distributed as dist

REDUCED = 1 << 14  # frames that are summed over processes at once


def start() -> bool:
    """Join the processes that torchrun started; False where there is only one."""
    if not among_others():
        return False
    join("gloo")
    return True


def run(
    emulator: Emulator, streams: Sequence[np.ndarray], *, silent_steps: int = 0, reset_interval: int | None = None
) -> Iterator[Part]:
    """As `class_spikes_by_frame`, on every rank; needs a process group.

    Each rank runs every world-size-th stream, so that ranks end together; one without a stream counts nothing. All that
    was counted comes with the last part.
    """
    import torch.distributed as dist

    rank, world = dist.get_rank(), dist.get_world_size()
    readout = emulator.readout
    lengths = lengths_of(streams) // readout.stride
    require_alike(zlib.crc32(lengths.tobytes()), "clips", "give all of them the same data and options")
    ends = np.cumsum(lengths)
    spikes = scratch((int(ends[-1]), readout.classes), readout.counting)
    counts = nothing = _nothing(emulator)
    own = streams[rank::world]
    places = _Places((ends - lengths)[rank::world], ends[rank::world])
    for rows, counted in class_spikes_by_frame(emulator, own, silent_steps=silent_steps, reset_interval=reset_interval):
        for here, there in places.next(len(rows)):
            spikes[there] = rows[here]
        let_go(spikes)
        counts = counts + counted
    last = (len(spikes) - 1) // REDUCED * REDUCED
    for first in range(0, len(spikes), REDUCED):
        block = _reduced(rows_of(spikes, slice(first, first + REDUCED)), dist.ReduceOp.SUM)
        yield block, nothing if first < last else reduce_counts(counts)


class _Places:
    """Where the frames of some streams, one after the other, lie among all: from `starts[i]` to `ends[i]` − 1."""

    def __init__(self, starts: np.ndarray, ends: np.ndarray) -> None:
        self._left = deque(zip(starts.tolist(), ends.tolist()))

    def next(self, count: int) -> Iterator[tuple[slice, slice]]:
        """Of the next `count` frames, those that lie together: which of them, and where."""
        done = 0
        while done < count:
            start, end = self._left.popleft()
            taken = min(end - start, count - done)
            yield slice(done, done + taken), slice(start, start + taken)
            done += taken
            if start + taken < end:
                self._left.appendleft((start + taken, end))


def _nothing(emulator: Emulator) -> Counts:
    """What no stream makes."""
    network = emulator.network
    sizes = {network.source.name: network.source.size, **{p.name: p.size for p in network.order}}
    none = {name: np.zeros(size, dtype=np.int64) for name, size in sizes.items()}
    return Counts(0, 0, none, dict.fromkeys(none, 0), 0)


def reduce_counts(own: Counts) -> Counts:
    """The counts of all ranks together."""
    import torch.distributed as dist

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
    with answering():
        dist.all_reduce(tensor, operation)
    return tensor.numpy()
