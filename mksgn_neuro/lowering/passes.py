"""Passes by name, and the orders in which targets run them; the table of targets is `workflows.targets`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from mksgn_neuro.ir import Network
from mksgn_neuro.lowering.balance import balance
from mksgn_neuro.lowering.in_frames import in_frames
from mksgn_neuro.lowering.interleave import interleave
from mksgn_neuro.lowering.levelize import levelize
from mksgn_neuro.lowering.pad_for_netx import fit
from mksgn_neuro.lowering.prune import prune
from mksgn_neuro.lowering.separate import separate_delays


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


IN_FRAMES = Pass("in_frames", lambda network, _: in_frames(network))
INTERLEAVE = Pass("interleave", lambda network, options: interleave(network, options.steps_per_frame))
PRUNE = Pass("prune", lambda network, options: prune(network) if options.prune else network)
SEPARATE = Pass("separate_delays", lambda network, _: separate_delays(network))
BALANCE = Pass("balance", lambda network, _: balance(network))
LEVELIZE = Pass("levelize", lambda network, _: levelize(network))
PAD = Pass("pad_for_netx", lambda network, _: fit(network))

FRAMES = (INTERLEAVE,)  # in the network's own time: a frame at once through all levels
STEPS = (INTERLEAVE, PRUNE, BALANCE)  # in the network's own topology, a time step per level
CHAIN = (IN_FRAMES, INTERLEAVE, PRUNE, SEPARATE, BALANCE, LEVELIZE)  # every level hears the one before only
NETX = (*CHAIN, PAD)


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
        """In frames (hop 0), with every neuron: what all forms of the network are compared with."""
        return in_frames(self.after.get(INTERLEAVE.name, self.given))

    @property
    def is_chain(self) -> bool:
        """Whether its levels are a chain."""
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


def as_chain(network: Network) -> Network:
    """The chain of a network, spike for spike the same; raises Unsupported where there is none."""
    return run_passes(network, CHAIN).network
