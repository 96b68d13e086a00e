"""How the network was trained, and what every representation of it recognised then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mksgn_neuro.data.protocols import PROTOCOLS
from mksgn_neuro.models.notes import watched_figures
from mksgn_neuro.report import svg
from mksgn_neuro.report.collect import Report, Training
from mksgn_neuro.report.sections import Nothing

STAGE_WORDS = {"float": "student, float", "integer": "student, integers"}
COMMON = {"x_label": "epoch", "y_label": "accuracy", "y_range": (0, 1), "percent": True}


def training_section(report: Report) -> dict | Nothing:
    """Curves, and the accuracy of every representation of the student."""
    if report.training is None:
        return Nothing("this file does not say how it was trained")
    try:
        return _training(report.training)
    except (LookupError, TypeError, AttributeError, ValueError):  # a file may hold any words
        return Nothing("what this file says of its training is not what training writes")


def _training(training: Training) -> dict:
    summary = training.summary
    watched = "held out" if summary.get("held_out_clips", 1) else "trained on, not augmented"
    return {
        "charts": training_curves(training.history, watched),
        "watched": watched if "held_out" in summary else "",
        "stretched": _of_stretched_clips(summary),
        **accuracy_of_representations(summary),
    }


def training_curves(history: Sequence[dict], watched: str) -> list[tuple[str, str]]:
    """Accuracy of the student's stages; teachers by their validation accuracy: titles and charts."""
    stages: dict[str, list[dict]] = {}
    for epoch in history:
        stages.setdefault(epoch["stage"], []).append(epoch)
    lines, teachers = _student_lines(stages, watched), _teacher_lines(stages)
    charts = []
    if lines:
        charts.append(("Student", svg.line_chart(lines, alt="Accuracy of the student by epoch", **COMMON)))
    if teachers:
        alt = f"Accuracy of the teachers on clips that are {watched}, by epoch"
        charts.append((f"Teachers, {watched}", svg.line_chart(teachers, alt=alt, **COMMON)))
    return charts


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


def accuracy_of_representations(summary: dict) -> dict:
    """The float, the quantized and the integer student, as training left them, by protocol."""
    if "held_out" not in summary:
        return {"rows": []}
    used = [p for p in PROTOCOLS[::-1] if any(p in found for found in watched_figures(summary).values())]
    rows = [
        (what, representation.replace("_", " "), ["" if v is None else f"{v:.1%}" for v in values])
        for what, representation, values in _measured(summary, used)
    ]
    return {"rows": rows, "protocols": used, "chosen": bool(summary["held_out_clips"])}


def _measured(summary: dict, protocols: list[str]) -> Iterator[tuple[str, str, list[float | None]]]:
    """(clips, representation, accuracy by protocol): of held-out clips, of all test clips, of clean ones if others."""
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


def _of_stretched_clips(summary: dict) -> list[str]:
    """Model files of version 2: one accuracy of each representation, on stretched clips."""
    if "held_out_accuracy" not in summary:
        return []
    held_out = summary["held_out_clips"]
    chosen_on = f"{held_out} held-out training clips, on which models are chosen" if held_out else "training clips"
    figures = {chosen_on: summary["held_out_accuracy"]}
    test = summary.get("test_accuracy", {})
    for part, what in (("standard", "all test clips"), ("clean", "test clips that are not leaked")):
        figures[what] = {
            representation: accuracy[part] for representation, accuracy in test.items() if accuracy[part] is not None
        }
    return [f"on {what}: {_percentages(accuracy)}" for what, accuracy in figures.items() if accuracy]


def _percentages(accuracy: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.1%}" for name, value in accuracy.items())
