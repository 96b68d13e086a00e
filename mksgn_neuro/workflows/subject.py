"""What is verified: a network in its forms, its inputs, and what the reference says of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mksgn_neuro.ir import Network
from mksgn_neuro.lowering import balance, levelize, steps_per_sample
from mksgn_neuro.sim import reference

Spikes = dict[str, np.ndarray]  # population → (samples, T, N), in frames: each population's own time


@dataclass(frozen=True)
class Subject:
    """What is verified: the network in frames, in steps and as a chain, on `inputs` (samples, frames, channels).

    `period` is the number of steps from one sample to the next; None where `inputs` are one stream without resets.
    """

    frames: Network
    steps: Network
    chain: Network
    inputs: np.ndarray
    period: int | None

    @classmethod
    def of(cls, network: Network, inputs: np.ndarray, *, reset: bool = True) -> Subject:
        """From a network in frames; without `reset` the samples become one stream."""
        steps = balance(network)
        if not reset:
            return cls(network, steps, levelize(network), inputs.reshape(1, -1, inputs.shape[2]), None)
        return cls(network, steps, levelize(network), inputs, steps_per_sample(steps, inputs.shape[1]))

    @property
    def span(self) -> int:
        """Steps of one sample, with the silence after it."""
        return self.period or self.inputs.shape[1]

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


def reference_spikes(subject: Subject) -> Spikes:
    """Every population of the network in frames, each sample alone."""
    runs = [reference.run(subject.frames, sample) for sample in subject.padded()]
    return {name: np.stack([run[name].spikes for run in runs]) for name in runs[0]}


def running_spikes(subject: Subject, lags: Mapping[str, int]) -> Spikes:
    """Every population of the network in frames on one stream, as in a form that nothing ever resets.

    There a population that answers `lags` steps late is switched on with all others, so many frames before the stream
    reaches it, and its bias acts on it from then on; only a reset would put it to rest before the first frame.
    """
    lead = max(lags.values())
    stream = np.pad(subject.padded()[0], ((lead, 0), (0, 0)))
    starts = {p.name: lead - lags[p.name] for p in subject.frames.populations}
    traces = reference.run(subject.frames, stream, starts=starts)
    return {name: trace.spikes[None, lead:] for name, trace in traces.items()}


def by_sample(stream: np.ndarray, lag: int, subject: Subject) -> np.ndarray:
    """Cut a population's spikes (steps, N), which run `lag` steps behind, into (samples, span, N)."""
    samples = len(subject.inputs)
    return stream[lag : lag + samples * subject.span].reshape(samples, subject.span, -1)


def chain_groups(chain: Network) -> Iterator[tuple[str, str, int, slice]]:
    """(level, population, lag, neurons) of each group of a chain; copies of one population come several times."""
    for k, level in enumerate(chain.populations, 1):
        start = 0
        for group in level.groups:
            yield level.name, group.name, k + group.delay, slice(start, start + group.size)
            start += group.size


def chain_lags(chain: Network) -> dict[str, int]:
    """How many steps late each population itself answers in a chain; relays and copies of it answer later."""
    lags: dict[str, int] = {}
    for _, name, lag, _ in chain_groups(chain):
        lags[name] = min(lag, lags.get(name, lag))
    return lags
