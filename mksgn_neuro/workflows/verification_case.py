"""What is verified: a network in its representations, its inputs, and what the reference says of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.ir import Group, Network
from mksgn_neuro.lowering import steps_per_sample
from mksgn_neuro.lowering.passes import STEPS, Built, Options, run_passes
from mksgn_neuro.sim import reference

Spikes = dict[str, np.ndarray]  # population → (samples, T, N), in frames: each population's own time


@dataclass(frozen=True)
class VerificationCase:
    """What is verified: the zero-delay network, in steps and as a layered network, on `inputs` (samples, frames,
    channels).

    `reset_interval` is the number of steps from one sample to the next; None where `inputs` are one stream without
    resets. No `layered`: its target needs none.
    """

    frames: Network
    steps: Network
    layered: Network | None
    inputs: np.ndarray
    reset_interval: int | None

    @classmethod
    def of(cls, built: Built, inputs: np.ndarray, *, reset: bool = True) -> VerificationCase:
        """Of what passes built, nothing of it built again; without `reset` the samples become one stream."""
        frames, layered = built.frames, built.network if built.is_layered else None
        in_steps = layered is None and built.network.transmission_delay == 1
        steps = built.network if in_steps else run_passes(frames, STEPS, Options(prune=built.pruned > 0)).network
        if not reset:
            return cls(frames, steps, layered, inputs.reshape(1, -1, inputs.shape[2]), None)
        return cls(frames, steps, layered, inputs, steps_per_sample(steps, inputs.shape[1]))

    @property
    def span(self) -> int:
        """Steps of one sample, with the silence after it."""
        return self.reset_interval or self.inputs.shape[1]

    def padded(self) -> np.ndarray:
        """(samples, span, channels): each sample with the silence after it."""
        samples, frames, channels = self.inputs.shape
        padded = np.zeros((samples, self.span, channels), dtype=np.int64)
        padded[:, :frames] = self.inputs
        return padded

    def stream(self, depth: int) -> np.ndarray:
        """(samples · span + depth, channels): back to back, and the steps until the last spike is out."""
        flat = self.padded().reshape(-1, self.inputs.shape[2])
        return np.vstack([flat, np.zeros((depth, flat.shape[1]), dtype=np.int64)])


def reference_spikes(case: VerificationCase) -> Spikes:
    """Every population of the zero-delay network; a reset leaves alone what is on its way in a loop, as on the chip."""
    stream = case.padded()
    traces = reference.run(case.frames, stream.reshape(-1, stream.shape[2]), reset_interval=case.reset_interval)
    return {name: trace.spikes.reshape(*stream.shape[:2], -1) for name, trace in traces.items()}


def running_spikes(case: VerificationCase, lags: Mapping[str, int]) -> Spikes:
    """Every population of the zero-delay network on one stream, as in a form that nothing ever resets.

    There a population that answers `lags` steps late is switched on with all others, so many frames before the stream
    reaches it, and its bias acts on it from then on; only a reset would put it to rest before the first frame.
    """
    lead = max(lags.values())
    stream = np.pad(case.padded()[0], ((lead, 0), (0, 0)))
    starts = {p.name: lead - lags.get(p.name, 0) for p in case.frames.populations}
    traces = reference.run(case.frames, stream, starts=starts)
    return {name: trace.spikes[None, lead:] for name, trace in traces.items()}


def by_sample(stream: np.ndarray, lag: int, case: VerificationCase) -> np.ndarray:
    """Cut a population's spikes (steps, N), which run `lag` steps behind, into (samples, span, N).

    Of a shorter run only whole samples, or what there is of the first.
    """
    rows = stream[lag : lag + len(case.inputs) * case.span]
    if len(rows) < case.span:
        return rows[None]
    samples = len(rows) // case.span
    return rows[: samples * case.span].reshape(samples, case.span, -1)


@dataclass(frozen=True)
class Part:
    """Where neurons of a population lie in another representation of its network, which has them `lag` steps later.

    `neurons` of population `level` there are those at `of`, int (n,), of population `name` in frames.
    """

    level: str
    name: str
    lag: int
    neurons: slice
    of: np.ndarray


def parts_of(representation: Network, frames: Network) -> Iterator[Part]:
    """Every group of a network in steps that repeats neurons of the zero-delay network; copies come several times.

    Groups are known by their names. Relays of the source and neurons that do nothing repeat no population.
    """
    known = _groups_of(frames)
    for population in representation.order:
        start = 0
        for group in population.groups:
            neurons = slice(start, start + group.size)
            start += group.size
            same = [own for own in known.get(group.name, ()) if own.group.delay <= group.delay]
            if not same:
                continue
            own = max(same, key=lambda own: (own.population == population.name, own.group.delay))
            lag = representation.level[population.name] + group.delay - own.group.delay
            yield Part(population.name, own.population, lag, neurons, own.start + _positions(group, own.group))


@dataclass(frozen=True)
class _Own:
    """A group of the zero-delay network, and where it begins in its population."""

    population: str
    start: int
    group: Group


def _groups_of(network: Network) -> dict[str, list[_Own]]:
    found = defaultdict(list)
    for population in network.order:
        start = 0
        for group in population.groups:
            found[group.name].append(_Own(population.name, start, group))
            start += group.size
    return found


def _positions(group: Group, own: Group) -> np.ndarray:
    """Which neurons of `own`, from which some may have been left out, are those of `group`."""
    here = np.arange(group.size) if group.index is None else group.index
    return here if own.index is None else np.searchsorted(own.index, here)


def lags_of(representation: Network, frames: Network) -> dict[str, int]:
    """How many steps late each population itself answers in a form; relays and copies of it answer later."""
    lags: dict[str, int] = {}
    for part in parts_of(representation, frames):
        lags[part.name] = min(part.lag, lags.get(part.name, part.lag))
    return lags
