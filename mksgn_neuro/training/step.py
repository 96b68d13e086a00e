"""One training step: loss, gradients, update. On a GPU it is recorded once and then replayed."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mksgn_neuro.nn.collective import all_sum
from mksgn_neuro.training.batches import Batch
from mksgn_neuro.training.collective import sum_gradients

MAX_GRADIENT_NORM = 5.0
ADAM_KEEPS = {"step", "exp_avg", "exp_avg_sq"}
STEPS_BEFORE_RECORDING = 3  # in which kernels are compiled and the optimizer makes its state

Loss = Callable[[nn.Module, Batch], tuple[Tensor, Tensor]]
Step = Callable[[Batch], Tensor]


def make_optimizer(module: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    """AdamW with weight decay for matrices, none for gains, shifts and biases; `set_rate` gives its learning rate."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    there = parameters[0].device
    if there.type != "cuda":
        return torch.optim.AdamW(groups, lr=0.0)
    # a rate that lies on the GPU can change after the step was recorded
    return torch.optim.AdamW(groups, lr=torch.zeros((), device=there), fused=True, capturable=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Learn at `rate` from here on."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def restore(optimizer: torch.optim.Optimizer, state: dict) -> None:
    """Load an optimizer's state, but go on in this machine's own way: a GPU's run can be resumed on a CPU.

    Raises ValueError for a state that is not that of these parameters.
    """
    own = [{name: value for name, value in group.items() if name != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, options in zip(optimizer.param_groups, own):
        group.update(options)
    for parameter, kept in optimizer.state.items():
        if set(kept) != ADAM_KEEPS or any(kept[name].shape != parameter.shape for name in ("exp_avg", "exp_avg_sq")):
            raise ValueError("the optimizer's state is that of other parameters")
        if not all(torch.isfinite(kept[name]).all() for name in ADAM_KEEPS) or kept["step"].numel() != 1:
            raise ValueError("the optimizer's state is not finite")
        if kept["step"].min() < 1 or (kept["exp_avg_sq"] < 0).any():
            raise ValueError("the optimizer's state cannot have come of any step")


def training_step(module: nn.Module, optimizer: torch.optim.Optimizer, loss: Loss) -> Step:
    """A function from a batch to (3,) float64: summed loss, clips that were right, clips, of all processes.

    On a GPU `loss` must read nothing but the module and the batch, and the result holds until the next step.
    """

    def step(batch: Batch) -> Tensor:
        mean, right = loss(module, batch)
        clips = all_sum(mean.detach().new_full((), len(batch.labels)))
        share = mean * (len(batch.labels) / clips)  # shares add up to the mean over all processes' clips
        optimizer.zero_grad(set_to_none=True)
        share.backward()
        sum_gradients(module)
        nn.utils.clip_grad_norm_(module.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        total, right = all_sum(torch.stack([share.detach().double(), right.double()]))
        clips = clips.double()
        return torch.stack([total * clips, right, clips])

    on_gpu = next(module.parameters()).device.type == "cuda"
    return _CudaGraphStep(step) if on_gpu and not dist.is_initialized() else step


class _CudaGraphStep:
    """A step as a CUDA graph: Python starts its thousand kernels several times slower than the GPU runs them."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.taken = 0

    def __call__(self, batch: Batch) -> Tensor:
        self.taken += 1
        if self.taken <= STEPS_BEFORE_RECORDING:
            return self._aside(batch)
        if self.taken == STEPS_BEFORE_RECORDING + 1:
            self._record(batch)
        for mine, given in zip(_tensors(self.batch), _tensors(batch), strict=True):
            mine.copy_(given)
        self.graph.replay()
        return self.result

    def _aside(self, batch: Batch) -> Tensor:
        """The step on a stream of its own, as PyTorch asks for before a recording."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            result = self.step(batch)
        torch.cuda.current_stream().wait_stream(stream)
        return result

    def _record(self, batch: Batch) -> None:
        self.batch, self.graph = copy.deepcopy(batch), torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.result = self.step(self.batch)


def _tensors(batch: Batch) -> list[Tensor]:
    known, targets = batch.targets, []
    if known:
        targets = [known.logits, *known.features, known.shown, known.labels]
    sequences = [] if batch.since is None else [batch.since, batch.weight, batch.clip_weight]
    return [batch.frames, batch.labels, *sequences, *targets]
