"""Accuracy against energy of what `mksgn-neuro simulate --json` printed, as a table and a picture.

python -m benchmarks.accuracy_energy OUT.png LABEL=FILE.json ...
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import click

PAPER = (0.596, 92.3)  # mJ and percent on NW-UCLA, a float SNN: arXiv 2404.10210


@dataclass(frozen=True)
class Point:
    """One network: percent on all clips and on those without a duplicate in training, mJ and accumulates per sample."""

    label: str
    standard: float
    clean: float
    millijoules: float
    accumulates: float


def read(label: str, path: Path) -> Point:
    """A point from the JSON that `simulate` printed."""
    document = json.loads(path.read_text())
    return Point(
        label,
        100 * document["accuracy"],
        100 * document["accuracy_clean"],
        1e3 * document["energy"]["joules_per_sample"],
        document["synaptic_operations"]["Effective_ACs"],
    )


def table(points: list[Point]) -> str:
    """Markdown, most energy first."""
    head = ["| | standard | clean | accumulates per sample | energy per sample |", "|---|---|---|---|---|"]
    rows = [
        f"| {p.label} | {p.standard:.1f} % | {p.clean:.1f} % | {p.accumulates:,.0f} | {p.millijoules:.4f} mJ |"
        for p in points
    ]
    return "\n".join(head + rows)


def plot(points: list[Point], path: Path) -> None:
    """Percent over millijoules, with the paper's figure."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4))
    energies = [p.millijoules for p in points]
    axes.plot(energies, [p.standard for p in points], "o", label="all 464 test clips")
    axes.plot(energies, [p.clean for p in points], "s", label="the 369 without a duplicate in training")
    axes.plot(*PAPER, "k*", markersize=11, label="the paper's float SNN, its own figure")
    for p in points:
        axes.annotate(p.label, (p.millijoules, p.clean), textcoords="offset points", xytext=(4, -14), fontsize=8)
    axes.set(xscale="log", xlabel="mJ per sample (0.9 pJ an accumulate; simulated on CPU)", ylabel="percent right")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


@click.command()
@click.argument("picture", type=click.Path(path_type=Path))
@click.argument("results", nargs=-1, required=True, metavar="LABEL=FILE.json ...")
def main(picture: Path, results: tuple[str, ...]) -> None:
    """Draw PICTURE and print the table."""
    points = [read(label, Path(path)) for label, path in (result.split("=", 1) for result in results)]
    points.sort(key=lambda point: -point.millijoules)
    plot(points, picture)
    click.echo(table(points))


if __name__ == "__main__":
    main()
