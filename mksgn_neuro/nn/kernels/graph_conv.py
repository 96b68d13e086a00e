"""Graph convolution: on CPU one small matrix product per pair of joints, without copies of the input; on a GPU one
large one.

Products this small do not pay for waking other threads one by one, so joints are dealt out to threads instead, each of
which computes alone: inside `products_by_joint`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import numba
import torch
from torch import Tensor

Work = Callable[[int, list[int]], None]  # on a joint and its pairs


def pair_sum(x: Tensor, weights: Tensor, post: Tensor, pre: Tensor, groups: int = 1) -> Tensor:
    """out[post[p]] += x[pre[p]] @ weights[p]: x (V, n, C_in), weights (P, C_in / groups, C_out), to (V, n, C_out).

    Each group of channels is multiplied by itself; every joint is in some pair.
    """
    if x.device.type == "cpu":
        return _PairSum.apply(x, weights, post, pre, groups)
    return one_product(x, weights, post, pre, groups)


def one_product(x: Tensor, weights: Tensor, post: Tensor, pre: Tensor, groups: int = 1) -> Tensor:
    """The same with zeros for joints that are no pair: a GPU multiplies those faster than it starts small products."""
    joints = len(x)
    blocks = weights.unflatten(2, (groups, -1))
    dense = blocks.new_zeros(joints, joints, *blocks.shape[1:]).index_put((pre, post), blocks)
    dense = dense.permute(3, 0, 2, 1, 4).flatten(3).flatten(1, 2)  # (groups, V·C_in, V·C_out)
    by_group = x.unflatten(2, (groups, -1)).permute(2, 1, 0, 3).flatten(2)  # (groups, n, V·C_in)
    return (by_group @ dense).unflatten(2, (joints, -1)).permute(2, 1, 0, 3).flatten(2)


class _PairSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, weights: Tensor, post: Tensor, pre: Tensor, groups: int) -> Tensor:  # noqa: ANN001
        ctx.save_for_backward(x, weights, post, pre)
        ctx.groups = groups
        out, pres = x.new_empty(*x.shape[:2], weights.shape[2]), pre.tolist()
        parts = _by_group(groups, out, x, weights)

        def add_up(joint: int, pairs: list[int]) -> None:
            for sums, spikes, weight in parts:
                for n, p in enumerate(pairs):
                    sums[joint].addmm_(spikes[pres[p]], weight[p], beta=min(n, 1))  # the first overwrites

        _for_each_joint(post, add_up)
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN001
        x, weights, post, pre = ctx.saved_tensors
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_w, posts = torch.empty_like(weights), post.tolist()
        for_w = _by_group(ctx.groups, grad_w, x, grad)
        for_x = _by_group(ctx.groups, grad_x, grad, weights) if grad_x is not None else []

        def add_up(joint: int, pairs: list[int]) -> None:
            for found, spikes, given in for_w:
                for p in pairs:
                    found[p].addmm_(spikes[joint].T, given[posts[p]], beta=0)
            for found, given, weight in for_x:
                for n, p in enumerate(pairs):
                    found[joint].addmm_(given[posts[p]], weight[p].T, beta=min(n, 1))

        _for_each_joint(pre, add_up)
        return grad_x, grad_w, None, None, None


def _by_group(groups: int, *tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """Views of each group of channels, side by side."""
    return list(zip(*(tensor.chunk(groups, -1) for tensor in tensors)))


@contextmanager
def products_by_joint() -> Iterator[None]:
    """Within: torch computes on one thread, and the sums over pairs on numba's number of them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _for_each_joint(joints: Tensor, work: Work) -> None:
    pairs: dict[int, list[int]] = {}
    for p, joint in enumerate(joints.tolist()):
        pairs.setdefault(joint, []).append(p)
    alone = joints.device.type != "cpu" or torch.get_num_threads() > 1
    threads = 1 if alone else min(numba.get_num_threads(), len(pairs))
    items = list(pairs.items())
    waiting = [_pool().submit(_work_through, items[t::threads], work) for t in range(1, threads)]
    _work_through(items[::threads], work)
    for future in waiting:
        future.result()


@torch.no_grad()
def _work_through(items: list[tuple[int, list[int]]], work: Work) -> None:
    for joint, pairs in items:
        work(joint, pairs)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS, "pairs-of-joints")
