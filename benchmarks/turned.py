"""What a host gains that shows each clip several times, turned or mirrored, and adds up the class spikes.

python -m benchmarks.turned all_sqe.zip MODEL ...

The same network runs on the chip once for each way, exact as ever, at as many times the energy. With several MODELs
the last lines are of all of them together: one chip for each, or one after the other.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import torch

from benchmarks.protocols import class_spikes
from mksgn_neuro.data.augment import mirrored, rotation
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.protocols import PROTOCOLS, streams
from mksgn_neuro.data.recognition import recognition
from mksgn_neuro.workflows.inputs import Request, clips_for, timing_of
from mksgn_neuro.workflows.load import load_networks

TURNS = (-20, 20)  # degrees about the vertical axis, beside 0
WAYS = {
    "as recorded": ("0",),
    "and mirrored": ("0", "mirrored"),
    "and turned by −20 and 20 degrees": ("0", "-20", "20"),
    "both": ("0", "mirrored", "-20", "20"),
}


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.argument("models", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def main(data: Path, models: tuple[Path, ...]) -> None:
    """Accuracies of every way, percent: standard / clean."""
    click.echo("| network | shown | continuous | clip | held | offline |\n|---|---|---|---|---|---|")
    sums: dict[tuple[str, str], list[np.ndarray]] = {}
    for model in models:
        network = load_networks(model).default_representation[1]
        clips = clips_for(network.task, Request("nw-ucla", data))
        timing, rate = timing_of(network.task), network.task.rate or clips.rate
        given = {protocol: streams(protocol, clips, timing) for protocol in PROTOCOLS}
        found = {}
        for way in ("0", "mirrored", *map(str, TURNS)):
            seen = shown(clips, way)
            for protocol in PROTOCOLS:
                there = streams(protocol, seen, timing)
                found[protocol, way] = [s.astype(np.int64) for s in class_spikes(network, there, seen)]
        sums = {key: _added(found[key], sums.get(key)) for key in found}
        _print(str(model), found, given, clips, rate)
    if len(models) > 1:
        _print("all together", sums, given, clips, rate)


def shown(clips: Clips, way: str) -> Clips:
    """The clips mirrored, or turned by so many degrees about the vertical axis."""
    if way == "0":
        return clips
    positions = torch.from_numpy(np.array(clips.positions))
    if way == "mirrored":
        turned = mirrored(positions, clips.skeleton)
    else:
        turned = positions @ rotation(clips.skeleton.up_axis, torch.tensor([float(way)]).deg2rad())[0].T
    return replace(clips, positions=turned.numpy())


def _added(spikes: list[np.ndarray], before: list[np.ndarray] | None) -> list[np.ndarray]:
    return spikes if before is None else [a + b for a, b in zip(spikes, before)]


def _print(name: str, found: dict, given: dict, clips: Clips, rate: float) -> None:
    for words, ways in WAYS.items():
        cells = []
        for protocol, key in (("continuous", ""), ("clip", ""), ("clip", "_held"), ("offline", "")):
            together = [sum(parts) for parts in zip(*(found[protocol, way] for way in ways))]
            accuracy = recognition(together, given[protocol], clips, rate)[f"accuracy{key}"]
            cells.append(f"{100 * accuracy['standard']:.1f} / {100 * accuracy['clean']:.1f}")
        click.echo(f"| {name} | {words} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
