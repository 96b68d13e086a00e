"""How the network was trained, and what every representation of it recognised then."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mksgn_neuro.data.protocols import PROTOCOLS
from mksgn_neuro.models.notes import watched_figures
from mksgn_neuro.report import svg
from mksgn_neuro.report.collect import Report
from mksgn_neuro.report.markup import table, titled

STAGE_WORDS = {"float": "student, float", "integer": "student, integers"}
COMMON = {"x_label": "epoch", "y_label": "accuracy", "y_range": (0, 1), "percent": True}


def training_section(report: Report) -> str:
    """Curves, and the accuracy of every representation of the student."""
    if report.training is None:
        return "<p>This file does not say how it was trained.</p>"
    return training_curves(report) + accuracy_of_representations(report.training.summary)


def training_curves(report: Report) -> str:
    """Accuracy of the student's stages; teachers by their validation accuracy."""
    if not report.training.history:
        return "<p>No metrics.json of this training lies beside the model.</p>"
    stages: dict[str, list[dict]] = {}
    for epoch in report.training.history:
        stages.setdefault(epoch["stage"], []).append(epoch)
    watched = "held out" if report.training.summary.get("held_out_clips", 1) else "trained on, not augmented"
    lines, teachers = _student_lines(stages, watched), _teacher_lines(stages)
    charts = []
    if lines:
        charts.append(titled("Student", svg.line_chart(lines, alt="Accuracy of the student by epoch", **COMMON)))
    if teachers:
        alt = f"Accuracy of the teachers on clips that are {watched}, by epoch"
        charts.append(titled(f"Teachers, {watched}", svg.line_chart(teachers, alt=alt, **COMMON)))
    note = ""
    if "held_out" in report.training.summary:
        note = (
            f'<p class="note">The student\'s accuracy on clips that are {watched} is the mean of protocols clip and '
            "continuous, that in training counts frames of varied streams. Teachers see stretched clips.</p>"
        )
    return f'<div class="pair">{"".join(charts)}</div>{note}'


def _student_lines(stages: dict[str, list[dict]], watched: str) -> list[svg.Line]:
    lines, done = [], 0
    for name, words in STAGE_WORDS.items():
        epochs, colour = stages.get(name, []), 1 if name == "float" else 2
        x = [done + i + 1 for i in range(len(epochs))]
        if epochs:
            lines.append(svg.Line(f"{words}, {watched}", x, [e["validation_accuracy"] for e in epochs], colour))
            lines.append(svg.Line(f"{words}, training", x, [e["accuracy"] for e in epochs], colour + 2))
        done += len(epochs)
    return lines


def _teacher_lines(stages: dict[str, list[dict]]) -> list[svg.Line]:
    teachers = ((name, epochs) for name, epochs in stages.items() if name not in STAGE_WORDS)
    return [
        svg.Line(name.replace("-", " "), range(1, len(e) + 1), [epoch["validation_accuracy"] for epoch in e], colour)
        for colour, (name, e) in enumerate(teachers, 1)
    ]


def accuracy_of_representations(summary: dict) -> str:
    """The float, the quantized and the integer student, as training left them, by protocol."""
    if "held_out" not in summary:
        return _of_stretched_clips(summary)
    used = [p for p in PROTOCOLS[::-1] if any(p in found for found in watched_figures(summary).values())]
    rows = [
        f"<tr><th scope=row>{escape(representation.replace('_', ' '))}</th><td>{escape(what)}</td>"
        + "".join(f"<td>{'' if v is None else format(v, '.1%')}</td>" for v in values)
        + "</tr>"
        for what, representation, values in _measured(summary, used)
    ]
    chosen = "; models are chosen on held-out training clips" if summary["held_out_clips"] else ""
    words = f"<p>Accuracy of every representation of the student, as training measured it in torch{chosen}:</p>"
    return words + table(("student", "clips", *used), rows) if rows else ""


def _measured(summary: dict, protocols: list[str]) -> Iterator[tuple[str, str, list[float | None]]]:
    """(which clips, form, accuracy by protocol) of held-out clips, of all test clips, and of clean ones if others."""
    test, count = summary["test"], summary["held_out_clips"]
    sets = [
        (f"{count} held out" if count else "trained on", watched_figures(summary), "standard"),
        ("test", test, "standard"),
    ]
    if any(_accuracies(f, "clean", protocols) != _accuracies(f, "standard", protocols) for f in test.values()):
        sets.append(("test, clean", test, "clean"))
    for what, representations, part in sets:
        for representation, found in representations.items():
            yield what, representation, _accuracies(found, part, protocols)


def _accuracies(found: dict, part: str, protocols: list[str]) -> list[float | None]:
    return [found[name]["accuracy"][part] if name in found else None for name in protocols]


def _of_stretched_clips(summary: dict) -> str:
    """Model files of version 2: one accuracy of each representation, on stretched clips."""
    if "held_out_accuracy" not in summary:
        return ""
    held_out = summary["held_out_clips"]
    chosen_on = f"{held_out} held-out training clips, on which models are chosen" if held_out else "training clips"
    figures = {chosen_on: summary["held_out_accuracy"]}
    test = summary.get("test_accuracy", {})
    for part, what in (("standard", "all test clips"), ("clean", "test clips that are not leaked")):
        figures[what] = {
            representation: accuracy[part] for representation, accuracy in test.items() if accuracy[part] is not None
        }
    said = [f"on {what}: {_percentages(accuracy)}" for what, accuracy in figures.items() if accuracy]
    return f"<p>As training measured it, on stretched clips only:<br>{'<br>'.join(map(escape, said))}.</p>"


def _percentages(accuracy: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.1%}" for name, value in accuracy.items())
