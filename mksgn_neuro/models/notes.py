"""What a model's notes say of the clips that its training was watched on."""

from __future__ import annotations

HELD_OUT, TRAINED_ON = "held_out", "trained_on"
WORDS = {HELD_OUT: "held out", TRAINED_ON: "trained on"}


def watched_on(training: dict) -> str:
    """HELD_OUT or TRAINED_ON: which of the two figures the notes of a model have.

    Files written before the two were told apart have their figures under "held_out" whichever it is.
    """
    return HELD_OUT if training.get("held_out_clips", 1) else TRAINED_ON


def watched_figures(training: dict) -> dict[str, dict]:
    """`data.recognition` of every representation by protocol on these clips; empty where the notes have none."""
    return training.get(watched_on(training)) or training.get(HELD_OUT, {})
