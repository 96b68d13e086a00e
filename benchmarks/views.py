"""How presets do from one training view of NW-UCLA to the other, both ways: no test clip is seen.

python -m benchmarks.views all_sqe.zip --epochs 80 nw-ucla nw-ucla-lean
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.registry import load
from mksgn_neuro.training.collective import device
from mksgn_neuro.training.evaluate import evaluate
from mksgn_neuro.training.presets import Preset, preset
from mksgn_neuro.training.train import train


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.argument("names", nargs=-1, required=True)
@click.option("--epochs", default=80, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(data: Path, names: tuple[str, ...], epochs: int, seed: int) -> None:
    """Accuracy of presets NAMES from view 1 to 2 and back, quantized without training, and of their pairs' votes."""
    forth = load("nw-ucla-views", data)
    ways = (forth, replace(forth, train=~forth.train))
    scores = {
        name: [_scores(clips, preset(name, epochs=epochs, integer_epochs=0), seed) for clips in ways] for name in names
    }
    for size in (1, 2):
        for chosen in combinations(names, size):
            there, back = (
                float((sum(scores[name][w] for name in chosen).argmax(1) == clips.labels[~clips.train]).mean())
                for w, clips in enumerate(ways)
            )
            click.echo(f"{there:.1%} there, {back:.1%} back, {(there + back) / 2:.1%}  {' + '.join(chosen)}")


def _scores(clips: Clips, chosen: Preset, seed: int) -> np.ndarray:
    """(N, classes) spikes per class neuron that the quantized student gives to the clips of the other view."""
    with TemporaryDirectory() as directory:
        model = train(clips, chosen, Path(directory), seed=seed, report=lambda kind, record: None)
    found = evaluate(model.student.to(device()), clips.subset(~clips.train), model.scaling, model.frames)
    return found.scores / chosen.readout_copies


if __name__ == "__main__":
    main()
