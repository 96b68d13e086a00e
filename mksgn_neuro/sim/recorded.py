"""A Result from recorded spikes: what the slower backends (`reference`, Lava) hand back, in the emulator's form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from mksgn_neuro.ir import Network
from mksgn_neuro.sim import reference
from mksgn_neuro.sim.counts import Counts
from mksgn_neuro.sim.engine import Result
from mksgn_neuro.sim.plan import out_degree
from mksgn_neuro.sim.readout import Readout


def run_reference(
    network: Network, clips: Iterable[np.ndarray], *, silent_steps: int = 0, reset_interval: int | None = None
) -> Iterator[Result]:
    """As `Emulator.stream` with all populations recorded, by the definition itself; a Result per clip."""
    for clip in clips:
        steps = np.concatenate([clip, np.zeros((silent_steps, clip.shape[1]), dtype=clip.dtype)])
        traces = reference.run(network, steps, reset_interval=reset_interval)
        yield from_spikes(network, clip, {name: trace.spikes for name, trace in traces.items()})


def from_spikes(network: Network, clip: np.ndarray, spikes: Mapping[str, np.ndarray]) -> Result:
    """Scores and counts of one clip (T, N_in) from the spikes (T + drain, N) of every population."""
    steps = len(next(iter(spikes.values())))
    readout = Readout.of(network)
    class_spikes = spikes[readout.name][readout.first : readout.first + len(clip)]
    sent = {network.source.name: np.asarray(clip) != 0, **{name: np.asarray(s) for name, s in spikes.items()}}
    synops = np.zeros(steps, dtype=np.int64)
    for name, events in sent.items():
        synops[: len(events)] += events @ out_degree(network, name)
    counts = Counts(
        clips=1,
        steps=steps,
        spikes={name: events.sum(axis=0, dtype=np.int64) for name, events in sent.items()},
        max_step_spikes={name: int(events.sum(axis=1, dtype=np.int64).max(initial=0)) for name, events in sent.items()},
        max_step_synops=int(synops.max(initial=0)),
    )
    scores = readout.scores(class_spikes.sum(axis=0, dtype=np.int64))[None]
    return Result(np.array([steps]), scores, counts, {name: np.asarray(s)[None] for name, s in spikes.items()})
