"""The figures of a report for a paper: PNG and SVG by matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mksgn_neuro.files import atomic_write
from mksgn_neuro.ir import role_of
from mksgn_neuro.report.collect import Report

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito 2008
MAP = "cividis"
MOST_NAMED = 20  # classes whose names fit on an axis
DPI = 200
MOST_ACTIONS, MAPS_ACROSS = 12, 4


def write_figures(report: Report, folder: Path) -> list[Path]:
    """Write every figure that the report has data for, as NAME.png and NAME.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, draw in FIGURES.items():
        figure = draw(report)
        if figure is not None:
            written += [_save(figure, folder / f"{name}.{kind}") for kind in ("png", "svg")]
    return written


def _save(figure: Figure, path: Path) -> Path:
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=DPI, bbox_inches="tight")
    return path


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def _from_one(rows: int, columns: int) -> tuple[float, float, float, float]:
    """The extent of an image whose rows and columns count from 1."""
    return 0.5, columns + 0.5, rows + 0.5, 0.5


def _frame_axis(report: Report) -> str:
    rate = report.shown.rate
    return f"frame, {rate:g} a second" if rate else "frame"


def training(report: Report) -> Figure | None:
    """Validation accuracy by epoch, one line per stage."""
    if report.training is None or not report.training.history:
        return None
    figure, axes = _axes(5, 3.2)
    stages = dict.fromkeys(epoch["stage"] for epoch in report.training.history)
    for k, stage in enumerate(stages):
        values = [e["validation_accuracy"] for e in report.training.history if e["stage"] == stage]
        style = {"color": COLOURS[k % len(COLOURS)], "marker": "osD^vx"[k % 6], "markersize": 3}
        axes.plot(range(1, len(values) + 1), values, label=stage.replace("-", " "), **style)
    axes.set(xlabel="epoch of the stage", ylabel="accuracy after each epoch", ylim=(0, 1))
    axes.legend(fontsize=7)
    return figure


def online(report: Report) -> Figure:
    """Accuracy after each frame."""
    figure, axes = _axes(5, 3.2)
    shown = report.shown
    frames = range(1, shown.frames + 1)
    axes.plot(frames, report.online.accuracy, color=COLOURS[0], label="all clips")
    if report.online.clean is not None:
        axes.plot(frames, report.online.clean, "--", color=COLOURS[1], label="without leaked clips")
    if report.online.ended.any():
        axes.plot(frames, report.online.ended, ":", color="#777777", label="share of clips that have ended")
    axes.set(xlabel="frames seen", ylabel="accuracy so far", ylim=(0, 1))
    axes.legend()
    if shown.rate:
        seconds = axes.secondary_xaxis("top", functions=(lambda f: f / shown.rate, lambda t: t * shown.rate))
        seconds.set_xlabel("seconds")
    return figure


def confusion(report: Report) -> Figure:
    """True class by decided class."""
    names, counts = report.task.class_names, report.confusion
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.5 + 0.32 * min(len(names), MOST_NAMED)
    figure, axes = _axes(side + 0.8, side)
    figure.colorbar(axes.imshow(share, cmap=MAP, vmin=0, vmax=1), label="share of the true class")
    if len(names) <= MOST_NAMED:
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
        axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="decided", ylabel="true")
    return figure


def spikes(report: Report) -> Figure:
    """Rate of each population at each frame."""
    observed = report.observed
    figure, axes = _axes(6, 1.5 + 0.14 * len(observed.population_views))
    graded = [r.max() for r, view in zip(observed.rates, observed.population_views) if not role_of(view.role).gates]
    extent = _from_one(*observed.rates.shape)
    image = axes.imshow(
        observed.rates, cmap=MAP, vmin=0, vmax=max(graded, default=1) or 1, aspect="auto", extent=extent
    )
    figure.colorbar(image, label="spikes per neuron and frame", extend="max")
    axes.set_yticks(
        range(1, len(observed.population_views) + 1), [view.name for view in observed.population_views], fontsize=6
    )
    axes.set(xlabel=_frame_axis(report), ylabel="population")
    return figure


def attention(report: Report) -> Figure | None:
    """Gates, mean over blocks, as joints by time for each action."""
    observed, clips = report.observed, report.confusion.sum(axis=1)
    gates = [k for k, view in enumerate(observed.joint_views) if role_of(view.role).gates]
    if not gates:
        return None
    actions = np.sort([a for a in np.argsort(-clips, kind="stable")[:MOST_ACTIONS] if clips[a]])
    rows = -(-len(actions) // MAPS_ACROSS)
    figure = Figure(figsize=(8, 0.6 + 2.0 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, MAPS_ACROSS, squeeze=False, sharex=True, sharey=True)
    for panel, action in zip(panels.flat, actions):
        share = observed.by_class[gates, action].mean(axis=0)
        image = panel.imshow(share, cmap=MAP, vmin=0, vmax=1, aspect="auto", extent=_from_one(*share.shape))
        panel.set_title(report.task.class_names[action], fontsize=8)
    for panel in list(panels.flat)[len(actions) :]:
        panel.set_visible(False)
    figure.supxlabel("joint")
    figure.supylabel(_frame_axis(report))
    figure.colorbar(image, ax=panels, label="share of gates open")
    return figure


def information(report: Report) -> Figure | None:
    """Mutual information of the modalities."""
    found = report.information
    if found is None:
        return None
    figure, axes = _axes(4.4, 3.4)
    figure.colorbar(axes.imshow(found.matrix, cmap=MAP, vmin=0), label="nats")
    axes.set_xticks(range(len(found.modalities)), found.modalities, rotation=30, ha="right")
    axes.set_yticks(range(len(found.modalities)), found.modalities)
    return figure


def cores(report: Report) -> Figure:
    """Load of each core where it lies on the mesh."""
    columns, rows = report.mesh
    figure, axes = _axes(1.5 + 0.35 * columns, 0.8 + 0.35 * rows)
    load = np.full((rows, columns), np.nan)
    for core in report.cores:
        load[core.y, core.x] = core.load
    figure.colorbar(axes.imshow(load, cmap=MAP, vmin=0, vmax=1), label="share of the fullest limit")
    axes.set(xlabel="tile, x", ylabel="tile, y")
    return figure


def energy(report: Report) -> Figure:
    """Energy per clip on a logarithmic axis, published figures hatched."""
    figure, axes = _axes(7, 0.8 + 0.4 * len(report.energy))
    for k, row in enumerate(report.energy):
        style = {"ours": COLOURS[0], "teacher": COLOURS[1], "published": "#bbbbbb"}[row.kind]
        axes.barh(k, row.joules * 1e6, color=style, hatch="//" if row.kind == "published" else None)
    axes.set_yticks(range(len(report.energy)), [row.what for row in report.energy], fontsize=7)
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="µJ per clip")
    return figure


FIGURES: dict[str, Callable[[Report], Figure | None]] = {
    "training": training,
    "online": online,
    "confusion": confusion,
    "spikes": spikes,
    "attention": attention,
    "information": information,
    "cores": cores,
    "energy": energy,
}
