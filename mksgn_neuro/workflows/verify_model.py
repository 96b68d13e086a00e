"""A trained model against its deployed file, on the clips of a request or on random walks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mksgn_neuro.data.registry import load
from mksgn_neuro.export.netx.sidecar import require_described
from mksgn_neuro.lowering.passes import Built
from mksgn_neuro.workflows.checks import Watch
from mksgn_neuro.workflows.equivalence import EquivalenceCheck
from mksgn_neuro.workflows.inputs import Read, Request, verification_frames, verification_stream
from mksgn_neuro.workflows.verify import Driven, check_all

if TYPE_CHECKING:
    from mksgn_neuro.models.store import Model


def check_model(
    model: Model, target: str, file: Path, request: Request, *, driven: Driven | None = None,
    built: Built | None = None, everything: bool = False, lava: bool = True, read: Read = load,
    full: bool = False, watch: Watch | None = None,
) -> tuple[Iterator[EquivalenceCheck], str]:  # fmt: skip
    """`check_all` on the clips of a request, and what is compared on.

    Without resets all run on one long stream; no `driven`: as the file says. `built`: what was written, where it was.
    Raises BadInput for a netx file that its sidecar does not describe.
    """
    if file.exists():
        require_described(file)
    driven = driven or Driven.of(model, target, file)
    inputs = verification_frames if driven.reset else verification_stream
    frames, what = inputs(model.task(), model.scaling.bits, request, read)
    checks = check_all(
        model, frames, target, file, driven=driven, built=built, everything=everything, lava=lava, full=full,
        watch=watch,
    )  # fmt: skip
    return checks, what
