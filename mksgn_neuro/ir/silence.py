"""Which populations can never fire, whatever comes in: nobody should have to guess it from a count of 0 spikes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from mksgn_neuro.ir.network import Network, Population
from mksgn_neuro.ir.spec import synaptic_sum_range

STATE_LIMIT = 2**23  # u wraps here, v saturates below


def silent_findings(network: Network) -> Iterator[str]:
    """One line for each population that can never fire, in topological order."""
    silent: set[str] = set()
    for p in network.order:
        highest = highest_voltage(network, p, silent)
        if highest <= 64 * p.vth:
            silent.add(p.name)
            what = ", the last layer," if p.name == network.readout else ""
            yield f"{p.name}{what} can never fire: v is at most {highest} whatever comes in, its threshold {64 * p.vth}"


def highest_voltage(network: Network, p: Population, silent: Collection[str] = ()) -> int:
    """A bound on v of any of the neurons until one of them fires, if the populations named in `silent` never do.

    v never exceeds drive / (1 − kept), and a negative drive never lifts it above 0. Where the current could leave its
    24 bits it wraps, and nothing is known.
    """
    up, down = synaptic_sum_range(network, p, silent={*silent, p.name})
    lifted, pressed = (64.0 * _gathered(side, p.i_decay) for side in (up, down))
    if max(lifted.max(initial=0), pressed.max(initial=0)) >= STATE_LIMIT:
        return STATE_LIMIT - 1
    drive = np.maximum(lifted + 64.0 * p.bias, 0)
    return int(min(np.ceil(_gathered(drive, p.v_decay).max(initial=0)), STATE_LIMIT - 1))


def _gathered(step: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """What a constant `step` ≥ 0 adds up to, infinite where nothing decays."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(step > 0, step * 4096.0 / decay, 0.0)
