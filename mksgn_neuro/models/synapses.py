"""Weighted sums of spikes: what a projection computes, as it is trained.

Every module maps (V, T, B, C) to the synaptic sums of its target population and is told the weight `grid` of that
population: identity while floats are trained, rounding to even integers in the integer stage. `effective()` gives the
weights before the grid, `synapses(grid)` the same weights as deployed, one CSR matrix per delay: each module itself
says how it lowers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from mksgn_neuro.models.kernels import kernels_of
from mksgn_neuro.models.kernels.graph_conv import pair_sum

Grid = Callable[[Tensor], Tensor]
Synapses = Iterator[tuple[int, sp.csr_matrix]]  # delay in frames, weights (post, pre)


class SynapseModule(nn.Module):
    """Base: one parameter `weight` whose last axis is the target channel."""

    weight: nn.Parameter

    def effective(self) -> Tensor:
        """The weights in use, before the grid."""
        return self.weight

    def scale_outputs(self, factor: Tensor) -> None:
        """Multiply what each target channel receives, in place; factor (C_out,)."""
        self.weight.mul_(factor)


class Pointwise(SynapseModule):
    """The same weights (C_in / groups, C_out) at every joint; each group of targets sees its own group of sources."""

    def __init__(self, channels_in: int, channels_out: int, groups: int = 1) -> None:
        super().__init__()
        self.groups = groups
        channels_in //= groups
        self.weight = nn.Parameter(torch.randn(channels_in, channels_out) / math.sqrt(channels_in))

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        if self.groups == 1:
            return x @ grid(self.effective())
        weights = grid(self.effective()).chunk(self.groups, -1)
        return torch.cat([part @ weight for part, weight in zip(x.chunk(self.groups, -1), weights)], -1)

    def synapses(self, grid: Grid, joints: int) -> Synapses:
        weights = np.split(_integers(grid(self.effective())), self.groups, axis=1)
        weight = sp.block_diag(weights, format="csr")
        yield 0, _at_every_joint(weight.T, joints)


class PerModality(SynapseModule):
    """Each modality's coordinates to that modality's encoder channels: (V, T, B, M·3) to (V, T, B, M·C)."""

    def __init__(self, modalities: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(modalities, 3, channels) / math.sqrt(3))

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        return x @ torch.block_diag(*grid(self.weight))

    def scale_outputs(self, factor: Tensor) -> None:
        """Multiply what each target channel receives, in place; factor (M·C,)."""
        self.weight.mul_(factor.unflatten(0, (len(self.weight), -1))[:, None])

    def synapses(self, grid: Grid, joints: int) -> Synapses:
        """The source numbers its channels (modality, joint, coordinate), the population (joint, modality, channel)."""
        weight = _integers(grid(self.weight))
        modalities, coordinates, channels = weight.shape
        m, k, c = np.indices(weight.shape).reshape(3, 1, -1)
        v = np.arange(joints)[:, None]
        rows = (v * modalities + m) * channels + c
        columns = (m * joints + v) * coordinates + k
        values = np.broadcast_to(weight.ravel(), rows.shape)
        shape = (joints * modalities * channels, joints * modalities * coordinates)
        yield 0, sp.csr_matrix((values.ravel(), (rows.ravel(), columns.ravel())), shape=shape)


class Fusion(SynapseModule):
    """Σ_m w_m·conv_m(S_m): (V, T, B, M·C_in) to (V, T, B, C_out); `modality_weights` (M,) scale each modality.

    With `hearing`, each group of targets hears only the modalities that are named for it. A column of weights has
    C_in rows for each of these, one after the other; what is left of it is not used.
    """

    def __init__(
        self, modalities: int, channels_in: int, channels_out: int, hearing: tuple[tuple[int, ...], ...] = ()
    ) -> None:
        super().__init__()
        self.hearing = hearing or (tuple(range(modalities)),)
        self.channels_in = channels_in
        most, width = max(map(len, self.hearing)), channels_out // len(self.hearing)
        source = [[heard[i] if i < len(heard) else -1 for heard in self.hearing] for i in range(most)]
        of_weight = torch.tensor(source).repeat_interleave(channels_in, 0).repeat_interleave(width, 1)
        self.register_buffer("source", of_weight.clamp(min=0), persistent=False)
        self.register_buffer("used", (of_weight >= 0).float(), persistent=False)
        self.weight = nn.Parameter(torch.randn(of_weight.shape) / self.used.sum(0).sqrt())
        self.register_buffer("modality_weights", torch.ones(modalities))

    def effective(self) -> Tensor:
        return self.weight * (self.modality_weights[self.source] * self.used)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        weights = grid(self.effective()).chunk(len(self.hearing), -1)
        sums = [self._heard(x, heard) @ weight[: self._rows(heard)] for heard, weight in zip(self.hearing, weights)]
        return torch.cat(sums, -1) if len(sums) > 1 else sums[0]

    def synapses(self, grid: Grid, joints: int) -> Synapses:
        by_group = np.split(_integers(grid(self.effective())), len(self.hearing), axis=1)
        columns = []
        for heard, weights in zip(self.hearing, by_group):
            full = np.zeros((len(self.modality_weights), self.channels_in, weights.shape[1]), np.int32)
            full[list(heard)] = weights[: self._rows(heard)].reshape(len(heard), self.channels_in, -1)
            columns.append(full.reshape(-1, weights.shape[1]))
        weight = sp.csr_matrix(np.concatenate(columns, axis=1))
        yield 0, _at_every_joint(weight.T, joints)

    def _rows(self, heard: tuple[int, ...]) -> int:
        return len(heard) * self.channels_in

    def _heard(self, x: Tensor, heard: tuple[int, ...]) -> Tensor:
        if len(heard) == len(self.modality_weights):
            return x
        parts = x.chunk(len(self.modality_weights), -1)
        return parts[heard[0]] if len(heard) == 1 else torch.cat([parts[m] for m in heard], -1)


class GraphConvolution(SynapseModule):
    """Σ_k A_k X W_k with learnable A_k on a sparse skeleton prior, folded to one matrix per pair of joints.

    Weights are (K, C_in / groups, C_out): each group of targets sees its own group of sources.
    """

    def __init__(self, partitions: Tensor, channels_in: int, channels_out: int, groups: int = 1) -> None:
        super().__init__()
        self.groups = groups
        channels_in //= groups
        subsets = len(partitions)
        pairs = partitions.abs().sum(0)
        if (pairs.diagonal() == 0).any():
            raise ValueError("some joint is no neighbour of itself: add the identity to the partitions")
        post, pre = torch.nonzero(pairs, as_tuple=True)
        self.register_buffer("post", post)
        self.register_buffer("pre", pre)
        self.adjacency = nn.Parameter(partitions[:, post, pre].clone())
        self.register_buffer("mask", (partitions[:, post, pre] != 0).float())
        scale = 1 / math.sqrt(channels_in * subsets)
        self.weight = nn.Parameter(torch.randn(subsets, channels_in, channels_out) * scale)
        self.joints = partitions.shape[1]

    def effective(self) -> Tensor:
        """(P, C_in / groups, C_out): the folded weights of each pair of joints."""
        return torch.einsum("kp,kcd->pcd", self.adjacency * self.mask, self.weight)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        flat = x.reshape(x.shape[0], -1, x.shape[3])
        out = pair_sum(flat, grid(self.effective()), self.post, self.pre, self.groups)
        return out.reshape(*x.shape[:3], -1)

    def synapses(self, grid: Grid, joints: int) -> Synapses:
        by_group = np.split(_integers(grid(self.effective())), self.groups, axis=2)
        blocks = np.stack(by_group, axis=1).reshape(-1, *by_group[0].shape[1:]).transpose(0, 2, 1)
        post, pre = (
            (joint.cpu().numpy()[:, None] * self.groups + np.arange(self.groups)).ravel()
            for joint in (self.post, self.pre)
        )  # a joint's groups of channels lie side by side
        order, rows = np.lexsort((pre, post)), joints * self.groups
        starts = np.concatenate([[0], np.cumsum(np.bincount(post, minlength=rows))])
        shape = (rows * blocks.shape[1], rows * blocks.shape[2])
        yield 0, sp.bsr_matrix((blocks[order], pre[order], starts), shape=shape).tocsr()


class HeadSum(SynapseModule):
    """Sum of the query channels of each head, equally weighted: (V, T, B, H·Q) to (V, T, B, H)."""

    def __init__(self, heads: int, per_head: int) -> None:
        super().__init__()
        self.per_head = per_head
        self.weight = nn.Parameter(torch.full((heads,), 1 / per_head))

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        return x.unflatten(-1, (-1, self.per_head)).sum(-1) * grid(self.weight)

    def synapses(self, grid: Grid, joints: int) -> Synapses:
        rows = np.repeat(_integers(grid(self.weight))[:, None], self.per_head, axis=1)
        head = sp.block_diag(list(rows[:, None, :]), format="csr")
        yield 0, _at_every_joint(head, joints)


class _Taps(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, kernel: Tensor, dilation: int) -> Tensor:  # noqa: ANN001
        x, kernel = x.contiguous(), kernel.contiguous()
        ctx.save_for_backward(x, kernel)
        ctx.dilation = dilation
        return kernels_of(x.device.type).taps_forward(x, kernel, dilation)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN001
        x, kernel = ctx.saved_tensors
        fused = kernels_of(x.device.type)
        return *fused.taps_backward(grad.contiguous(), x, kernel, ctx.dilation), None


def taps(x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
    """Σ_k kernel[k]·x[t − k·dilation], channel by channel; kernel (K, C)."""
    if kernels_of(x.device.type):
        return _Taps.apply(x, kernel, dilation)
    shifted = (nn.functional.pad(x, (0, 0, 0, 0, k * dilation, 0)) for k in range(len(kernel)))
    return sum(kernel[k] * moved[:, : x.shape[1]] for k, moved in enumerate(shifted))


class TemporalTaps(SynapseModule):
    """Causal depthwise convolution over frames: Σ_k w_k·x[t − k·dilation], weight (taps, C)."""

    def __init__(self, channels: int, taps: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.weight = nn.Parameter(torch.randn(taps, channels) / math.sqrt(taps))

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        return taps(x, grid(self.weight), self.dilation)

    def synapses(self, grid: Grid, joints: int) -> Synapses:
        for k, row in enumerate(_integers(grid(self.weight))):
            yield k * self.dilation, sp.diags(np.tile(row, joints), format="csr", dtype=np.int32)


class Shortcut(SynapseModule):
    """The block's input, one weight per channel: joins the same neurons, so that no spike is ever summed to 2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        return taps(x, grid(self.weight)[None], 1)

    def synapses(self, grid: Grid, joints: int) -> Synapses:
        row = _integers(grid(self.weight))
        yield 0, sp.diags(np.tile(row, joints), format="csr", dtype=np.int32)


class ClassSum(SynapseModule):
    """All joints' channels to the class neurons: (V, T, B, C) to (1, T, B, K), weight (V, C, K).

    Every joint has weights of its own: they cost the chip nothing, for each pair of neurons has its synapse anyway.
    With groups, neuron k listens to group k modulo `groups` of the channels only.
    """

    def __init__(self, joints: int, channels: int, outputs: int, groups: int = 1) -> None:
        super().__init__()
        scale = 1 / math.sqrt(joints * channels / groups)
        self.weight = nn.Parameter(torch.randn(joints, channels, outputs) * scale)
        group = torch.arange(channels) // (channels // groups)
        listens = group[:, None] == torch.arange(outputs) % groups
        self.register_buffer("listens", listens.float(), persistent=False)

    def effective(self) -> Tensor:
        return self.weight * self.listens

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        per_joint = x.flatten(1, 2) @ grid(self.effective())
        return per_joint.sum(0, keepdim=True).unflatten(1, x.shape[1:3])

    def synapses(self, grid: Grid, joints: int) -> Synapses:
        yield 0, sp.csr_matrix(_integers(grid(self.effective())).reshape(-1, self.weight.shape[-1]).T)


def _integers(weight: Tensor) -> np.ndarray:
    return weight.detach().cpu().numpy().astype(np.int32)


def _at_every_joint(weight: sp.spmatrix, joints: int) -> sp.csr_matrix:
    """The matrix (post, pre) of one joint for all of them, none of which sees another."""
    return sp.kron(sp.identity(joints, dtype=np.int32), weight, format="csr")
