"""What the sections on the chip say: cores, energy, and whether every representation computes the same."""

from __future__ import annotations

from collections.abc import Callable

from mksgn_neuro.report import svg
from mksgn_neuro.report.collect import CoreLoad, Report
from mksgn_neuro.report.markup import tag
from mksgn_neuro.report.sections import Nothing

SIDE, GAP, EDGE = 30, 3, 3  # of a tile of the core map, in user units
DARK = 0.5  # share of the scale from which on black text reads better than white


def core_map(report: Report) -> dict:
    """Where the network lies on the chip, twice: what fills the cores, and what keeps them busy."""
    busiest = max(core.synops for core in report.cores) or 1.0
    fullest = max(report.cores, key=lambda core: core.load)
    numbers = {name: n for n, name in enumerate(dict.fromkeys(core.population for core in report.cores), 1)}
    mesh = lambda share, alt: _mesh(report, numbers, share, alt)
    return {
        "filled": mesh(lambda core: core.load, "Load of each neurocore: share of its fullest limit"),
        "filled_scale": svg.scale("100 %"),
        "busy": mesh(lambda core: core.synops / busiest, "Synaptic operations per clip of each neurocore"),
        "busy_scale": svg.scale(f"{busiest:,.0f} synaptic operations per clip"),
        "populations": [(n, name) for name, n in numbers.items()],
        "words": f"{len(report.cores)} cores on a mesh of {report.mesh[0]} × {report.mesh[1]} tiles; the fullest holds "
        f"{fullest.population} and has used {fullest.load:.0%} of its {fullest.limit}.",
        **_limits(report),
    }


def _limits(report: Report) -> dict:
    """Whose limits these are, and which are broken."""
    chip, violations = report.simulation["chip"], report.simulation["violations"]
    known = "Limits were read off Intel's public compiler printouts (docs/chip.md)."
    return {
        "limits": known if chip == "loihi2" else f"Limits are those of chip {chip}, see docs/chip.md.",
        "broken": [
            f"{v['layer']}: {v['rule'].replace('_', ' ')} {v['value']:,}, limit {v['limit']:,}" for v in violations
        ],
    }


def _mesh(report: Report, numbers: dict[str, int], share: Callable[[CoreLoad], float], alt: str) -> str:
    """Every tile; a core has its population's number, its name is in the tooltip."""
    columns, rows = report.mesh
    parts = [_tile(x, y, class_="tile") for x in range(columns) for y in range(rows)]
    for core in report.cores:
        said = f"{core.population}: {core.neurons} neurons, {core.load:.0%} of {core.limit}, {core.synops:,.0f} synops"
        parts.append(_tile(core.x, core.y, tag("title", said), fill=svg.shade(share(core))))
        x, y = (EDGE + at * SIDE + (SIDE - GAP) / 2 for at in (core.x, core.y))
        ink = "#000" if share(core) > DARK else "#fff"
        parts.append(tag("text", numbers[core.population], class_="core mid", x=x, y=y + 4, fill=ink))
    return svg.figure(columns * SIDE + EDGE, rows * SIDE + EDGE, parts, alt, "map mesh")


def _tile(x: int, y: int, content: str = "", **attributes: str) -> str:
    place = {"x": EDGE + x * SIDE, "y": EDGE + y * SIDE, "width": SIDE - GAP, "height": SIDE - GAP, "rx": 4}
    return tag("rect", content, **place, **attributes)


def energy_table(report: Report) -> dict:
    """Joules per clip by profile, with what was counted, the constants and their source."""
    ours = next(row.joules for row in report.energy if row.kind == "ours") or 1.0
    on_stream = any(row.milliwatts is not None for row in report.energy)
    rows = []
    for row in report.energy:
        milliwatts = ["" if row.milliwatts is None else f"{row.milliwatts:,.4g}"] if on_stream else []
        figures = [f"{row.joules * 1e6:,.4g}", *milliwatts, f"{row.joules / ours:,.2f} ×"]
        rows.append((row.kind, row.what, [*figures, row.counted, row.constants, row.source]))
    stream = ["mW on the stream"] if on_stream else []
    words = ("events per clip", "price of each", "source of the prices")
    head = ["what", "µJ per clip", *stream, "against the first", *words]
    return {"head": head, "rows": rows, "counted": _counted(report)}


def _counted(report: Report) -> str:
    """What a clip is here, and what the stream."""
    s, frames = report.simulation, report.task.frames
    until = f", its last pose held until at least {frames} frames were seen" if s["protocol"] == "clip" else ""
    words = f"A clip is one of protocol {s['protocol']}{until}; the steps until its last spike are counted too."
    stream = s["protocols"].get("continuous")
    if stream is None:
        return words
    return f"{words} The stream is that of protocol continuous, without a pause, {stream['rate']:g} frames a second."


def equivalence_checks(report: Report) -> dict | Nothing:
    """What was compared with what."""
    if report.checks is None:
        return Nothing("not checked for this report: mksgn-neuro verify MODEL compares all representations")
    return {"checks": report.checks}
