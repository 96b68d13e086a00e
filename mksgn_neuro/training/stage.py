"""One stage of training: epochs over batches, a checkpoint after each, resumable at any moment."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.collective import all_sum
from mksgn_neuro.models.store import read_checked, write_atomically
from mksgn_neuro.training.batches import Batch
from mksgn_neuro.training.collective import is_first_rank, sum_gradients

FORMAT, VERSION = "mksgn-neuro-checkpoint", 1
WARM_UP_SHARE = 0.05
MAX_GRADIENT_NORM = 5.0


@dataclass(frozen=True)
class Stage:
    """`loss(module, batch)` gives the mean loss of a batch and how many clips were right; `validate(module)` a dict
    with `accuracy`; the best validated epoch is kept, or the last one if `keep_last`. A checkpoint of another
    `fingerprint` is not resumed.
    """

    name: str
    epochs: int
    learning_rate: float
    weight_decay: float
    batches: Callable[[int], Iterator[Batch]]
    steps_per_epoch: int
    loss: Callable[[nn.Module, Batch], tuple[Tensor, int]]
    validate: Callable[[nn.Module], dict]
    seed: int = 0
    fingerprint: str = ""
    keep_last: bool = False


Report = Callable[[str, dict], None]


def fit(module: nn.Module, stage: Stage, directory: Path, *, resume: bool, report: Report) -> list[dict]:
    """Train `module` in place and leave it with the weights of the epoch that its stage keeps; returns the history.

    With `resume` it goes on from `directory`'s checkpoint of this stage; the result is that of an uninterrupted run.
    """
    path = Path(directory) / f"{stage.name}.checkpoint.pt"
    optimizer = torch.optim.AdamW(_parameter_groups(module, stage.weight_decay), lr=stage.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate_at(step, stage))
    history: list[dict] = []
    best = {"accuracy": -1.0, "state": copy.deepcopy(module.state_dict())}
    if resume and path.exists():
        history, best = _restore(path, stage, module, optimizer, schedule)
        report("restored", {"stage": stage.name, "history": list(history)})
    for epoch in range(len(history), stage.epochs):
        started = time.perf_counter()
        torch.manual_seed(stage.seed * 1_000_003 + epoch)
        record = _train_epoch(module, stage, epoch, optimizer, schedule, report)
        record |= {
            "epoch": epoch,
            "epochs": stage.epochs,
            "stage": stage.name,
            "learning_rate": schedule.get_last_lr()[0],
        }
        record |= {f"validation_{key}": value for key, value in stage.validate(module).items()}
        record["seconds"] = time.perf_counter() - started
        history.append(record)
        if stage.keep_last or record["validation_accuracy"] >= best["accuracy"]:
            best = {"accuracy": record["validation_accuracy"], "state": copy.deepcopy(module.state_dict())}
        if is_first_rank():
            _save(path, stage, module, optimizer, schedule, history, best)
        report("epoch", record)
    module.load_state_dict(best["state"])
    return history


def _train_epoch(module, stage, epoch, optimizer, schedule, report) -> dict:  # noqa: ANN001
    module.train()
    total, right, seen = 0.0, 0, 0
    for step, batch in enumerate(stage.batches(epoch)):
        loss, correct = stage.loss(module, batch)
        clips = all_sum(loss.new_tensor(float(len(batch.labels))).detach())
        share = loss * (len(batch.labels) / clips)  # shares add up to the mean over all processes' clips
        optimizer.zero_grad(set_to_none=True)
        share.backward()
        sum_gradients(module)
        nn.utils.clip_grad_norm_(module.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        mean, correct = all_sum(loss.new_tensor([float(share.detach()), correct], dtype=torch.float64)).tolist()
        total, right, seen = total + mean * int(clips), right + int(correct), seen + int(clips)
        progress = {"stage": stage.name, "epoch": epoch, "epochs": stage.epochs, "step": step + 1}
        report("step", progress | {"steps": stage.steps_per_epoch, "loss": total / seen, "accuracy": right / seen})
    if not math.isfinite(total):
        raise BadInput(f"the loss became {total}", place=f"stage {stage.name}", remedy="lower the learning rate")
    return {"loss": total / seen, "accuracy": right / seen}


def _rate_at(step: int, stage: Stage) -> float:
    """Warm up, then a cosine to zero."""
    total = max(1, stage.epochs * stage.steps_per_epoch)
    warm = max(1, int(WARM_UP_SHARE * total))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, total - warm))))


def _parameter_groups(module: nn.Module, weight_decay: float) -> list[dict]:
    """Weight decay for matrices, none for gains, shifts and biases."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _save(path, stage, module, optimizer, schedule, history, best) -> None:  # noqa: ANN001
    content = {"format": FORMAT, "version": VERSION, "stage": stage.name, "epochs": stage.epochs, "best": best}
    content |= {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "history": history}
    content |= {"fingerprint": stage.fingerprint, "schedule": {"last_epoch": schedule.last_epoch}}
    write_atomically(content, path)


def _restore(path, stage, module, optimizer, schedule) -> tuple[list[dict], dict]:  # noqa: ANN001
    content = read_checked(path, FORMAT, VERSION)
    if content["epochs"] != stage.epochs:
        remedy = f"resume with --epochs {content['epochs']}, or train into another folder"
        raise BadInput(f"was written by a run of {content['epochs']} epochs", place=str(path), remedy=remedy)
    if content["fingerprint"] != stage.fingerprint:
        remedy = "resume with the options of config.json beside it, or train into another folder"
        raise BadInput("was written by a run with other clips or options", place=str(path), remedy=remedy)
    module.load_state_dict(content["module"])
    optimizer.load_state_dict(content["optimizer"])
    schedule.last_epoch = content["schedule"]["last_epoch"]
    return content["history"], content["best"]
