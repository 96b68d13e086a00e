"""What somebody adds, each as in a file of its own: a data set, a chip, an energy profile."""

from __future__ import annotations

from pathlib import Path

from mksgn_neuro.chip.catalog import LOIHI2
from mksgn_neuro.chip.profile import Constant, Profile
from mksgn_neuro.chip.spec import Chip
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.synthetic import generate

SMALL = Chip.of("small", *(tuple(vars(limit).values()) for limit in LOIHI2.limits.values()))
FREE = Profile("free", "nobody", (Constant("acs", 1, "one femtojoule"),))


def read(name: str, path: Path, *, skip_bad: bool, progress: object) -> Clips:
    """As many clips as the file says."""
    return generate(int(path.read_text()))
