"""Weighted sums of spikes: what a projection computes, as it is trained.

Every module maps (V, T, B, C) to the synaptic sums of its target population and is told `quantize_weight` of that
population: identity while floats are trained, rounding to even integers in the integer stage. `effective()` gives the
weights before the grid, `synapses(grid, positions)` the same weights as deployed, one CSR matrix per delay: each module
itself says how it lowers. V are joints or any other positions; neurons are numbered (V, C), row-major.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from mksgn_neuro.nn.kernels import kernel_backend
from mksgn_neuro.nn.kernels.graph_conv import pair_sum

WeightQuantizer = Callable[[Tensor], Tensor]
Synapses = Iterator[tuple[int, sp.csr_matrix]]  # delay in frames, weights (post neurons, pre neurons)


class SynapseModule(nn.Module):
    """Base: one parameter `weight` whose last axis is the target channel.

    A module that no chip computes says so by `deployable`, and by `reason` and `hint` in words.
    """

    weight: nn.Parameter
    deployable = True
    reason, hint = "", ""

    @property
    def delays(self) -> int:
        """How many delays join one pair of neurons."""
        return 1

    def effective(self) -> Tensor:
        """The weights in use, before the grid."""
        return self.weight

    def scale_outputs(self, factor: Tensor) -> None:
        """Multiply what each target channel receives, in place; factor (C_out,)."""
        self.weight.mul_(factor)

    def rescale(self, factor: Tensor) -> None:
        """As `scale_outputs`, before and not by normalisation."""
        self.scale_outputs(factor)

    def by_output(self) -> Tensor:
        """The weights in use (n, C_out), those of each target channel in its column."""
        weights = self.effective()
        return weights.reshape(-1, weights.shape[-1])

    def is_like(self, other: SynapseModule) -> bool:
        """Whether the other's weights mean the same here, channel for channel."""
        return type(self) is type(other) and self.weight.shape[:-1] == other.weight.shape[:-1]

    @torch.no_grad()
    def take(self, other: SynapseModule, outputs: Tensor, inputs: Tensor) -> None:
        """Copy the weights of a like module: target channel c gets those of its channel `outputs[c]`.

        `inputs` says the same of source channels, where every target sees all of them; −1: there is none, and weights
        stay as they are.
        """
        known = outputs >= 0
        self.weight[..., known] = other.weight[..., outputs[known]]

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        """The weights as deployed, for sources at `positions`."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it lowers")


class Pointwise(SynapseModule):
    """The same weights (C_in / groups, C_out) at every joint; each group of targets sees its own group of sources."""

    def __init__(self, channels_in: int, channels_out: int, groups: int = 1) -> None:
        super().__init__()
        self.groups = groups
        channels_in //= groups
        self.weight = nn.Parameter(torch.randn(channels_in, channels_out) / math.sqrt(channels_in))

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        if self.groups == 1:
            return x @ quantize_weight(self.effective())
        weights = quantize_weight(self.effective()).chunk(self.groups, -1)
        return torch.cat([part @ weight for part, weight in zip(x.chunk(self.groups, -1), weights)], -1)

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        weights = np.split(integers(quantize_weight(self.effective())), self.groups, axis=1)
        weight = sp.block_diag(list(map(sp.csr_matrix, weights)), format="csr")
        yield 0, at_every_position(weight.T, positions)


class PerModality(SynapseModule):
    """Each modality's coordinates to that modality's encoder channels: (V, T, B, M·3) to (V, T, B, M·C).

    Of a picture there are two coordinates.
    """

    def __init__(self, modalities: int, channels: int, coordinates: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(modalities, coordinates, channels) / math.sqrt(coordinates))

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        return x @ torch.block_diag(*quantize_weight(self.weight))

    def scale_outputs(self, factor: Tensor) -> None:
        """Multiply what each target channel receives, in place; factor (M·C,)."""
        self.weight.mul_(factor.unflatten(0, (len(self.weight), -1))[:, None])

    def by_output(self) -> Tensor:
        return self.weight.movedim(0, 1).flatten(1)

    def is_like(self, other: SynapseModule) -> bool:
        return type(self) is type(other) and self.weight.shape[1:] == other.weight.shape[1:]

    @torch.no_grad()
    def take(self, other: SynapseModule, outputs: Tensor, inputs: Tensor) -> None:
        """As every module's; target channels of all modalities are numbered as one, (M, C)."""
        found, known = self.by_output().clone(), outputs >= 0
        found[:, known] = other.by_output()[:, outputs[known]]
        self.weight.copy_(found.unflatten(1, (len(self.weight), -1)).movedim(1, 0))

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        weight = sp.block_diag(list(map(sp.csr_matrix, integers(quantize_weight(self.weight)))), format="csr")
        yield 0, at_every_position(weight.T, positions)


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

    @torch.no_grad()
    def take(self, other: SynapseModule, outputs: Tensor, inputs: Tensor) -> None:
        """As every module's, and how much each pair of joints counts."""
        super().take(other, outputs, inputs)
        self.adjacency.copy_(other.adjacency)

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        flat = x.reshape(x.shape[0], -1, x.shape[3])
        out = pair_sum(flat, quantize_weight(self.effective()), self.post, self.pre, self.groups)
        return out.reshape(*x.shape[:3], -1)

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        by_group = np.split(integers(quantize_weight(self.effective())), self.groups, axis=2)
        blocks = np.stack(by_group, axis=1).reshape(-1, *by_group[0].shape[1:]).transpose(0, 2, 1)
        post, pre = (
            (joint.cpu().numpy()[:, None] * self.groups + np.arange(self.groups)).ravel()
            for joint in (self.post, self.pre)
        )  # a joint's groups of channels lie side by side
        order, rows = np.lexsort((pre, post)), positions * self.groups
        starts = np.concatenate([[0], np.cumsum(np.bincount(post, minlength=rows))])
        shape = (rows * blocks.shape[1], rows * blocks.shape[2])
        yield 0, sp.bsr_matrix((blocks[order], pre[order], starts), shape=shape).tocsr()


class HeadSum(SynapseModule):
    """Sum of the query channels of each head, equally weighted: (V, T, B, H·Q) to (V, T, B, H)."""

    def __init__(self, heads: int, per_head: int) -> None:
        super().__init__()
        self.per_head = per_head
        self.weight = nn.Parameter(torch.full((heads,), 1 / per_head))

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        return x.unflatten(-1, (-1, self.per_head)).sum(-1) * quantize_weight(self.weight)

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        rows = np.repeat(integers(quantize_weight(self.weight))[:, None], self.per_head, axis=1)
        head = sp.block_diag(list(map(sp.csr_matrix, rows)), format="csr")
        yield 0, at_every_position(head, positions)


class _Taps(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, kernel: Tensor, dilation: int) -> Tensor:  # noqa: ANN001
        x, kernel = x.contiguous(), kernel.contiguous()
        ctx.save_for_backward(x, kernel)
        ctx.dilation = dilation
        return kernel_backend(x.device.type).taps_forward(x, kernel, dilation)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN001
        x, kernel = ctx.saved_tensors
        fused = kernel_backend(x.device.type)
        return *fused.taps_backward(grad.contiguous(), x, kernel, ctx.dilation), None


def taps(x: Tensor, kernel: Tensor, dilation: int) -> Tensor:
    """Σ_k kernel[k]·x[t − k·dilation], channel by channel; kernel (K, C)."""
    if kernel_backend(x.device.type):
        return _Taps.apply(x, kernel, dilation)
    shifted = (nn.functional.pad(x, (0, 0, 0, 0, k * dilation, 0)) for k in range(len(kernel)))
    return sum(kernel[k] * moved[:, : x.shape[1]] for k, moved in enumerate(shifted))


class TemporalTaps(SynapseModule):
    """Causal depthwise convolution over frames: Σ_k w_k·x[t − k·dilation], weight (taps, C)."""

    def __init__(self, channels: int, taps: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.weight = nn.Parameter(torch.randn(taps, channels) / math.sqrt(taps))

    @property
    def delays(self) -> int:
        return len(self.weight)

    def is_like(self, other: SynapseModule) -> bool:
        return super().is_like(other) and self.dilation == other.dilation

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        return taps(x, quantize_weight(self.weight), self.dilation)

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        for k, row in enumerate(integers(quantize_weight(self.weight))):
            yield k * self.dilation, sp.diags(np.tile(row, positions), format="csr", dtype=np.int32)


class Shortcut(SynapseModule):
    """The block's input, one weight per channel: joins the same neurons, so that no spike is ever summed to 2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        return taps(x, quantize_weight(self.weight)[None], 1)

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        row = integers(quantize_weight(self.weight))
        yield 0, sp.diags(np.tile(row, positions), format="csr", dtype=np.int32)


class ClassSum(SynapseModule):
    """All joints' channels to the class neurons: (V, T, B, C) to (1, T, B, K), weight (V, C, K).

    Every joint has weights of its own: they cost the chip nothing, for each pair of neurons has its synapse anyway.
    With groups, neuron k takes only group k modulo `groups` of the channels.
    """

    def __init__(self, joints: int, channels: int, outputs: int, groups: int = 1) -> None:
        super().__init__()
        scale = 1 / math.sqrt(joints * channels / groups)
        self.weight = nn.Parameter(torch.randn(joints, channels, outputs) * scale)
        group = torch.arange(channels) // (channels // groups)
        branch_mask = group[:, None] == torch.arange(outputs) % groups
        self.register_buffer("branch_mask", branch_mask.float(), persistent=False)

    def effective(self) -> Tensor:
        return self.weight * self.branch_mask

    def is_like(self, other: SynapseModule) -> bool:
        return type(self) is type(other) and len(self.weight) == len(other.weight)

    @torch.no_grad()
    def take(self, other: SynapseModule, outputs: Tensor, inputs: Tensor) -> None:
        """As every module's, of those source channels that both have."""
        rows, columns = (torch.nonzero(index >= 0).squeeze(1) for index in (inputs, outputs))
        found = other.weight[:, inputs[rows]][..., outputs[columns]]
        self.weight[:, rows[:, None], columns] = found

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        per_joint = x.flatten(1, 2) @ quantize_weight(self.effective())
        return per_joint.sum(0, keepdim=True).unflatten(1, x.shape[1:3])

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        yield 0, sp.csr_matrix(integers(quantize_weight(self.effective())).reshape(-1, self.weight.shape[-1]).T)


def integers(weight: Tensor) -> np.ndarray:
    """Weights on the grid, int32."""
    return weight.detach().cpu().numpy().astype(np.int32)


def at_every_position(weight: sp.spmatrix, positions: int) -> sp.csr_matrix:
    """The matrix (post, pre) of one position for all of them, none of which sees another."""
    return sp.kron(sp.identity(positions, dtype=np.int32), weight, format="csr")
