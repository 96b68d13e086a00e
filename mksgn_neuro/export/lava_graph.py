"""The IR as a Lava process graph, run in a process of its own or written as a bundle that others can run."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy as np

from mksgn_neuro.errors import BadInput, Unsupported
from mksgn_neuro.export.child import run_child
from mksgn_neuro.files import write_text
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.inputs import checked
from mksgn_neuro.ir.spec import require_legal
from mksgn_neuro.ir.store import save

CHILD = "mksgn_neuro.export.lava.run"
NETWORK_FILE = "network.ir.h5"
LOADER_FILE = "run_network.py"
HINT = "install mksgn-neuro[lava] on Python 3.10, the last that Lava accepts (docs/lava.md); the emulator needs none"
LOADER = '''"""Runs network.ir.h5 in Lava: python run_network.py INPUTS.npy (T, N_in) SPIKES.npy [RESET_INTERVAL]"""
import sys
from pathlib import Path

import numpy as np
from mksgn_neuro.export.lava.network import NetworkProcess
from mksgn_neuro.export.lava.run import run
from mksgn_neuro.ir.store import load

network = load(Path(__file__).with_name("network.ir.h5"))

if __name__ == "__main__":
    process = NetworkProcess(network, int(sys.argv[3]) if len(sys.argv) > 3 else None)  # ports inp, out
    np.save(sys.argv[2], run(process, np.load(sys.argv[1]), [network.readout])[network.readout])
'''


def require_lava(distribution: Literal["lava-nc", "lava-dl"] = "lava-nc") -> None:
    """Raises Unsupported, in one line, where Lava (or lava-dl: SLAYER and the netx loader) cannot run."""
    try:
        version(distribution)
    except PackageNotFoundError:
        raise Unsupported("not installed", location=distribution, hint=HINT) from None
    if distribution == "lava-dl" and sys.version_info >= (3, 11):
        raise Unsupported("does not run on Python 3.11 and newer", location=distribution, hint=HINT)


def run_lava(
    network: Network,
    inputs: np.ndarray,
    *,
    reset_interval: int | None = None,
    record: Iterable[str] | Literal["all"] = "all",
    limit: float = 600.0,
) -> dict[str, np.ndarray]:
    """Run `inputs` (T, N_in), integers, through the network's own topology in Lava; spikes uint8 (T, N) by population.

    Samples follow each other on the time axis, `reset_interval` steps apart, and u and v are zeroed between them as
    `sim.reference.run` does. Raises Unsupported where Lava cannot run or the network counts frames, BadInput,
    IllegalNetwork, and ChildFailed with Lava's traceback or after `limit` seconds of CPU time.
    """
    require_lava()
    _require_steps(network)
    inputs = checked(network.source, inputs)
    names = [p.name for p in network.populations] if record == "all" else list(record)
    if unknown := sorted(set(names) - set(network.by_name)):
        raise BadInput(f"no population {unknown[0]}", hint=f"record some of {', '.join(network.by_name)}")
    if not len(inputs) or not names:
        return {name: np.zeros((len(inputs), network[name].size), np.uint8) for name in names}
    return run_child(
        CHILD, lambda folder: request(network, inputs, reset_interval, names, folder / NETWORK_FILE), limit
    )


def request(network: Network, inputs: np.ndarray, reset_interval: int | None, names: list[str], file: Path) -> dict:
    """What the child reads; the network goes by `file`."""
    save(network, file)
    return {
        "network": np.array(str(file)),
        "inputs": inputs,
        "reset_interval": np.array(reset_interval or 0),
        "record": np.array(names),
    }


def write_lava_bundle(network: Network, folder: Path) -> list[Path]:
    """Write the IR file and a loader that builds and runs it as a Lava process; returns both paths.

    The loader is a script, and a module with `network` in it. Raises Unsupported, IllegalNetwork.
    """
    _require_steps(network)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save(network, folder / NETWORK_FILE)
    write_text(LOADER, folder / LOADER_FILE)
    return [folder / NETWORK_FILE, folder / LOADER_FILE]


def _require_steps(network: Network) -> None:
    if network.transmission_delay != 1:
        hint = "apply mksgn_neuro.lowering.balance_delays first"
        raise Unsupported("a Lava spike takes one time step, this network counts frames", hint=hint)
    require_legal(network)
