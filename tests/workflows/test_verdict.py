"""Verified means that all that was asked for ran and is equal."""

import pytest

import mksgn_neuro as mk
from mksgn_neuro.commands.verify import raise_if_different
from mksgn_neuro.errors import WorkFailed
from mksgn_neuro.workflows.equivalence import EquivalenceCheck
from mksgn_neuro.workflows.verdict import Verdict

NOTHING = EquivalenceCheck("reference", "netx file")
EQUAL = EquivalenceCheck("reference", "emulator", 3, 5, spikes=9)
SILENT = EquivalenceCheck("reference", "emulator", 3, 5)
DIFFERS = EquivalenceCheck("reference", "layered", 3, 5, mismatches=7, first="neuron 1")
MISSING = EquivalenceCheck("reference", "stock loader", not_run="not run: needs lava-dl on Python 3.10; install it")
NOT_RUN = "stock loader not run (needs lava-dl on Python 3.10)"


@pytest.mark.parametrize(
    ("checks", "ok", "verified", "said"),
    [
        ([EQUAL] * 6, True, True, "verified: 6 comparisons, no spike differs"),
        (
            [*[EQUAL] * 5, MISSING],
            True,
            False,
            f"partly verified: 5 of 6, {NOT_RUN}",
        ),
        ([SILENT] * 2, True, True, "verified: 2 comparisons, no spike differs; but nothing fired on these inputs"),
        ([SILENT, EQUAL], True, True, "verified: 2 comparisons, no spike differs"),
        ([MISSING], True, False, f"not verified: {NOT_RUN}"),
        ([EQUAL, DIFFERS], False, False, "not verified: 7 spikes differ in 1 of 2 comparisons"),
        ([EQUAL, NOTHING], False, False, "not verified: netx file: nothing could be compared"),
        ([], True, False, "not verified: not asked for"),
    ],
)
def test_it_is_verified_only_where_all_that_was_asked_for_ran(checks, ok, verified, said):
    assert Verdict.of(checks).as_json() == {"ok": ok, "verified": verified, "verdict": said}


def test_what_was_not_run_is_named_beside_what_differs():
    found = str(Verdict.of([EQUAL, DIFFERS, MISSING]))
    assert found.startswith("not verified: 7 spikes differ in 1 of 2") and "stock loader not run" in found


@pytest.mark.parametrize("checks", [[], [EQUAL], [MISSING], [EQUAL, MISSING], [EQUAL, DIFFERS], [NOTHING]])
def test_python_and_the_exit_status_mean_the_same_by_ok(checks):
    found, verdict = mk.Verified(tuple(checks), "inputs"), Verdict.of(checks)
    assert (found.verdict, found.ok) == (verdict, verdict.ok) and str(verdict) in str(found)
    try:
        raise_if_different(checks)
    except WorkFailed:
        assert not verdict.ok
    else:
        assert verdict.ok
