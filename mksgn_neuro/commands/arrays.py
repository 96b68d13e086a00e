"""simulate --input: a network on one array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mksgn_neuro.commands.options import port_options, print_findings, print_json, print_populations
from mksgn_neuro.names import AXES

if TYPE_CHECKING:
    from mksgn_neuro.workflows.load import Networks

ONLY_ARRAYS = ("axes", "reset_interval", "input_bits", "input_shape")
ONLY_CLIPS = (
    "dataset",
    "data_path",
    "skip_bad",
    "protocol",
    "split",
    "limit",
    "renames",
    "chip_name",
    "energy_profile",
    "report_path",
    "seed",
)


@dataclass(frozen=True)
class ArrayRequest:
    """What `simulate --input` was asked to do."""

    path: Path
    axes: str | None
    reset_interval: int | None
    backend: str
    save: Path | None
    states: bool
    measure_spikes: bool
    as_json: bool


def array_options(command: Callable) -> Callable:
    """--input, and what only makes sense with it."""
    for option in reversed(
        (
            click.option(
                "--input",
                "input_path",
                type=click.Path(path_type=Path),
                help="X.npy, integers to simulate on instead of clips: (N, T), or images over time, see --axes.",
            ),
            click.option(
                "--axes",
                type=click.Choice(AXES),
                help="With --input of images: (C, H, W, T) or Lava's (W, H, C, T). Needed only where C = W.",
            ),
            click.option(
                "--reset-interval",
                "--period",
                type=click.IntRange(1),
                help="With --input: zero all state every N steps, as lava-dl's reset_interval=N, reset_offset=1.",
            ),
        )
    ):
        command = option(command)
    return port_options(command)


def print_array(networks: Networks, request: ArrayRequest) -> None:
    """Run an array through a network, print spike counts, save spikes where asked."""
    import numpy as np

    from mksgn_neuro.workflows.arrays import read_input, save_arrays, simulate_array

    representation, network = networks.default_representation
    inputs = read_input(network, request.path, request.axes)
    run = simulate_array(
        network, inputs, backend=request.backend, states=request.states, reset_interval=request.reset_interval
    )
    if request.save:
        save_arrays(run.arrays, request.save)
    document = {
        "model": str(networks.path),
        "representation": representation,
        "simulated_on": "CPU",
        "backend": request.backend,
        "steps": len(inputs),
        "reset_interval": request.reset_interval,
        "findings": networks.findings,
        "spikes": {name: int(spikes.sum(dtype=np.int64)) for name, spikes in run.spikes.items()},
        "populations": run.populations,
    }
    if request.as_json:
        return print_json(document)
    print_findings(networks.findings)
    for name, count in document["spikes"].items():
        click.echo(f"{name}: {count} spikes in {len(inputs)} steps, simulated on CPU")
    if request.measure_spikes:
        print_populations(run.populations)
    return None
