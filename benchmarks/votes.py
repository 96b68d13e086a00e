"""What several trained networks recognise together: their classes' spike counts added up, clip by clip.

python -m benchmarks.votes DATA MODEL MODEL ...
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import click
import numpy as np

from mksgn_neuro.sim.readout import decide
from mksgn_neuro.workflows.inputs import Request, clips_for
from mksgn_neuro.workflows.load import load_networks
from mksgn_neuro.workflows.simulate import classify


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.argument("models", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def main(data: Path, models: tuple[Path, ...]) -> None:
    """Accuracy of every combination of MODELs on the test clips of DATA, all and without twins in training."""
    networks = [load_networks(model).simulated[1] for model in models]
    runs = [classify(network, clips_for(network.task, Request(path=data)), "emulator") for network in networks]
    clips = runs[0].clips
    for size in range(1, len(runs) + 1):
        for chosen in combinations(range(len(runs)), size):
            right = decide(np.sum([runs[i].simulation.scores for i in chosen], axis=0)) == clips.labels
            names = " + ".join(str(models[i]) for i in chosen)
            click.echo(f"{right.mean():.2%} / {right[~clips.leaked].mean():.2%}  {names}")


if __name__ == "__main__":
    main()
