"""torch.distributed where `torchrun` started us, nothing otherwise: one process and many compute the same."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import nn

from mksgn_neuro.errors import BadInput
from mksgn_neuro.nn.collective import all_sum
from mksgn_neuro.processes.together import among_others, answering, join

_ASKED = {"type": ""}  # of this process, as CUDA's current device is


def start() -> tuple[int, int]:
    """Join the process group that torchrun's environment describes; (rank, world size), (0, 1) without one."""
    if not among_others():
        return 0, 1
    on_gpu = device().type == "cuda"
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    join("nccl" if on_gpu else "gloo")
    return dist.get_rank(), dist.get_world_size()


def choose_device(name: str | None) -> None:
    """Train on "cpu", "cuda" or "cuda:N" from here on, or on what there is (None); raises BadInput without that GPU.

    Under torchrun each process takes a GPU of its own: there, N is refused.
    """
    kind, _, number = (name or "").partition(":")
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise BadInput("PyTorch sees no GPU here", location="--device", hint="leave it out, or give cpu")
        if number and "WORLD_SIZE" in os.environ:
            raise BadInput(f"torchrun gives each process a GPU, not {name}", location="--device", hint="give cuda")
        if number and int(number) >= (there := torch.cuda.device_count()):
            hint = f"give cuda:0 to cuda:{there - 1}" if there > 1 else "give cuda:0"
            raise BadInput(f"there is no {name}", location="--device", hint=hint)
        if number:
            torch.cuda.set_device(int(number))
    _ASKED["type"] = kind


def device() -> torch.device:
    """Where this process trains: what `choose_device` was told, else its GPU where there is one, else the CPU."""
    return torch.device(_ASKED["type"] or ("cuda" if torch.cuda.is_available() else "cpu"))


def wait_for_all() -> None:
    """Return when every process has come here."""
    if dist.is_initialized():
        with answering():
            dist.barrier()


def sum_gradients(module: nn.Module) -> None:
    """Sum of the gradients over processes, in one message."""
    if not dist.is_initialized():
        return
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    flat = all_sum(torch.cat([g.flatten() for g in gradients]))
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients])):
        gradient.copy_(part.view_as(gradient))
