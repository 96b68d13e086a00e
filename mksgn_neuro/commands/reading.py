"""Reading and simulating clips for a command, with bars; what was left out is said on stderr."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mksgn_neuro.commands.options import say

if TYPE_CHECKING:
    from mksgn_neuro.chip.spec import Chip
    from mksgn_neuro.data.clips import Clips
    from mksgn_neuro.ir import Network
    from mksgn_neuro.workflows.recognise import Recognised

LISTED = 20  # clips that were left out


def load_clips(dataset: str, path: Path | None, *, skip_bad: bool = False, seed: int = 0) -> Clips:
    """`registry.load` with a bar; lists on stderr what was left out."""
    from mksgn_neuro.commands.progress import counting
    from mksgn_neuro.data.registry import load

    with counting(f"reading {dataset}") as progress:
        clips = load(dataset, path, skip_bad=skip_bad, seed=seed, progress=progress)
    for line in clips.assumed:
        say(f"{path}: {line}")
    if clips.skipped:
        say(f"left out {len(clips.skipped)} clips:")
        for line in clips.skipped[:LISTED]:
            say(f"  {line}")
        if len(clips.skipped) > LISTED:
            say(f"  and {len(clips.skipped) - LISTED} more: mksgn-neuro data inspect {path} --json")
    return clips


def recognise_clips(
    network: Network, clips: Clips, protocols: tuple[str, ...], *, backend: str, chip: Chip, seed: int
) -> dict[str, Recognised]:  # fmt: skip
    """Simulate clips under each protocol, with a bar; a Ctrl-C ends with what is done so far, if anything is."""
    from mksgn_neuro.commands.progress import counting
    from mksgn_neuro.workflows.recognise import recognise

    runs = {}
    for protocol in protocols:
        try:
            with counting(f"simulating {protocol}") as progress:
                runs[protocol] = recognise(
                    network, clips, protocol, backend=backend, chip=chip, seed=seed, progress=progress
                )
        except KeyboardInterrupt:
            if not runs:
                raise
            break
        if runs[protocol].simulation.partial:
            break
    return runs
