"""What an energy profile is: what each kind of event costs, and whose numbers these are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Events:
    """What happened in `samples` samples, integers.

    `acs`: synaptic operations caused by binary spikes; `macs`: those caused by graded input; `active_updates` and
    `inactive_updates`: neuron updates in a step with and without synaptic input; `spikes`: neurons that fired;
    `messages`: spikes times destination cores; `hops_x`, `hops_y`: mesh hops of those messages.
    """

    samples: int = 1
    acs: int = 0
    macs: int = 0
    active_updates: int = 0
    inactive_updates: int = 0
    spikes: int = 0
    messages: int = 0
    hops_x: int = 0
    hops_y: int = 0


@dataclass(frozen=True)
class Constant:
    """Energy of one event of a kind (a field of Events), in femtojoules."""

    event: str
    femtojoules: int
    meaning: str


@dataclass(frozen=True)
class Profile:
    """A set of constants from one source; `step_times` in picoseconds where the source has them."""

    name: str
    source: str
    constants: tuple[Constant, ...]
    step_times: tuple[tuple[str, int], ...] = ()
