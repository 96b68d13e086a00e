"""What all checks come to, in the same words wherever it is said: verify, export, demo, report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mksgn_neuro.workflows.ladder import Rung


@dataclass(frozen=True)
class Verdict:
    """`verified` is true only if every check that was asked for ran and no spike differs; `word` is its short form."""

    verified: bool
    word: str
    details: str

    @classmethod
    def of(cls, rungs: Sequence[Rung]) -> Verdict:
        """The verdict on the checks that were asked for; none: that nothing was."""
        ran = [rung for rung in rungs if not rung.not_run]
        wrong = [rung for rung in ran if not rung.ok]
        if not rungs:
            return cls(False, "not verified", "not asked for")
        missing = ", ".join(f"{rung.target} not run ({_reason(rung)})" for rung in rungs if rung.not_run)
        if wrong:
            differing = [rung for rung in wrong if rung.mismatches]
            spikes = sum(rung.mismatches for rung in differing)
            differ = f"{spikes} spikes differ in {len(differing)} of {len(ran)} comparisons" if differing else ""
            empty = ", ".join(f"{rung.target}: {rung.verdict}" for rung in wrong if not rung.mismatches)
            return cls(False, "not verified", ", ".join(filter(None, [differ, empty, missing])))
        if not ran:
            return cls(False, "not verified", missing)
        if missing:
            return cls(False, "partly verified", f"{len(ran)} of {len(rungs)}, {missing}")
        silent = "" if any(rung.spikes for rung in ran) else "; but nothing fired on these inputs"
        return cls(True, "verified", f"{len(ran)} comparisons, no spike differs{silent}")

    def __str__(self) -> str:
        return f"{self.word}: {self.details}"

    def as_json(self) -> dict:
        """For `--json`."""
        return {"verified": self.verified, "verdict": str(self)}


def _reason(rung: Rung) -> str:
    """Why a check was not run, without what to do about it."""
    return rung.not_run.removeprefix("not run: ").partition("; ")[0]
