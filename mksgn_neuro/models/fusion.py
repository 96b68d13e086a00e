"""SMF: spikes of the modalities are fused, weighted by their mutual information (the estimate is our reconstruction).

I_ij = Σ_ab p(a, b)·log(p(a, b) / (p(a)·p(b))) over the binary spikes of modalities i and j at the same joint, frame,
clip and channel, in nats. The paper weights its fusion with this matrix; how exactly is not public.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from mksgn_neuro.nn.collective import all_sum
from mksgn_neuro.nn.synapses import SynapseModule, Synapses, WeightQuantizer, at_every_position, integers


def joint_probabilities(spikes: Tensor) -> Tensor:
    """P(i fires and j fires), (M, M), from spikes (M, n) of 0 and 1 of all processes; its diagonal is P(i fires)."""
    counted = torch.cat([(spikes @ spikes.T).flatten(), spikes.new_full((1,), spikes.shape[1])])
    total = all_sum(counted)
    return (total[:-1] / total[-1]).view(len(spikes), -1)


def mutual_information(joint: Tensor) -> Tensor:
    """(M, M) matrix in nats from `joint_probabilities`; the diagonal is each modality's entropy."""
    fires = joint.diagonal()
    total = torch.zeros_like(joint)
    for a in (0, 1):
        for b in (0, 1):
            p_a = fires[:, None] if a else 1 - fires[:, None]
            p_b = fires[None, :] if b else 1 - fires[None, :]
            p_ab = _cell(joint, fires, a, b)
            positive = p_ab > 0
            ratio = torch.where(positive, p_ab / (p_a * p_b).clamp(min=1e-30), torch.ones_like(p_ab))
            total += torch.where(positive, p_ab * ratio.log(), torch.zeros_like(p_ab))
    return total


def modality_weights(information: Tensor) -> Tensor:
    """Fusion weights (M,), mean 1: each modality's information about the others, relative to the average.

    A modality that tells nothing about the others keeps half a share: it may still know what they do not.
    """
    others = (information.sum(1) - information.diagonal()).clamp(min=0)
    share = others / others.mean().clamp(min=1e-12)
    return (1 + share) / 2


def _cell(joint: Tensor, fires: Tensor, a: int, b: int) -> Tensor:
    if a and b:
        return joint
    if a:
        return (fires[:, None] - joint).clamp(min=0)
    if b:
        return (fires[None, :] - joint).clamp(min=0)
    return (1 - fires[:, None] - fires[None, :] + joint).clamp(min=0)


class Fusion(SynapseModule):
    """Σ_m w_m·conv_m(S_m): (V, T, B, M·C_in) to (V, T, B, C_out); `modality_weights` (M,) scale each modality.

    With `branch_modalities`, each branch of targets takes only the modalities that are named for it. A column of
    weights has C_in rows for each of these, one after the other; what is left of it is not used.
    """

    def __init__(
        self, modalities: int, channels_in: int, channels_out: int, branch_modalities: tuple[tuple[int, ...], ...] = ()
    ) -> None:
        super().__init__()
        self.branch_modalities = branch_modalities or (tuple(range(modalities)),)
        self.channels_in = channels_in
        most, width = max(map(len, self.branch_modalities)), channels_out // len(self.branch_modalities)
        source = [[taken[i] if i < len(taken) else -1 for taken in self.branch_modalities] for i in range(most)]
        of_weight = torch.tensor(source).repeat_interleave(channels_in, 0).repeat_interleave(width, 1)
        self.register_buffer("source", of_weight.clamp(min=0), persistent=False)
        self.register_buffer("used", (of_weight >= 0).float(), persistent=False)
        self.weight = nn.Parameter(torch.randn(of_weight.shape) / self.used.sum(0).sqrt())
        self.register_buffer("modality_weights", torch.ones(modalities))

    def effective(self) -> Tensor:
        return self.weight * (self.modality_weights[self.source] * self.used)

    def is_like(self, other: SynapseModule) -> bool:
        return type(self) is type(other) and self.channels_in == other.channels_in

    @torch.no_grad()
    def take(self, other: SynapseModule, outputs: Tensor, inputs: Tensor) -> None:
        """As every module's; `inputs` number the modalities, and a branch takes the same ones in both."""
        known, rows = outputs >= 0, min(len(self.weight), len(other.weight))
        self.weight[:rows, known] = other.weight[:rows, outputs[known]]
        shared = inputs >= 0
        self.modality_weights[shared] = other.modality_weights[inputs[shared]]

    def forward(self, x: Tensor, quantize_weight: WeightQuantizer) -> Tensor:
        weights = quantize_weight(self.effective()).chunk(len(self.branch_modalities), -1)
        sums = [
            self._taken(x, taken) @ weight[: self._rows(taken)]
            for taken, weight in zip(self.branch_modalities, weights)
        ]
        return torch.cat(sums, -1) if len(sums) > 1 else sums[0]

    def synapses(self, quantize_weight: WeightQuantizer, positions: int) -> Synapses:
        by_branch = np.split(integers(quantize_weight(self.effective())), len(self.branch_modalities), axis=1)
        columns = []
        for taken, weights in zip(self.branch_modalities, by_branch):
            full = np.zeros((len(self.modality_weights), self.channels_in, weights.shape[1]), np.int32)
            full[list(taken)] = weights[: self._rows(taken)].reshape(len(taken), self.channels_in, -1)
            columns.append(full.reshape(-1, weights.shape[1]))
        weight = sp.csr_matrix(np.concatenate(columns, axis=1))
        yield 0, at_every_position(weight.T, positions)

    def _rows(self, taken: tuple[int, ...]) -> int:
        return len(taken) * self.channels_in

    def _taken(self, x: Tensor, taken: tuple[int, ...]) -> Tensor:
        if len(taken) == len(self.modality_weights):
            return x
        parts = x.chunk(len(self.modality_weights), -1)
        return parts[taken[0]] if len(taken) == 1 else torch.cat([parts[m] for m in taken], -1)
