"""Presets on small data sets of one's own, beside a ridge regression on the same clips.

python -m benchmarks.own_data my-clips.npz --preset own --preset tiny --seeds 3
python -m benchmarks.own_data all_sqe.zip --dataset nw-ucla-views --per-class 5 --preset own

Networks learn from the labels alone and are tested in the integers of the chip on the split's test clips, once. The
regression gets each clip whole, stretched to FRAMES frames, relative to the centre joint: what `offline` gives a
network. How strongly it is regularised is chosen on people whom it did not see, among the training clips.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import resample
from mksgn_neuro.data.protocols import PROTOCOLS
from mksgn_neuro.data.registry import load
from mksgn_neuro.training.preset import Preset
from mksgn_neuro.training.presets import preset
from mksgn_neuro.training.train import train

FRAMES = 40
STRENGTHS = 10.0 ** np.arange(-2, 7)


def few(clips: Clips, per_class: int | None, seed: int) -> Clips:
    """With so many training clips of each class, drawn; all test clips."""
    if per_class is None:
        return clips
    rng, kept = np.random.default_rng(seed), ~clips.train
    for label in range(len(clips.class_names)):
        kept[rng.permutation(np.flatnonzero(clips.train & (clips.labels == label)))[:per_class]] = True
    return clips.subset(kept)


def ridge(clips: Clips, seed: int) -> float:
    """Accuracy on the test clips of the linear map (features to classes) of least squares."""
    fit, select = clips.held_out_split(seed=seed)

    def accuracy(train: Clips, test: Clips, strength: float) -> float:
        return float((_solved(train, strength)(test) == test.labels).mean())

    strength = max(STRENGTHS, key=lambda strength: accuracy(fit, select, strength))
    return accuracy(clips.subset(clips.train), clips.subset(~clips.train), strength)


def _solved(clips: Clips, strength: float) -> Callable[[Clips], np.ndarray]:
    x = _features(clips)
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    x = (x - mean) / spread
    wanted = np.eye(len(clips.class_names))[clips.labels] - 1 / len(clips.class_names)
    duals = np.linalg.solve(x @ x.T + strength * np.eye(len(x)), wanted)
    return lambda others: ((_features(others) - mean) / spread @ (x.T @ duals)).argmax(axis=1)


def _features(clips: Clips) -> np.ndarray:
    """(N, FRAMES · V · 3) float64."""
    stretched = np.stack([resample(clips[i], FRAMES, clips.skeleton.bodies) for i in range(len(clips))])
    return (stretched - stretched[:, :, [clips.skeleton.centre_joint]]).reshape(len(clips), -1).astype(np.float64)


def network(clips: Clips, chosen: Preset, seed: int, directory: Path) -> tuple[dict[str, float], float]:
    """Accuracy by protocol on the test clips, in integers, and the seconds of processor time that training took."""
    before = time.process_time()
    model = train(clips, chosen, directory, seed=seed, report=lambda kind, record: None)
    seconds = time.process_time() - before
    return {name: found["accuracy"]["standard"] for name, found in model.training["test"]["integer"].items()}, seconds


def line(seed: int, name: str, found: dict[str, float], seconds: float | None) -> str:
    """A row of the table, empty where nothing was measured."""
    cells = [f"{100 * found[protocol]:.1f} %" if protocol in found else "" for protocol in PROTOCOLS]
    return f"| {' | '.join([str(seed), name, *cells, '' if seconds is None else f'{seconds:.0f}'])} |"


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option("--dataset", default="npz", show_default=True)
@click.option("--preset", "names", multiple=True, default=("own", "tiny"), show_default=True)
@click.option("--per-class", type=int, help="Training clips of each class; default: all.")
@click.option("--seeds", default=1, show_default=True)
def main(data: Path, dataset: str, names: tuple[str, ...], per_class: int | None, seeds: int) -> None:
    """A line for each seed and network, simulated on CPU."""
    click.echo(f"| seed | network | {' | '.join(PROTOCOLS)} | CPU seconds |\n|{'---|' * (3 + len(PROTOCOLS))}")
    for seed in range(seeds):
        clips = few(load(dataset, data), per_class, seed)
        click.echo(line(seed, "ridge regression", {"offline": ridge(clips, seed)}, None))
        for name in names:
            chosen = preset(name, soft_label_weight=0.0, feature_weight=0.0)
            with TemporaryDirectory() as directory:
                found, seconds = network(clips, chosen, seed, Path(directory))
            click.echo(line(seed, name, found, seconds))


if __name__ == "__main__":
    main()
