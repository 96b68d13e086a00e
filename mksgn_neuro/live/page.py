"""The page of a stream: one document without a link, whose scripts may talk to this server only."""

from __future__ import annotations

import json
from html import escape

from mksgn_neuro import __version__
from mksgn_neuro.ir import Network
from mksgn_neuro.report import svg
from mksgn_neuro.report.page import asset, script_hashes
from mksgn_neuro.workflows.cost import PROFILE

SCRIPTS = ("shared.js", "live.js")


def page(network: Network, name: str) -> str:
    """The whole document; `name` of the model."""
    task = network.task
    bodies = max(task.parents.count(-1), 1)
    data = {
        "classes": task.class_names,
        "joints": task.joint_names,
        "parents": [int(p) for p in task.parents],
        "bodies": bodies,
        "rate": task.rate,
        "populations": [[p.name, p.size] for p in network.populations],
        "palette": [svg.palette()[i] for i in range(0, 256, 5)],
    }
    packed = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    prices = ", ".join(f"{c.event} {c.femtojoules / 1000:g} pJ" for c in PROFILE.constants)
    window = "all of the clip" if task.window is None else f"the last {task.window} frames"
    about = f"model {task.model_hash or 'without a hash'} · trained on {task.dataset or 'unknown data'}"
    note = f"{about} · energy profile {PROFILE.name}: {prices} · scores are class spikes of {window}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(name)} on a stream · mksgn-neuro</title>
<link rel="icon" href="data:,">
<style>{asset("report.css")}</style>
</head>
<body>
<header>
<div class="bar"><p class="brand">mksgn-neuro {__version__} · simulated on CPU</p>
<button type="button" id="theme" aria-label="Switch between light and dark">light / dark</button></div>
<h1>{escape(name)} on a stream</h1>
<p class="note">{escape(note)}</p>
</header>
<main>
{asset("live.html")}
</main>
<script type="application/json" id="report-data">{packed}</script>
{"".join(f"<script>{asset(script)}</script>" + chr(10) for script in SCRIPTS)}</body>
</html>
"""


def headers(addresses: tuple[str, ...]) -> dict[str, str]:
    """Of the page's answer: nothing is loaded, no script runs but ours, which connects to `addresses` (ws://…) only."""
    policy = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "script-src": script_hashes(SCRIPTS),
        "connect-src": " ".join(addresses),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
