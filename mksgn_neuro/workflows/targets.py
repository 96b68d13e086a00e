"""The one table of targets: the passes that a network goes through, who writes the result, and what proves it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mksgn_neuro.export.lava_graph import LOADER_FILE, NETWORK_FILE
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.store import SUFFIX, save
from mksgn_neuro.lowering.passes import DEFAULT, FRAMES, NETX, PRUNE, STEPS, Built, Options, Pass, run_passes
from mksgn_neuro.workflows.checks import Check, lava_checks, netx_checks, nir_checks, slayer_checks
from mksgn_neuro.workflows.writers import Writer, write_lava, write_loihi2, write_nir_graph, write_slayer


@dataclass(frozen=True)
class Target:
    """Passes in order; `write` and `check` are None where nothing is written.

    `suffixes` are how the names of its files end, that of the network first.
    """

    passes: tuple[Pass, ...]
    write: Writer | None = None
    check: Check | None = None
    suffixes: tuple[str, ...] = ()


TARGETS = {
    "stream": Target(()),  # as it was trained or read: a frame is answered at once
    "emulator": Target(STEPS),
    "loihi2": Target(NETX, write_loihi2, netx_checks, (".net", ".net.json", "_on_loihi2.py")),
    "lava": Target(STEPS, write_lava, lava_checks, (f"_lava/{NETWORK_FILE}", f"_lava/{LOADER_FILE}")),
    "slayer": Target(NETX, write_slayer, slayer_checks, ("_slayer.net",)),
    "nir": Target((*FRAMES, PRUNE), write_nir_graph, nir_checks, (".nir",)),
}
WRITTEN = tuple(name for name, target in TARGETS.items() if target.write)


def build(
    network: Network, target: str, options: Options = DEFAULT, *, dump: Path | None = None, first: str = "read",
    progress: Callable[[int, int], None] | None = None,
) -> Built:  # fmt: skip
    """The network that a target runs. With `dump` each pass leaves its result in that folder, numbered and named.

    `first` is the name of what made the network that is given; `progress` counts passes. Raises what the passes raise.
    """
    passes, count = TARGETS[target].passes, itertools.count()
    if dump is not None:
        dump.mkdir(parents=True, exist_ok=True)

    def watch(name: str, made: Network) -> None:
        done = next(count)
        if dump is not None:
            save(made, dump / f"{done:02d}-{name}{SUFFIX}")
        if progress:
            progress(done, len(passes))

    watch(first, network)
    return run_passes(network, passes, options, watch)
