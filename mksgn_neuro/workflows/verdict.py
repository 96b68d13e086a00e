"""What all checks come to, in the same words wherever it is said: verify, export, demo, report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mksgn_neuro.workflows.equivalence import EquivalenceCheck


@dataclass(frozen=True)
class Verdict:
    """What exit statuses, JSON and Python say alike.

    `ok`: no spike differs in what was compared, though a check may not have run; a command ends with status 0 then.
    `verified`: besides, something was asked for, and all of that ran; `word` is its short form.
    """

    ok: bool
    verified: bool
    word: str
    details: str

    @classmethod
    def of(cls, checks: Sequence[EquivalenceCheck]) -> Verdict:
        """The verdict on the checks that were asked for; none: that nothing was."""
        ran = [check for check in checks if not check.not_run]
        wrong = [check for check in ran if not check.ok]
        if not checks:
            return cls(True, False, "not verified", "not asked for")
        missing = ", ".join(f"{check.target} not run ({_reason(check)})" for check in checks if check.not_run)
        if wrong:
            differing = [check for check in wrong if check.mismatches]
            units = {unit: sum(c.mismatches for c in differing if c.unit == unit) for unit in ("spikes", "parameters")}
            numbers = " and ".join(f"{number} {unit}" for unit, number in units.items() if number)
            differ = f"{numbers} differ in {len(differing)} of {len(ran)} comparisons" if differing else ""
            empty = ", ".join(f"{check.target}: {check.verdict}" for check in wrong if not check.mismatches)
            return cls(False, False, "not verified", ", ".join(filter(None, [differ, empty, missing])))
        if not ran:
            return cls(True, False, "not verified", missing)
        if missing:
            return cls(True, False, "partly verified", f"{len(ran)} of {len(checks)}, {missing}")
        silent = "" if any(check.spikes for check in ran) else "; but nothing fired on these inputs"
        partly = "".join(f"; {check.target}: {check.how}" for check in ran if check.how and not check.parameters)
        return cls(True, True, "verified", f"{len(ran)} comparisons, no spike differs{silent}{partly}")

    def __str__(self) -> str:
        return f"{self.word}: {self.details}"

    def as_json(self) -> dict:
        """For `--json`."""
        return {"ok": self.ok, "verified": self.verified, "verdict": str(self)}


def _reason(check: EquivalenceCheck) -> str:
    """Why a check was not run, without what to do about it."""
    return check.not_run.removeprefix("not run: ").partition("; ")[0]
