"""The sections of the page, each a function from a report to HTML."""

from __future__ import annotations

from html import escape

import numpy as np

from mksgn_neuro.report import svg
from mksgn_neuro.report.collect import Report

MOST_TEXT = 20  # classes up to which the confusion matrix says its numbers and a curve names its class
MOST_WRONG = 60
STAGE_WORDS = {"float": "student, float", "integer": "student, integers"}


def number(key: str, value: float | int, text: str) -> str:
    """A figure of `simulate --json`, marked with its key and exact value so that programs can check the page."""
    return f'<data data-key="{key}" value="{value!r}">{escape(text)}</data>'


def joules_text(joules: float) -> str:
    """With four significant digits in the unit that suits."""
    unit, factor = next(((u, f) for u, f in (("mJ", 1e3), ("µJ", 1e6)) if joules * f >= 1), ("nJ", 1e9))
    return f"{joules * factor:.4g} {unit}"


def verdict(report: Report) -> str:
    """The answer in a glance."""
    s = report.simulation
    cards = [("accuracy", number("accuracy", s["accuracy"], f"{s['accuracy']:.2%}"), f"{s['samples']} {_what(s)}")]
    if s.get("accuracy_clean") is not None:
        text = number("accuracy_clean", s["accuracy_clean"], f"{s['accuracy_clean']:.2%}")
        cards.append(("accuracy, clean", text, f"without {s['leaked']} test clips that are also in training"))
    joules = s["energy"]["joules_per_sample"]
    text = number("energy.joules_per_sample", joules, joules_text(joules))
    cards.append(("energy per clip", text, f"profile {s['energy']['profile']}; {_against(report)}"))
    text = number("cores", s["cores"], str(s["cores"]))
    cards.append(("neurocores", text, f"Loihi 2 mapping, fullest {max(c.load for c in report.cores):.0%} used"))
    middle = report.online.median_settled
    decided = f"frame {middle} of {report.task.frames}" if middle else "never right"
    cards.append(("decided for good by", decided, "median of the clips that are recognised"))
    cards.append(("same spikes in every form", *_verified(report)))
    items = "".join(f"<div><dt>{t}</dt><dd>{v}</dd><dd class='note'>{escape(n)}</dd></div>" for t, v, n in cards)
    return f'<dl class="cards">{items}</dl>{_accuracy_of_forms(report)}'


def _what(simulation: dict) -> str:
    return f"clips of {simulation['dataset']}" + (", interrupted" if simulation["partial"] else "")


def _against(report: Report) -> str:
    ours = next(row for row in report.energy if row.what.endswith(report.simulation["energy"]["profile"]))
    teacher = next((row for row in report.energy if row.what.endswith("fp32")), None)
    if teacher is None or ours.joules == 0:
        return "no teacher to compare with"
    return f"{ours.joules / teacher.joules:.2%} of its teacher in fp32"


def _verified(report: Report) -> tuple[str, str]:
    if report.rungs is None:
        return "not checked here", "mksgn-neuro verify MODEL does"
    ran = [rung for rung in report.rungs if not rung.not_run]
    left_out = len(report.rungs) - len(ran)
    note = f"{len(ran)} comparisons, every population at every step" + (f"; {left_out} not run" if left_out else "")
    wrong = sum(rung.mismatches for rung in ran)
    return ("verified" if ran and not wrong else f"{wrong} spikes differ"), note


def _accuracy_of_forms(report: Report) -> str:
    """The float, the quantized and the integer student, as training left them."""
    summary = report.training.summary if report.training else {}
    if "held_out_accuracy" not in summary:
        return ""
    held_out = summary["held_out_clips"]
    chosen_on = f"{held_out} held-out training clips, on which models are chosen"
    figures = {chosen_on if held_out else "clips that they were trained on": summary["held_out_accuracy"]}
    test = summary.get("test_accuracy", {})
    for part, what in (("standard", "all test clips"), ("clean", "test clips without a twin in training")):
        figures[what] = {form: accuracy[part] for form, accuracy in test.items() if accuracy[part] is not None}
    said = [f"On {what}: {_percentages(accuracy)}." for what, accuracy in figures.items() if accuracy]
    return f"<p>{'<br>'.join(escape(sentence) for sentence in said)}</p>"


def _percentages(accuracy: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.1%}" for name, value in accuracy.items())


def training_curves(report: Report) -> str:
    """Loss and accuracy of the student's stages; teachers by their validation accuracy."""
    if report.training is None:
        return "<p>This file does not say how it was trained.</p>"
    if not report.training.history:
        return "<p>No metrics.json of this training lies beside the model.</p>"
    stages: dict[str, list[dict]] = {}
    for epoch in report.training.history:
        stages.setdefault(epoch["stage"], []).append(epoch)
    students, lines = {n: e for n, e in stages.items() if n in STAGE_WORDS}, []
    watched = "held out" if report.training.summary.get("held_out_clips", 1) else "trained on, not augmented"
    done = 0
    for name, epochs in students.items():
        x = [done + i + 1 for i in range(len(epochs))]
        colour = 1 if name == "float" else 2
        lines.append(svg.Line(f"{STAGE_WORDS[name]}, {watched}", x, [e["validation_accuracy"] for e in epochs], colour))
        lines.append(svg.Line(f"{STAGE_WORDS[name]}, training", x, [e["accuracy"] for e in epochs], colour + 2))
        done += len(epochs)
    teachers = [
        svg.Line(name.replace("-", " "), range(1, len(e) + 1), [epoch["validation_accuracy"] for epoch in e], c)
        for c, (name, e) in enumerate(((n, e) for n, e in stages.items() if n not in STAGE_WORDS), 1)
    ]
    common = {"x_label": "epoch", "y_label": "accuracy", "y_range": (0, 1), "percent": True}
    charts = (
        [titled("Student", svg.line_chart(lines, alt="Accuracy of the student by epoch", **common))] if lines else []
    )
    if teachers:
        alt = "Accuracy of the teachers on held-out clips by epoch"
        charts.append(titled("Teachers, held out", svg.line_chart(teachers, alt=alt, **common)))
    return f'<div class="pair">{"".join(charts)}</div>'


def titled(title: str, chart: str) -> str:
    """A chart under its title."""
    return f"<figure><figcaption>{escape(title)}</figcaption>{chart}</figure>"


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
    mixed = [(int(counts[r, c]), r, c) for r, c in zip(*np.nonzero(counts)) if r != c]
    worst = sorted(mixed, key=lambda item: (-item[0], item[1:]))[:5]
    said = "; ".join(f"{escape(names[r])} taken for {escape(names[c])} {n}×" for n, r, c in worst)
    most = f"<p>Most frequent mistakes: {said}.</p>" if worst else "<p>No clip was mistaken.</p>"
    numbered = "" if few else f"<p class=note>{'; '.join(f'{c} {escape(n)}' for c, n in enumerate(names, 1))}</p>"
    return f"{chart}{svg.scale('100 % of the true class', '0')}{most}{numbered}"


def accuracy_over_time(report: Report) -> str:
    """Online recognition."""
    result, frames = report.online, range(1, report.task.frames + 1)
    lines = [svg.Line("all clips", frames, result.accuracy, 1)]
    if result.clean is not None:
        lines.append(svg.Line("without clips that are also in training", frames, result.clean, 2))
    marks = [(result.median_settled, f"median {result.median_settled}")] if result.median_settled else []
    label = "frames seen (the whole clip is resampled to this many)"
    chart = svg.line_chart(
        lines, alt="Share of clips whose decision is right after each frame", x_label=label,
        y_label="accuracy so far", y_range=(0, 1), percent=True, marks=marks,
    )  # fmt: skip
    settled = [int(((result.settled > 0) & (result.settled <= f)).sum()) for f in frames]
    half = next((f for f, n in zip(frames, settled) if 2 * n >= max(settled[-1], 1)), None)
    words = f"Half of the {settled[-1]} recognised clips are decided for good after {half} frames." if half else ""
    return f"{chart}<p>The decision after each frame is the class with most readout spikes so far. {words}</p>"


def spikes_over_time(report: Report) -> str:
    """Rates of all populations at each frame."""
    observed, frames = report.observed, report.task.frames
    rates = observed.rates
    names = [place.name for place in observed.places]
    tip = lambda r, c: f"{names[r]}, frame {c + 1}: {rates[r, c]:.1%}"
    graded = [rates[k].max() for k, place in enumerate(observed.places) if place.role != "gate"]
    most = max(graded, default=1.0) or 1.0
    wide = max(6, min(18, 560 // frames))
    chart = svg.heat_map(
        rates, alt="Spikes per neuron and frame of every population over time", rows=names,
        columns=[str(f + 1) for f in range(frames)], column_step=max(1, frames // 8), x_label="frame",
        y_label="population", cell=(wide, 13), most=most, tip=tip,
    )  # fmt: skip
    table = _activity_table(report.simulation)
    return f"{chart}{svg.scale(f'{most:.2f} spikes per neuron and frame, or more')}{table}"


def _activity_table(simulation: dict) -> str:
    rows = "".join(
        f"<tr><th scope=row>{escape(p['name'])}</th><td>{p['neurons']:,}</td>"
        f"<td>{number('populations.' + p['name'] + '.spikes', p['spikes'], format(p['spikes'], ','))}</td>"
        f"<td>{p['spike_rate']:.2%}</td><td>{p['synops']:,}</td></tr>"
        for p in simulation["populations"]
    )
    head = "".join(f"<th scope=col>{h}</th>" for h in ("population", "neurons", "spikes", "rate per step", "synops"))
    summary = "<summary>All counts, silent steps after each clip included</summary>"
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<details>{summary}{table}</details>"


def attention(report: Report) -> str:
    """Gates as joints × time for each action; drawn by the script, which lets the reader choose the block."""
    observed = report.observed
    gates = [k for k, place in enumerate(observed.joint_places) if place.role == "gate"]
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
        "neurons that fire at a frame, mean over the action's clips.</p>"
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
    rows = "".join(
        f"<tr><th scope=row>{escape(w.name)}</th><td>{escape(names[w.label])}</td><td>{escape(names[w.decided])}</td>"
        f"<td>{w.lead}</td><td>{w.right_frames} of {report.task.frames}</td>"
        f"<td>{_watch(shown[w.name]) if w.name in shown else ''}</td></tr>"
        for w in report.wrong[:MOST_WRONG]
    )
    head = "".join(
        f"<th scope=col>{h}</th>" for h in ("clip", "true", "decided", "ahead by spikes", "frames right", "")
    )
    more = len(report.wrong) - MOST_WRONG
    rest = f"<p>and {more} more</p>" if more > 0 else ""
    return (
        f"<p>{len(report.wrong)} of {report.simulation['samples']} clips, the surest mistakes first.</p>"
        f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{rest}"
    )


def _watch(i: int) -> str:
    return f'<button type=button class=watch data-clip="{i}">watch</button>'
