"""One stage of training: epochs over batches, a checkpoint after each, resumable at any moment."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.models.store import DAMAGE, read_checked, same_value, write_atomically
from mksgn_neuro.processes.together import is_first, require_alike
from mksgn_neuro.training.batches import Batch
from mksgn_neuro.training.collective import device
from mksgn_neuro.training.step import Loss, make_optimizer, restore, set_rate, training_step

FORMAT, VERSION = "mksgn-neuro-checkpoint", 2
CHECKPOINT = ".checkpoint.pt"  # how their names end
WARM_UP_SHARE = 0.05
RECORDED = ("loss", "accuracy", "epochs", "learning_rate", "validation_accuracy", "seconds")
READ_EVERY = 16  # steps: on a GPU, reading a step's result waits until it is done


@dataclass(frozen=True)
class Stage:
    """`loss(module, batch)` gives the mean loss of a batch and how many clips were right; `validate(module)` a dict
    with `accuracy`; the best validated epoch is kept, or the last one if `keep_last`. With `start_counts` the state
    before the first epoch is one of those, so that none ends worse. A checkpoint of another `fingerprint` is not
    resumed.
    """

    name: str
    epochs: int
    learning_rate: float
    weight_decay: float
    batches: Callable[[int], Iterator[Batch]]
    steps_per_epoch: int
    loss: Loss
    validate: Callable[[nn.Module], dict]
    seed: int = 0
    fingerprint: str = ""
    keep_last: bool = False
    start_counts: bool = False


Report = Callable[[str, dict], None]


def train_stage(module: nn.Module, stage: Stage, directory: Path, *, resume: bool, report: Report) -> list[dict]:
    """Train `module` in place and leave it with the weights of the epoch that its stage keeps; returns the history.

    With `resume` it goes on from `directory`'s checkpoint of this stage; the result is that of an uninterrupted run.
    """
    path = Path(directory) / f"{stage.name}{CHECKPOINT}"
    optimizer = make_optimizer(module, stage.weight_decay)
    step = training_step(module, optimizer, stage.loss)
    history: list[dict] = []
    best = {"accuracy": -1.0, "epoch": None, "state": copy.deepcopy(module.state_dict())}
    if resume and path.exists():
        history, best = _restore(path, stage, module, optimizer)
        report("restored", {"stage": stage.name, "history": list(history)})
    elif stage.start_counts and stage.epochs and not stage.keep_last:
        best["accuracy"] = stage.validate(module)["accuracy"]
    require_alike(len(history), "checkpoints", f"let all of them see one folder {directory}", device())
    for epoch in range(len(history), stage.epochs):
        started = time.perf_counter()
        torch.manual_seed(stage.seed * 1_000_003 + epoch)
        record = _train_epoch(module, stage, epoch, optimizer, step, report)
        record |= {
            "epoch": epoch,
            "epochs": stage.epochs,
            "stage": stage.name,
            "learning_rate": _rate_at((epoch + 1) * stage.steps_per_epoch, stage),
        }
        record |= {f"validation_{key}": value for key, value in stage.validate(module).items()}
        record["seconds"] = time.perf_counter() - started
        history.append(record)
        if stage.keep_last or record["validation_accuracy"] >= best["accuracy"]:
            state = copy.deepcopy(module.state_dict())
            best = {"accuracy": record["validation_accuracy"], "epoch": epoch, "state": state}
        if is_first():
            _save(path, stage, module, optimizer, history, best)
        report("epoch", record)
    module.load_state_dict(best["state"])
    if stage.epochs:
        report("kept", {"stage": stage.name, "epoch": best.get("epoch", stage.epochs), "accuracy": best["accuracy"]})
    return history


def _train_epoch(module, stage, epoch, optimizer, step, report) -> dict:  # noqa: ANN001
    module.train()
    sums = 0
    progress = {"stage": stage.name, "epoch": epoch, "epochs": stage.epochs, "steps": stage.steps_per_epoch}
    for n, batch in enumerate(stage.batches(epoch)):
        set_rate(optimizer, _rate_at(epoch * stage.steps_per_epoch + n, stage))
        sums = sums + step(batch)
        if sums.device.type == "cpu" or n % READ_EVERY == 0:
            total, right, seen = sums.tolist()
        report("step", progress | {"step": n + 1, "loss": total / seen, "accuracy": right / seen})
    total, right, seen = sums.tolist()
    if not math.isfinite(total):
        raise BadInput(f"the loss became {total}", location=f"stage {stage.name}", hint="lower the learning rate")
    if not all(bool(weights.isfinite().all()) for weights in module.parameters()):
        raise BadInput("weights are no longer finite", location=f"stage {stage.name}", hint="lower the learning rate")
    return {"loss": total / seen, "accuracy": right / seen}


def _rate_at(step: int, stage: Stage) -> float:
    """The learning rate: it warms up, then goes down to zero as a cosine."""
    total = max(1, stage.epochs * stage.steps_per_epoch)
    warm = max(1, int(WARM_UP_SHARE * total))
    if step < warm:
        return stage.learning_rate * ((step + 1) / warm)
    return stage.learning_rate * (0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, total - warm)))))


def _save(path, stage, module, optimizer, history, best) -> None:  # noqa: ANN001
    content = {"format": FORMAT, "version": VERSION, "stage": stage.name, "epochs": stage.epochs, "best": best}
    content |= {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "history": history}
    content |= {"fingerprint": stage.fingerprint}
    write_atomically(content, path)


def _restore(path, stage, module, optimizer) -> tuple[list[dict], dict]:  # noqa: ANN001
    content = read_checkpoint(path)
    if not same_value(content.get("epochs"), stage.epochs):
        said = shown(content.get("epochs"))
        hint = f"resume with --epochs {said}, or train into another folder"
        raise BadInput(f"was written by a run of {said} epochs", location=str(path), hint=hint)
    require_same_run(content, stage.fingerprint, path)
    try:
        module.load_state_dict(content["best"]["state"])  # only to see that it fits: `fit` needs it at its end
        module.load_state_dict(content["module"])
        restore(optimizer, content["optimizer"])
        _require_history(content["history"], content["best"], stage)
        return content["history"], content["best"]
    except DAMAGE as error:
        hint = "train again, without --resume or into another folder"
        raise BadInput(f"damaged checkpoint ({shown(error)})", location=str(path), hint=hint) from error


def read_checkpoint(path: Path) -> dict:
    """A checkpoint of any stage."""
    return read_checked(path, FORMAT, VERSION)


def require_same_run(checkpoint: dict, fingerprint: str, path: Path) -> None:
    """Raises BadInput unless the checkpoint is of a run with this fingerprint."""
    if not same_value(checkpoint.get("fingerprint"), fingerprint):
        hint = "resume with the options of config.json beside it, or train into another folder"
        raise BadInput("was written by a run with other clips or options", location=str(path), hint=hint)


def _require_history(history: object, best: dict, stage: Stage) -> None:
    """Raise ValueError unless there is a record of each epoch so far, with its numbers."""
    if not isinstance(history, list) or not all(isinstance(record, dict) for record in history):
        raise ValueError("its history is no list of records")
    numbered = [record.get("epoch") for record in history]
    if not same_value(numbered, list(range(len(history)))) or len(history) > stage.epochs:
        raise ValueError("its history does not number the epochs")
    numbers = [record[name] for record in history for name in RECORDED] + [best["accuracy"]]
    if not all(isinstance(number, (int, float)) and math.isfinite(number) for number in numbers):
        raise ValueError("its history has values that are not finite numbers")
    if not all(same_value(record.get("stage"), stage.name) for record in history):
        raise ValueError("its history is of another stage")
