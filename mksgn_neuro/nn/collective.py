"""Sums over the processes of a distributed run: statistics of a batch are those of all its clips, wherever they are.

A training step's loss is the sum over processes of each one's share; gradients of that sum flow through `shared_sum`.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

from mksgn_neuro.processes.together import answering


def all_sum(tensor: Tensor) -> Tensor:
    """The sum over processes, in place; the tensor itself without torch.distributed."""
    if dist.is_initialized():
        with answering():
            dist.all_reduce(tensor)
    return tensor


class _SharedSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:  # noqa: ANN001
        return all_sum(x.clone())

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:  # noqa: ANN001
        return all_sum(grad.clone())


def shared_sum(x: Tensor) -> Tensor:
    """The sum over processes, with its gradient."""
    return _SharedSum.apply(x)


def channel_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance (C,) over all leading axes and all processes, with gradients; any device and dtype."""
    flat = x.reshape(-1, x.shape[-1])
    count = all_sum(flat.new_full((1,), len(flat), dtype=torch.float64)).to(x.dtype)
    mean = shared_sum(flat.sum(0)) / count
    variance = shared_sum((flat - mean).square().sum(0)) / count
    return mean, variance
