"""Verified means that all that was asked for ran and is equal."""

import pytest

from mksgn_neuro.workflows.equivalence import EquivalenceCheck
from mksgn_neuro.workflows.verdict import Verdict

NOTHING = EquivalenceCheck("reference", "netx file")
EQUAL = EquivalenceCheck("reference", "emulator", 3, 5)
DIFFERS = EquivalenceCheck("reference", "layered", 3, 5, mismatches=7, first="neuron 1")
MISSING = EquivalenceCheck("reference", "stock loader", not_run="not run: needs lava-dl on Python 3.10; install it")
NOT_RUN = "stock loader not run (needs lava-dl on Python 3.10)"


@pytest.mark.parametrize(
    ("checks", "verified", "said"),
    [
        ([EQUAL] * 6, True, "verified: 6 comparisons, no spike differs"),
        (
            [*[EQUAL] * 5, MISSING],
            False,
            f"partly verified: 5 of 6, {NOT_RUN}",
        ),
        ([MISSING], False, f"not verified: {NOT_RUN}"),
        ([EQUAL, DIFFERS], False, "not verified: 7 spikes differ in 1 of 2 comparisons"),
        ([EQUAL, NOTHING], False, "not verified: netx file: nothing could be compared"),
        ([], False, "not verified: not asked for"),
    ],
)
def test_it_is_verified_only_where_all_that_was_asked_for_ran(checks, verified, said):
    assert Verdict.of(checks).as_json() == {"verified": verified, "verdict": said}


def test_what_was_not_run_is_named_beside_what_differs():
    found = str(Verdict.of([EQUAL, DIFFERS, MISSING]))
    assert found.startswith("not verified: 7 spikes differ in 1 of 2") and "stock loader not run" in found
