"""The energy table: this network, its teacher as an ordinary network, and what the paper published, kept apart."""

from __future__ import annotations

from dataclasses import dataclass

from mksgn_neuro.chip.energy import PROFILES, Energy, ann_reference
from mksgn_neuro.workflows.recognise import Recognised

PAPER_MILLIJOULES = 0.596
PAPER_SOURCE = "Zheng et al., MK-SGN, arXiv 2404.10210, abstract and summary"


@dataclass(frozen=True)
class EnergyRow:
    """One line: `joules` per clip of `what`; `counted` says of which events, `constants` at which price.

    `milliwatts`: on the endless stream of all clips at the network's rate, None where that was not simulated.
    `kind`: "ours" (events measured in this simulation), "teacher" (multiply-accumulates counted, none skipped) or
    "published" (a figure of others, for another network, counted by them).
    """

    what: str
    joules: float
    counted: str
    constants: str
    source: str
    kind: str
    milliwatts: float | None = None


def energy_rows(run: Recognised, stream: Recognised | None, teacher: dict | None) -> tuple[EnergyRow, ...]:
    """Rows for every known profile, for the teacher where the model had one, and for the paper.

    `run` gives the joules per clip, `stream`, where it was simulated, the milliwatts.
    """
    rows = [_ours(run, stream, name) for name in PROFILES]
    if teacher:
        rows += [_teacher(precision, e, teacher) for precision, e in ann_reference(teacher["macs_per_clip"]).items()]
    counted = "counted by its authors on their own network; data set and network size as published, not ours"
    published = "not stated in the abstract"
    rows.append(
        EnergyRow(
            f"MK-SGN as published: {PAPER_MILLIJOULES} mJ",
            PAPER_MILLIJOULES / 1e3,
            counted,
            published,
            PAPER_SOURCE,
            "published",
        )
    )
    return tuple(rows)


def _ours(run: Recognised, stream: Recognised | None, name: str) -> EnergyRow:
    simulation = run.simulation
    result, events = simulation.energy(name, run.samples), simulation.events(run.samples)
    parts = [
        f"{getattr(events, c.event) / events.samples:,.0f} {c.event.replace('_', ' ')}"
        for c in result.profile.constants
    ]
    what = f"this network, simulated on CPU, profile {name}"
    milliwatts = stream.as_json(name)["milliwatts"] if stream else None
    counted, prices, source = ", ".join(parts), _prices(result), result.profile.source
    return EnergyRow(what, result.joules_per_sample, counted, prices, source, "ours", milliwatts)


def _teacher(precision: str, result: Energy, teacher: dict) -> EnergyRow:
    members = len(teacher.get("modalities", ())) or 1
    counted = f"{teacher['macs_per_clip']:,} multiply-accumulates, {members} teachers"
    what = f"teacher GCN as an ordinary network, {precision}"
    return EnergyRow(what, result.joules_per_sample, counted, _prices(result), result.profile.source, "teacher")


def _prices(result: Energy) -> str:
    return ", ".join(f"{c.event.replace('_', ' ')} {c.femtojoules / 1000:g} pJ" for c in result.profile.constants)
