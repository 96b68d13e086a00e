"""The page of a stream: one document without a link, whose scripts may talk to this server only."""

from __future__ import annotations

from mksgn_neuro.ir import Network
from mksgn_neuro.report import svg
from mksgn_neuro.report.page import framed, script_hashes
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
    prices = ", ".join(f"{c.event} {c.femtojoules / 1000:g} pJ" for c in PROFILE.constants)
    window = "all of the clip" if task.window is None else f"the last {task.window} frames"
    about = f"model {task.model_hash or 'without a hash'} · trained on {task.dataset or 'unknown data'}"
    note = f"{about} · energy profile {PROFILE.name}: {prices} · scores are class spikes of {window}"
    return framed("live.html", f"{name} on a stream", note, data, SCRIPTS)


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
