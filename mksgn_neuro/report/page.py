"""One self-contained HTML file: markup, style, script and data; the browser is told to load nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np

from mksgn_neuro import __version__
from mksgn_neuro.files import write_text
from mksgn_neuro.ir import role_of
from mksgn_neuro.report import curves, hardware, sections, svg
from mksgn_neuro.report.collect import Report
from mksgn_neuro.report.observe import Observed
from mksgn_neuro.report.verdict import verdict

MOST_ACTIONS = 12  # attention maps side by side; the actions with most clips
ATTENTION_BYTES = 600_000  # of all maps before base64: large skeletons show fewer actions
ATTENTION_ROLES = ("gate", "coincidence", "query", "key", "graph", "and", "temporal")
SCRIPTS = ("shared.js", "attention.js", "player.js")

SECTIONS = (
    ("player", "Clips", None),
    ("accuracy-over-time", "Accuracy over time", sections.accuracy_over_time),
    ("confusion", "Confusion matrix", sections.confusion_matrix),
    ("spikes", "Spikes over time", sections.spikes_over_time),
    ("attention", "Attention", sections.attention),
    ("information", "Mutual information of the modalities", sections.information),
    ("energy", "Energy", hardware.energy_table),
    ("cores", "Core map", hardware.core_map),
    ("training", "Training", curves.training_section),
    ("equivalence", "Same spikes in every representation", hardware.equivalence_checks),
    ("wrong", "Clips that were not recognised", sections.wrong_table),
)


def write_report(report: Report, path: Path) -> int:
    """Write the page in one piece; returns its size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = page(report)
    write_text(text, path)
    return len(text.encode())


def page(report: Report) -> str:
    """The whole file."""
    simulation = report.simulation
    title = f"{Path(simulation['model']).name} on {simulation['dataset']}"
    links = "".join(f'<a href="#{key}">{escape(name)}</a>' for key, name, _ in SECTIONS)
    body = "".join(_section(report, *section) for section in SECTIONS)
    data = json.dumps(page_data(report), separators=(",", ":")).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy()}">
<title>{escape(title)} · mksgn-neuro</title>
<style>{asset("report.css")}</style>
</head>
<body>
<header>
<div class="bar"><p class="brand">mksgn-neuro {__version__} · simulated on CPU</p>
<button type="button" id="theme" aria-label="Switch between light and dark">light / dark</button></div>
<h1>{escape(title)}</h1>
<p class="note">{escape(simulation["model"])} · model {escape(report.task.model_hash)}
· {escape(simulation["representation"])} representation · {escape(simulation["backend"])}
· {simulation["steps_per_sample"]:.1f} time steps per clip</p>
</header>
<main>
<section id="verdict" aria-label="Verdict">{verdict(report)}</section>
<nav aria-label="Sections">{links}</nav>
{body}
</main>
<script type="application/json" id="report-data">{data}</script>
{"".join(f"<script>{asset(name)}</script>" + chr(10) for name in SCRIPTS)}</body>
</html>
"""


def policy() -> str:
    """Nothing is loaded, and no script runs but ours, known by their hashes: not one that came with a name."""
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {script_hashes(SCRIPTS)}"


def script_hashes(names: tuple[str, ...]) -> str:
    """Scripts of ours as a policy names them."""
    hashes = (base64.b64encode(hashlib.sha256(asset(name).encode()).digest()).decode() for name in names)
    return " ".join(f"'sha256-{digest}'" for digest in hashes)


def _section(report: Report, key: str, name: str, render) -> str:  # noqa: ANN001
    content = render(report) if render else asset("player.html")
    return f'<section id="{key}" aria-labelledby="{key}-h"><h2 id="{key}-h">{escape(name)}</h2>{content}</section>\n'


def asset(name: str) -> str:
    """The text of a file in `assets`."""
    return (files("mksgn_neuro.report") / "assets" / name).read_text(encoding="utf-8")


def page_data(report: Report) -> dict:
    """What the scripts read, plain values and base64 of little-endian arrays."""
    task, player = report.task, report.player
    return {
        "simulation": report.simulation,
        "classes": task.class_names,
        "joints": task.joint_names,
        "parents": [int(p) for p in task.parents],
        "frames": report.shown.frames,
        "palette": [svg.palette()[i] for i in range(0, 256, 5)],
        "attention": _attention(report),
        "layers": player.layers,
        "raster": player.raster,
        "clips": player.clips,
    }


def _attention(report: Report) -> dict:
    """Maps uint8 (actions, T, V) per layer in 1/255 of `most`; gates first, on a common scale up to 1."""
    observed, clips = report.observed, report.confusion.sum(axis=1)
    fit = ATTENTION_BYTES // max(observed.by_class[:, 0].size, 1)
    actions = np.sort(np.argsort(-clips, kind="stable")[: max(1, min(MOST_ACTIONS, fit))])
    actions = actions[clips[actions] > 0]
    layers = []
    roles = _shown_roles(observed)
    for role in roles:
        for view, maps in zip(observed.joint_views, observed.by_class):
            if view.role == role:
                most = 1.0 if role_of(role).gates else float(maps[actions].max()) or 1.0
                packed = np.round(maps[actions] / most * 255).astype(np.uint8)
                layers.append({"name": view.name, "most": most, "maps": base64.b64encode(packed.tobytes()).decode()})
    shown = [report.task.class_names[a] for a in actions]
    graded = [np.ptp(maps[actions]) > 0 for role in roles for maps in _of_role(observed, role)]
    first = graded.index(True) if True in graded else 0
    return {"actions": shown, "of": int((clips > 0).sum()), "layers": layers, "first": first}


def _shown_roles(observed: Observed) -> tuple[str, ...]:
    """MK-SGN's in its order; of a network without them, all that it has at joints."""
    present = dict.fromkeys(view.role for view in observed.joint_views)
    return tuple(role for role in ATTENTION_ROLES if role in present) or tuple(present)


def _of_role(observed: Observed, role: str) -> list[np.ndarray]:
    return [maps for view, maps in zip(observed.joint_views, observed.by_class) if view.role == role]
