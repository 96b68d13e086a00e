"""The sections on the chip: cores, energy, and whether every representation computes the same."""

from __future__ import annotations

from html import escape

from mksgn_neuro.report import svg
from mksgn_neuro.report.collect import Report
from mksgn_neuro.report.markup import table, titled


def core_map(report: Report) -> str:
    """Where the network lies on the chip, twice: what fills the cores, and what keeps them busy."""
    busiest = max(core.synops for core in report.cores) or 1.0
    filled = _mesh(report, lambda core: core.load, "Load of each neurocore: share of its fullest limit")
    busy = _mesh(report, lambda core: core.synops / busiest, "Synaptic operations per clip of each neurocore")
    fullest = max(report.cores, key=lambda core: core.load)
    words = (
        f"{len(report.cores)} cores on a mesh of {report.mesh[0]} × {report.mesh[1]} tiles; the fullest holds "
        f"{escape(fullest.population)} and has used {fullest.load:.0%} of its {escape(fullest.limit)}."
    )
    work = svg.scale(f"{busiest:,.0f} synaptic operations per clip")
    return (
        f"<div class=pair>{titled('Share of the fullest limit', filled + svg.scale('100 %'))}"
        f"{titled('Work', busy + work)}</div><p>{words} "
        f"{_limits(report)}</p>"
    )


def _limits(report: Report) -> str:
    """Whose limits these are, and which are broken."""
    chip, violations = report.simulation["chip"], report.simulation["violations"]
    known = "were read off Intel's public compiler printouts (docs/chip.md)"
    said = f"Limits {known}." if chip == "loihi2" else f"Limits are those of chip {escape(chip)}, see docs/chip.md."
    broken = (f"{v['layer']}: {v['rule'].replace('_', ' ')} {v['value']:,}, limit {v['limit']:,}" for v in violations)
    return said + "".join(f" It does not fit: {escape(line)}." for line in broken)


def _mesh(report: Report, share, alt: str) -> str:  # noqa: ANN001
    side, (columns, rows) = 32, report.mesh
    parts = [
        f'<rect class="tile" x="{4 + x * side}" y="{4 + y * side}" width="{side - 3}" height="{side - 3}" rx="4"/>'
        for x in range(columns)
        for y in range(rows)
    ]
    for core in report.cores:
        place = f'x="{4 + core.x * side}" y="{4 + core.y * side}" width="{side - 3}" height="{side - 3}" rx="4"'
        said = f"{core.population}: {core.neurons} neurons, {core.load:.0%} of {core.limit}, {core.synops:,.0f} synops"
        ink = "#000" if share(core) > 0.5 else "#fff"
        parts.append(f'<rect {place} fill="{svg.shade(share(core))}"><title>{escape(said)}</title></rect>')
        x, y = 4 + core.x * side + (side - 3) / 2, 4 + core.y * side + side / 2 + 2
        for line, word in enumerate(core.population.split(".")):
            at = f'x="{x}" y="{y - 4 + 9 * line}" fill="{ink}"'
            parts.append(f'<text class="core mid" {at}>{escape(word[:8])}</text>')
    return svg.figure(columns * side + 6, rows * side + 6, parts, alt)


def energy_table(report: Report) -> str:
    """Joules per clip by profile, with what was counted, the constants and their source."""
    ours = next(row.joules for row in report.energy if row.kind == "ours") or 1.0
    on_stream = any(row.milliwatts is not None for row in report.energy)
    rows = (
        f'<tr class="{row.kind}"><th scope=row>{escape(row.what)}</th><td>{row.joules * 1e6:,.4g}</td>'
        f"{_milliwatts(row.milliwatts) if on_stream else ''}<td>{row.joules / ours:,.2f} ×</td>"
        f"<td>{escape(row.counted)}</td><td>{escape(row.constants)}</td><td>{escape(row.source)}</td></tr>"
        for row in report.energy
    )
    names = ["what", "µJ per clip", "against the first", "events per clip", "price of each", "source of the prices"]
    if on_stream:
        names.insert(2, "mW on the stream")
    return (
        f"{table(names, rows, 'energy')}<p>{_counted(report)} Events of this network were counted in a simulation on "
        "CPU; joules follow from published prices and are no measurement of a chip. Intel publishes no price per event "
        "for Loihi 2. The published row is another network, counted by its authors: read it as context, not as a "
        "comparison.</p>"
    )


def _milliwatts(value: float | None) -> str:
    return "<td></td>" if value is None else f"<td>{value:,.4g}</td>"


def _counted(report: Report) -> str:
    """What a clip is here, and what the stream."""
    s, frames = report.simulation, report.task.frames
    until = f", its last pose held until at least {frames} frames were seen" if s["protocol"] == "clip" else ""
    words = f"A clip is one of protocol {s['protocol']}{until}; the steps until its last spike are counted too."
    stream = s["protocols"].get("continuous")
    if stream is None:
        return words
    return f"{words} The stream is that of protocol continuous, without a pause, {stream['rate']:g} frames a second."


def equivalence_checks(report: Report) -> str:
    """What was compared with what."""
    if report.checks is None:
        return "<p>Not checked for this report. <code>mksgn-neuro verify MODEL</code> compares all representations.</p>"
    rows = (
        f"<tr><th scope=row>{escape(r.source)} → {escape(r.target)}</th><td>{escape(r.verdict)}</td></tr>"
        for r in report.checks
    )
    return table(("representations", "result"), rows)
