"""torch.distributed where `torchrun` started us, nothing otherwise: one process and many compute the same."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import nn

from mksgn_neuro.nn.collective import all_sum


def start() -> tuple[int, int]:
    """Join the process group that torchrun's environment describes; (rank, world size), (0, 1) without one."""
    if "WORLD_SIZE" not in os.environ or int(os.environ["WORLD_SIZE"]) == 1:
        return 0, 1
    if not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return dist.get_rank(), dist.get_world_size()


def device() -> torch.device:
    """Where this process trains: its GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def is_first_rank() -> bool:
    """Whether this process writes files and speaks."""
    return not dist.is_initialized() or dist.get_rank() == 0


def wait_for_all() -> None:
    """Return when every process has come here."""
    if dist.is_initialized():
        dist.barrier()


def sum_gradients(module: nn.Module) -> None:
    """Sum of the gradients over processes, in one message."""
    if not dist.is_initialized():
        return
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    flat = all_sum(torch.cat([g.flatten() for g in gradients]))
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients])):
        gradient.copy_(part.view_as(gradient))
