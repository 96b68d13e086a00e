"""Passes by name, and the orders in which targets run them; the table of targets is `workflows.targets`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from mksgn_neuro.ir import Network
from mksgn_neuro.lowering.balance_delays import balance_delays
from mksgn_neuro.lowering.interleave import interleave
from mksgn_neuro.lowering.levelize import levelize
from mksgn_neuro.lowering.pad_for_netx import pad_for_netx
from mksgn_neuro.lowering.prune import prune
from mksgn_neuro.lowering.split_delays import split_delays
from mksgn_neuro.lowering.zero_delay import zero_delay


@dataclass(frozen=True)
class Options:
    """What a user may ask passes for: time steps per frame, and to leave out neurons that have no effect."""

    steps_per_frame: int = 1
    prune: bool = False


DEFAULT = Options()


@dataclass(frozen=True)
class Pass:
    """A named step of a pipeline; `run` gives the same network where the options ask for nothing."""

    name: str
    run: Callable[[Network, Options], Network]


ZERO_DELAY = Pass("zero_delay", lambda network, _: zero_delay(network))
INTERLEAVE = Pass("interleave", lambda network, options: interleave(network, options.steps_per_frame))
PRUNE = Pass("prune", lambda network, options: prune(network) if options.prune else network)
SPLIT = Pass("split_delays", lambda network, _: split_delays(network))
BALANCE = Pass("balance_delays", lambda network, _: balance_delays(network))
LEVELIZE = Pass("levelize", lambda network, _: levelize(network))
PAD = Pass("pad_for_netx", lambda network, _: pad_for_netx(network))

FRAMES = (INTERLEAVE,)  # in the network's own time: a frame at once through all levels
STEPS = (INTERLEAVE, PRUNE, BALANCE)  # in the network's own topology, a time step per level
LAYERED = (ZERO_DELAY, INTERLEAVE, PRUNE, SPLIT, BALANCE, LEVELIZE)  # every level takes the one before only
NETX = (*LAYERED, PAD)


@dataclass(frozen=True)
class Built:
    """What passes made of `given`: the network after each, by its name, in order."""

    given: Network
    after: dict[str, Network]

    @property
    def network(self) -> Network:
        """The last one, which is written."""
        return next(reversed(self.after.values()), self.given)

    @cached_property
    def frames(self) -> Network:
        """Without transmission delay, with every neuron: what all representations of the network are compared with."""
        return zero_delay(self.after.get(INTERLEAVE.name, self.given))

    @property
    def is_layered(self) -> bool:
        """Whether its levels are a layered network."""
        return LEVELIZE.name in self.after

    @property
    def pruned(self) -> int:
        """Neurons that were left out."""
        if PRUNE.name not in self.after:
            return 0
        before = self.after.get(INTERLEAVE.name, self.given)
        return sum(p.size for p in before.populations) - sum(p.size for p in self.after[PRUNE.name].populations)


Watch = Callable[[str, Network], None]  # called with the name of each pass and what it made


def run_passes(
    network: Network, passes: tuple[Pass, ...], options: Options = DEFAULT, watch: Watch | None = None
) -> Built:
    """Run passes in order; raises what a pass raises for a network that it cannot take."""
    given, after = network, {}
    for step in passes:
        network = after[step.name] = step.run(network, options)
        if watch:
            watch(step.name, network)
    return Built(given, after)


def as_layered(network: Network) -> Network:
    """The layered network of a network, spike for spike the same; raises Unsupported where there is none."""
    return run_passes(network, LAYERED).network
