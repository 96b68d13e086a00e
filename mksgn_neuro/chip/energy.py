"""Joules of counted events under a named, cited profile.

Constants are whole femtojoules and counts are integers, so a total is exact and only the last division rounds.
There is no Loihi 2 profile: Intel publishes no energy per event for it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from mksgn_neuro.chip.profile import Constant, Events, Profile
from mksgn_neuro.errors import BadInput

FEMTOJOULES_PER_JOULE = 10**15


@dataclass(frozen=True)
class Energy:
    """Joules per sample in all and by event, with the profile whose constants gave them."""

    profile: Profile
    joules_per_sample: float
    joules_by_event: dict[str, float]

    def as_json(self) -> dict:
        """What `--json` prints: profile, source, constants in picojoules, joules per sample."""
        constants = {c.event: c.femtojoules / 1000 for c in self.profile.constants}
        return {
            "profile": self.profile.name,
            "source": self.profile.source,
            "constants": constants,
            "constants_unit": "pJ",
            "joules_per_sample": self.joules_per_sample,
            "joules_by_event": self.joules_by_event,
        }


_HOROWITZ = "Horowitz, Computing's energy problem, ISSCC 2014, 45 nm at 0.9 V"
_DAVIES = "Davies et al., Loihi, IEEE Micro 2018, Table 2, pre-silicon, 0.75 V"

PAPER = Profile(
    "paper",
    f"{_HOROWITZ}; the convention of MK-SGN (arXiv 2404.10210) and of the SNN literature",
    (
        Constant("acs", 900, "32-bit floating-point addition"),
        Constant("macs", 4600, "32-bit floating-point multiplication and addition"),
    ),
)

LOIHI1 = Profile(
    "loihi1",
    _DAVIES,
    (
        Constant("acs", 23_600, "synaptic spike operation, minimum"),
        Constant("macs", 23_600, "synaptic operation of a graded input, counted as one of a spike"),
        Constant("active_updates", 81_000, "active neuron update"),
        Constant("inactive_updates", 52_000, "inactive neuron update"),
        Constant("messages", 1_700, "spike within a tile, for each message"),
        Constant("hops_x", 3_000, "tile hop, east-west"),
        Constant("hops_y", 4_000, "tile hop, north-south"),
    ),
    step_times=(
        ("acs", 3_500),
        ("macs", 3_500),
        ("active_updates", 8_400),
        ("inactive_updates", 5_300),
        ("barrier", 465_000),
    ),
)

ANN_FP32 = Profile("ann-fp32", _HOROWITZ, (Constant("macs", 4600, "32-bit floating point: 3.7 multiply + 0.9 add"),))
ANN_INT8 = Profile("ann-int8", _HOROWITZ, (Constant("macs", 300, "8-bit multiply 0.2 + 32-bit add 0.1"),))

PROFILES = {profile.name: profile for profile in (PAPER, LOIHI1)}


def load_profile(name: str) -> Profile:
    """A profile for a spiking network by name; raises BadInput for others, Loihi 2 among them."""
    if name in PROFILES:
        return PROFILES[name]
    known = f"use {' or '.join(PROFILES)}"
    if name == "loihi2":
        raise BadInput("no energy per event of Loihi 2 is published", location="energy profile loihi2", hint=known)
    raise BadInput("unknown energy profile", location=repr(name), hint=known)


def energy(events: Events, profile: Profile) -> Energy:
    """Joules per sample of `events` under `profile`."""
    counts = asdict(events)
    total = {c.event: int(counts[c.event]) * c.femtojoules for c in profile.constants}
    unit = int(events.samples) * FEMTOJOULES_PER_JOULE
    return Energy(profile, sum(total.values()) / unit, {event: value / unit for event, value in total.items()})


def ann_reference(macs_per_sample: int) -> dict[str, Energy]:
    """The same work as an ANN of that many multiply-accumulates per sample, by precision."""
    events = Events(macs=macs_per_sample)
    return {"fp32": energy(events, ANN_FP32), "int8": energy(events, ANN_INT8)}
