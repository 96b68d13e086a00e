"""The sections of the page, each a function from a report to HTML."""

from __future__ import annotations

from html import escape

import numpy as np

from mksgn_neuro.ir import role_of
from mksgn_neuro.report import svg
from mksgn_neuro.report.collect import Report
from mksgn_neuro.report.markup import number, table
from mksgn_neuro.report.shown import Shown

MOST_TEXT = 20  # classes up to which the confusion matrix says its numbers
MOST_WRONG = 60


def confusion_matrix(report: Report) -> str:
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
    of = f"<p class=note>Decisions at each clip's last frame, protocol {report.shown.protocol}.</p>"
    mixed = [(int(counts[r, c]), r, c) for r, c in zip(*np.nonzero(counts)) if r != c]
    worst = sorted(mixed, key=lambda item: (-item[0], item[1:]))[:5]
    said = "; ".join(f"{escape(names[r])} taken for {escape(names[c])} {n}×" for n, r, c in worst)
    most = f"<p>Most frequent mistakes: {said}.</p>" if worst else "<p>No clip was mistaken.</p>"
    numbered = "" if few else f"<p class=note>{'; '.join(f'{c} {escape(n)}' for c, n in enumerate(names, 1))}</p>"
    return f"{chart}{svg.scale('100 % of the true class', '0')}{most}{of}{numbered}"


def what_is_shown(shown: Shown) -> str:
    """Which frames a picture shows of clips that differ in length."""
    if shown.rate is None:
        return f'<p class="note">Protocol offline: every clip was stretched to {shown.frames} frames.</p>'
    shorter, longer = (int(n) for n in ((shown.ends < shown.frames).sum(), (shown.ends > shown.frames).sum()))
    return (
        f'<p class="note">Protocol {shown.protocol}: clips of {shown.ends.min()} to {shown.ends.max()} frames, '
        f"{shown.rate:g} a second. Shown are the first {shown.frames} ({shown.seconds(shown.frames)}): {shorter} of "
        f"{len(shown.ends)} clips end earlier and their last pose is held, {longer} are longer and cut.</p>"
    )


def accuracy_over_time(report: Report) -> str:
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
    words = (
        f"Half of the {recognised} recognised clips are decided for good after {middle} frames{time}." if middle else ""
    )
    meaning = "The decision after each frame is the class with most readout spikes so far."
    return f"{chart}<p>{meaning} {words}</p>{what_is_shown(shown)}"


def spikes_over_time(report: Report) -> str:
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
    activity = _activity_table(report.simulation)
    scale = svg.scale(f"{most:.2f} spikes per neuron and frame, or more")
    return f"{chart}{scale}{what_is_shown(shown)}{activity}"


def _activity_table(simulation: dict) -> str:
    rows = (
        f"<tr><th scope=row>{escape(p['name'])}</th><td>{p['neurons']:,}</td>"
        f"<td>{number('populations.' + p['name'] + '.spikes', p['spikes'], format(p['spikes'], ','))}</td>"
        f"<td>{p['spike_rate']:.2%}</td><td>{p['synops']:,}</td></tr>"
        for p in simulation["populations"]
    )
    counts = table(("population", "neurons", "spikes", "rate per step", "synops"), rows)
    what = f"All counts of protocol {simulation['protocol']}, held poses and silent steps after each clip included"
    return f"<details><summary>{what}</summary>{counts}</details>"


def attention(report: Report) -> str:
    """Gates as joints × time for each action; drawn by the script, which lets the reader choose the block."""
    observed = report.observed
    gates = [k for k, view in enumerate(observed.joint_views) if role_of(view.role).gates]
    if not gates:
        note = "<p>This network has no attention gates; the maps show its other populations.</p>"
    else:
        present = np.flatnonzero(report.confusion.sum(axis=1))
        opened = observed.by_class[gates][:, present]
        note = f"<p>Gates are open {opened.mean():.1%} of the time on average."
        idle = opened.min() == 1
        note += (
            " Every gate is open at every frame: the attention does nothing in this network.</p>" if idle else "</p>"
        )
    return (
        f"{note}<div class=controls><label>show <select id=attention-layer></select></label></div>"
        "<div id=attention-maps class=maps></div><p class=scale id=attention-scale></p>"
        "<noscript><p>These maps need JavaScript.</p></noscript>"
        "<p>After Fig. 5 of the paper, which shows joints across and time steps down. A cell is the share of a joint's "
        f"neurons that fire at a frame, mean over the action's clips.</p>{what_is_shown(report.shown)}"
    )


def information(report: Report) -> str:
    """What the modalities' spikes tell of each other."""
    found = report.information
    if found is None:
        return "<p>Not in this file: only a model.pt whose fusion is weighted by it has it.</p>"
    tip = lambda r, c: f"{found.modalities[r]} and {found.modalities[c]}: {found.matrix[r, c]:.4f} nats"
    chart = svg.heat_map(
        found.matrix, alt="Mutual information of the spikes of each pair of modalities, in nats", rows=found.modalities,
        columns=found.modalities, cell=(78, 38), text=lambda v: f"{v:.3f}", tip=tip,
    )  # fmt: skip
    weights = ", ".join(f"{escape(m)} {w:.3f}" for m, w in zip(found.modalities, found.weights))
    scale = svg.scale(f"{found.matrix.max():.3f} nats")
    return f"{chart}{scale}<p>Estimated in training; the diagonal is entropy. Fusion weights: {weights}.</p>"


def wrong_table(report: Report) -> str:
    """Clips that were not recognised, the surest mistakes first; those in the player have a button."""
    if not report.wrong:
        return "<p>None: every clip was recognised.</p>"
    names, shown = report.task.class_names, {clip["name"]: i for i, clip in enumerate(report.player.clips)}
    rows = (
        f"<tr><th scope=row>{escape(w.name)}</th><td>{escape(names[w.label])}</td><td>{escape(names[w.decided])}</td>"
        f"<td>{w.lead}</td><td>{w.right_frames} of {w.frames}</td>"
        f"<td>{_watch(shown[w.name]) if w.name in shown else ''}</td></tr>"
        for w in report.wrong[:MOST_WRONG]
    )
    more = len(report.wrong) - MOST_WRONG
    rest = f"<p>and {more} more</p>" if more > 0 else ""
    return (
        f"<p>{len(report.wrong)} of {report.simulation['samples']} clips, the surest mistakes first; decided at each "
        f"clip's last frame (protocol {report.shown.protocol}).</p>"
        + table(("clip", "true", "decided", "ahead by spikes", "frames right", ""), rows)
        + rest
    )


def _watch(i: int) -> str:
    return f'<button type=button class=watch data-clip="{i}">watch</button>'
