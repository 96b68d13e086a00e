"""The command line with presets of seconds, for runs that torchrun starts."""

from dataclasses import replace

from mksgn_neuro.cli import main
from mksgn_neuro.training import ablate
from mksgn_neuro.training.presets import PRESETS
from tests.training.runs import SMALLEST, WITHOUT_TEACHER

PRESETS["tiny"] = replace(SMALLEST, epochs=1, integer_epochs=1)
PRESETS["base"] = replace(WITHOUT_TEACHER, epochs=4, integer_epochs=2)
_all_variants = ablate.variants


def _few(preset: object) -> dict:
    """Two of them are enough to see that all processes go through them together."""
    return {name: changed for name, changed in _all_variants(preset).items() if name in (ablate.FULL, "no FTM")}


if __name__ == "__main__":
    ablate.variants = _few
    main()
