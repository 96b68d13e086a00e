"""What the sections on recognition and spikes say: from a report to the values of their templates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mksgn_neuro.data.attention import chance_distance, gate_use, map_distance
from mksgn_neuro.ir import role_of
from mksgn_neuro.report import svg
from mksgn_neuro.report.collect import Report
from mksgn_neuro.report.markup import Number
from mksgn_neuro.report.shown import Shown

MOST_TEXT = 20  # classes up to which the confusion matrix says its numbers
MOST_WRONG = 60


@dataclass(frozen=True)
class Nothing:
    """Why a section has nothing to show: it is left out, and the page's last line says so."""

    reason: str


def confusion_matrix(report: Report) -> dict:
    """True class by decided class."""
    names, counts = report.task.class_names, report.confusion
    few = len(names) <= MOST_TEXT
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    tip = lambda r, c: f"{names[r]} decided as {names[c]}: {counts[r, c]} of {counts[r].sum()}"
    text = (lambda value: f"{value:.0%}"[:-1] if value else "") if few else None
    labels = names if few else [str(c + 1) if c % 5 == 0 else "" for c in range(len(names))]
    width, height = (34, 26) if few else (8, 8)
    chart = svg.heat_map(
        share, alt="Confusion matrix: share of each true class that was decided as each class", rows=labels,
        columns=labels, x_label="decided", y_label="true", cell=(width, height), most=1.0, text=text, tip=tip,
    )  # fmt: skip
    mixed = [(int(counts[r, c]), r, c) for r, c in zip(*np.nonzero(counts)) if r != c]
    worst = sorted(mixed, key=lambda item: (-item[0], item[1:]))[:5]
    return {
        "chart": chart,
        "scale": svg.scale("100 % of the true class"),
        "mistakes": [f"{names[r]} taken for {names[c]} {n}×" for n, r, c in worst],
        "protocol": report.shown.protocol,
        "numbered": [] if few else [f"{c} {name}" for c, name in enumerate(names, 1)],
    }


def what_is_shown(shown: Shown) -> str:
    """Which frames a picture shows of clips that differ in length."""
    if shown.rate is None:
        return f"Protocol offline: every clip was stretched to {shown.frames} frames."
    shorter, longer = (int(n) for n in ((shown.ends < shown.frames).sum(), (shown.ends > shown.frames).sum()))
    return (
        f"Protocol {shown.protocol}: clips of {shown.ends.min()} to {shown.ends.max()} frames, "
        f"{shown.rate:g} a second. Shown are the first {shown.frames} ({shown.seconds(shown.frames)}): {shorter} of "
        f"{len(shown.ends)} clips end earlier and their last pose is held, {longer} are longer and cut."
    )


def accuracy_over_time(report: Report) -> dict:
    """Online recognition."""
    result, shown = report.online, report.shown
    frames = range(1, shown.frames + 1)
    lines = [svg.Line("all clips", frames, result.accuracy, 1)]
    if result.clean is not None:
        lines.append(svg.Line("without leaked clips", frames, result.clean, 2))
    if result.ended.any():
        lines.append(svg.Line("share of clips that have ended", frames, result.ended, 3))
    middle = shown.median_settled
    chart = svg.line_chart(
        lines, alt="Share of clips whose decision is right after each frame",
        x_label="frames seen" + (", and seconds" if shown.rate else ""), y_label="accuracy so far", y_range=(0, 1),
        percent=True, marks=[(middle, f"median {middle}")] if middle and middle <= shown.frames else [],
        below=shown.seconds if shown.rate else None,
    )  # fmt: skip
    recognised = int((shown.settled > 0).sum())
    time = f" ({shown.seconds(middle)})" if middle and shown.rate else ""
    words = f"Half of the {recognised} recognised clips are decided for good after {middle} frames{time}."
    return {"chart": chart, "decided": words if middle else "", "shown": what_is_shown(shown)}


def spikes_over_time(report: Report) -> dict:
    """Rates of all populations at each frame."""
    observed, shown = report.observed, report.shown
    rates, frames = observed.rates, shown.frames
    names = [view.name for view in observed.population_views]
    tip = lambda r, c: f"{names[r]}, frame {c + 1}: {rates[r, c]:.1%}"
    graded = [rates[k].max() for k, view in enumerate(observed.population_views) if not role_of(view.role).gates]
    most = max(graded, default=1.0) or 1.0
    wide = max(6, min(18, 560 // frames))
    chart = svg.heat_map(
        rates, alt="Spikes per neuron and frame of every population over time", rows=names,
        columns=[str(f + 1) for f in range(frames)], column_step=max(1, frames // 8),
        x_label=f"frame, {shown.rate:g} a second" if shown.rate else "frame", y_label="population", cell=(wide, 13),
        most=most, tip=tip,
    )  # fmt: skip
    populations = [
        p | {"count": Number(f"populations.{p['name']}.spikes", p["spikes"], format(p["spikes"], ","))}
        for p in report.simulation["populations"]
    ]
    return {
        "chart": chart,
        "scale": svg.scale(f"{most:.2f} spikes per neuron and frame, or more"),
        "shown": what_is_shown(shown),
        "protocol": report.simulation["protocol"],
        "populations": populations,
    }


def attention(report: Report) -> dict:
    """Gates as joints × time for each action; drawn by the script, which lets the reader choose the block."""
    opened, labels = report.observed.gates, report.shown.clips.labels
    use = gate_use(opened.mean(axis=0))
    distances = (map_distance(opened, labels), chance_distance(opened, labels)) if use else ()
    return {"use": use, "distances": distances, "shown": what_is_shown(report.shown)}


def information(report: Report) -> dict | Nothing:
    """What the modalities' spikes tell of each other."""
    found = report.information
    if found is None:
        return Nothing("the network has no encoder whose neurons belong to modalities")
    tip = lambda r, c: f"{found.modalities[r]} and {found.modalities[c]}: {found.matrix[r, c]:.4f} nats"
    chart = svg.heat_map(
        found.matrix, alt="Mutual information of the spikes of each pair of modalities, in nats", rows=found.modalities,
        columns=found.modalities, cell=(78, 38), text=lambda v: f"{v:.4f}", tip=tip,
    )  # fmt: skip
    weights = None if found.weights is None else [f"{m} {w:.3f}" for m, w in zip(found.modalities, found.weights)]
    between = found.matrix[~np.eye(len(found.matrix), dtype=bool)]
    return {
        "chart": chart,
        "scale": svg.scale(f"{found.matrix.max():.3f} nats"),
        "between": between,
        "weights": weights,
        "of_model": found.of_model,
    }


def wrong_clips(report: Report) -> dict | Nothing:
    """Clips that were not recognised, the surest mistakes first; those in the player have a button."""
    if not report.wrong:
        return Nothing("every clip was recognised")
    return {
        "wrong": report.wrong[:MOST_WRONG],
        "more": max(len(report.wrong) - MOST_WRONG, 0),
        "names": report.task.class_names,
        "in_player": {clip["name"]: i for i, clip in enumerate(report.player.clips)},
        "protocol": report.shown.protocol,
        "clips": report.simulation["samples"],
        "count": len(report.wrong),
    }
