"""The files of each target, written from the network that its passes made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mksgn_neuro.export.lava_graph import write_lava_bundle
from mksgn_neuro.export.netx.deployment import Endless, deployment_script
from mksgn_neuro.export.netx.writer import write_netx
from mksgn_neuro.export.slayer import write_slayer_file
from mksgn_neuro.files import write_text
from mksgn_neuro.ir import Network

Writer = Callable[[Network, Path, "int | None"], tuple[Path, ...]]
"""Network, stem of the files' names and reset interval to the files, that of the network first."""


def write_loihi2(network: Network, stem: Path, reset_interval: int | None) -> tuple[Path, ...]:
    """netx, its sidecar and the script that runs it."""
    written = write_netx(network, stem.with_name(f"{stem.name}.net"), reset_interval=reset_interval)
    script = stem.with_name(f"{stem.name}_on_loihi2.py")
    write_text(
        deployment_script(written.net.name, script=script.name, endless=_endless(network, reset_interval)), script
    )
    return written.net, written.sidecar, script


def _endless(network: Network, reset_interval: int | None) -> Endless | None:
    task, latency = network.task, network.level[network.readout]
    if reset_interval is not None:
        return None
    return Endless(latency) if task is None else Endless(latency, task.rate, task.window, task.steps_per_frame)


def write_lava(network: Network, stem: Path, reset_interval: int | None) -> tuple[Path, ...]:
    """The network and a script that runs it as a Lava process graph."""
    return tuple(write_lava_bundle(network, stem.with_name(f"{stem.name}_lava")))


def write_slayer(network: Network, stem: Path, reset_interval: int | None) -> tuple[Path, ...]:
    """What SLAYER's own export writes."""
    path = stem.with_name(f"{stem.name}_slayer.net")
    write_slayer_file(network, path)
    return (path,)


def write_nir_graph(network: Network, stem: Path, reset_interval: int | None) -> tuple[Path, ...]:
    """A NIR graph."""
    from mksgn_neuro.export.nir.writer import write_nir  # which every command would load otherwise

    path = stem.with_name(f"{stem.name}.nir")
    write_nir(network, path)
    return (path,)
