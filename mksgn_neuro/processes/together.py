"""One process among those that torchrun started: joining the others, and what is said when one of them is lost.

Nothing here imports torch before there are others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from mksgn_neuro.errors import BadInput, WorkFailed
from mksgn_neuro.processes.ending import end_by_myself

if TYPE_CHECKING:
    import torch

TIMEOUT = "MKSGN_NEURO_TIMEOUT"  # seconds that a process waits for the others
SECONDS = 1800.0  # the first process writes alone what teachers say of all clips


def among_others() -> bool:
    """Whether torchrun started more than one process."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_first() -> bool:
    """Whether this process is the first, which alone speaks and writes files, or the only one.

    Known before it joins the others, and where another launcher than torchrun made them join.
    """
    dist = sys.modules.get("torch.distributed")  # not loaded where there is only one process
    if dist is not None and dist.is_available() and dist.is_initialized():
        return dist.get_rank() == 0
    return not among_others() or int(os.environ.get("RANK", "0")) == 0


def timeout() -> float:
    """Seconds to wait for another process; raises BadInput for a TIMEOUT that is no number above 0."""
    said = os.environ.get(TIMEOUT, str(SECONDS))
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise BadInput(f"is {said!r}", location=TIMEOUT, hint="give seconds, or leave it unset")
    return seconds


def join(backend: str) -> None:
    """Join the others, once; raises WorkFailed where they do not come."""
    import torch.distributed as dist

    if not dist.is_initialized():
        with answering():
            dist.init_process_group(backend, timeout=timedelta(seconds=timeout()))


@contextmanager
def answering() -> Iterator[None]:
    """What is within waits for the other processes; raises WorkFailed where one of them has ended or says nothing."""
    try:
        yield
    except RuntimeError as error:
        end_by_myself()  # torchrun asks all that are left to stop; this one does, and says why
        problem = "another process of this run has ended, or said nothing for too long"
        hint = f"see what it said; start all of them again, a training with --resume ({TIMEOUT} is the time to wait)"
        raise WorkFailed(problem, hint=hint) from error


def require_alike(number: int, what: str, hint: str, device: str | torch.device = "cpu") -> None:
    """Raises BadInput in all processes unless `number`, which stands for `what`, is the same in each of them."""
    import torch
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()):
        return
    both = torch.tensor([number, -number], device=device)
    with answering():
        dist.all_reduce(both, dist.ReduceOp.MAX)
    if int(both[0]) != -int(both[1]):
        raise BadInput(f"the processes of this run have different {what}", hint=hint)
