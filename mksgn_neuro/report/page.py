"""One self-contained HTML file: markup, style, script and data; the browser is told to load nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from mksgn_neuro import __version__
from mksgn_neuro.files import write_text
from mksgn_neuro.ir import role_of
from mksgn_neuro.report import curves, hardware, sections, svg
from mksgn_neuro.report.collect import Report
from mksgn_neuro.report.markup import asset, rendered
from mksgn_neuro.report.observe import Observed
from mksgn_neuro.report.sections import Nothing
from mksgn_neuro.report.verdict import verdict

MOST_ACTIONS = 12  # attention maps side by side; the actions with most clips
ATTENTION_BYTES = 600_000  # of all maps before base64: large skeletons show fewer actions
ATTENTION_ROLES = ("gate", "coincidence", "query", "key", "graph", "and", "temporal")
SCRIPTS = ("shared.js", "attention.js", "player.js")

SECTIONS = (
    ("player", "Clips", lambda _: {}),
    ("accuracy-over-time", "Accuracy over time", sections.accuracy_over_time),
    ("confusion", "Confusion matrix", sections.confusion_matrix),
    ("spikes", "Spikes over time", sections.spikes_over_time),
    ("attention", "Attention", sections.attention),
    ("information", "Mutual information of the modalities", sections.information),
    ("energy", "Energy", hardware.energy_table),
    ("cores", "Core map", hardware.core_map),
    ("training", "Training", curves.training_section),
    ("equivalence", "Same spikes in every representation", hardware.equivalence_checks),
    ("wrong", "Clips that were not recognised", sections.wrong_clips),
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
    shown, missing = _sections(report)
    values = {
        "policy": policy(),
        "verdict": rendered("sections/verdict.html", **verdict(report)),
        "sections": shown,
        "missing": missing,
    }
    title = f"{Path(simulation['model']).name} on {simulation['dataset']}"
    note = (
        f"{simulation['model']} · model {report.task.model_hash} · {simulation['representation']} representation · "
        f"{simulation['backend']} · {simulation['steps_per_sample']:.1f} time steps per clip"
    )
    return framed("report.html", title, note, page_data(report), SCRIPTS, **values)


def framed(template: str, title: str, note: str, data: dict, scripts: Sequence[str], **values: object) -> str:
    """A page of ours from a template that extends `frame.html`; scripts read `data`."""
    packed = Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))
    common = {"title": title, "note": note, "data": packed, "scripts": scripts, "version": __version__}
    return rendered(template, **common, **values)


def _sections(report: Report) -> tuple[list[tuple[str, str, Markup]], list[tuple[str, str]]]:
    """Sections (key, title, content), and those that have nothing to show (title, reason)."""
    found, missing = [], []
    for key, name, values in SECTIONS:
        filled = values(report)
        if isinstance(filled, Nothing):
            missing.append((name, filled.reason))
        else:
            found.append((key, name, rendered(f"sections/{key}.html", **filled)))
    return found, missing


def policy() -> str:
    """Nothing is loaded, and no script runs but ours, known by their hashes: not one that came with a name."""
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {script_hashes(SCRIPTS)}"


def script_hashes(names: tuple[str, ...]) -> str:
    """Scripts of ours as a policy names them."""
    hashes = (base64.b64encode(hashlib.sha256(asset(name).encode()).digest()).decode() for name in names)
    return " ".join(f"'sha256-{digest}'" for digest in hashes)


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
