"""How much the modalities' encoder spikes tell of each other and of the action, and whether that differs among them.

python -m benchmarks.information DATA MODEL

SMF weights its fusion by mutual information between modalities. For a trained MODEL on its training clips, in nats:

    same channel   as training estimates it: spikes at the same joint, frame and channel
    best channels  each pair's most informative two channels, all joints together
    per joint      the same channel, joint by joint: least, mean and most
    windows        best channels, each joint's spikes within 5 frames: any or none
    the action     of a joint's channel within 5 frames, the most informative one

`differs` is the spread of fusion weights (mean 1) that an estimate would give: most minus least.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch

from mksgn_neuro.data.frames import encode_batch
from mksgn_neuro.data.protocols import streams
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.fusion import modality_weights
from mksgn_neuro.models.store import Model, load_model
from mksgn_neuro.models.student import MKSGN
from mksgn_neuro.workflows.inputs import Request, clips_for

WINDOW = 5  # frames


def entropy_of(counts: np.ndarray) -> np.ndarray:
    """Nats, over the last axis of counts."""
    p = counts / np.maximum(counts.sum(-1, keepdims=True), 1)
    return -(p * np.log(np.where(p > 0, p, 1))).sum(-1)


def pairwise(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mutual information of binary columns: a (n, A), b (n, B) to (A, B) nats."""
    n, both = len(a), a.T.astype(np.float64) @ b.astype(np.float64)
    ones_a, ones_b = a.sum(0, dtype=np.float64)[:, None], b.sum(0, dtype=np.float64)[None, :]
    cells = np.stack([both, ones_a - both, ones_b - both, n - ones_a - ones_b + both], axis=-1)
    margins = [entropy_of(np.stack([ones, n - ones], axis=-1)) for ones in (ones_a, ones_b)]
    return margins[0] + margins[1] - entropy_of(cells)


def with_labels(spikes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mutual information of binary columns (n, A) and labels (n,), nats (A,)."""
    fired = np.stack([spikes[labels == c].sum(0, dtype=np.float64) for c in np.unique(labels)], axis=-1)
    of_class = np.bincount(labels)[np.unique(labels)].astype(np.float64)
    joint = np.concatenate([fired, of_class - fired], axis=-1)
    total = fired.sum(-1)
    marginal = entropy_of(np.stack([total, len(spikes) - total], axis=-1))
    return marginal + entropy_of(of_class) - entropy_of(joint)


@torch.no_grad()
def encoder_spikes(model: Model, clips) -> tuple[np.ndarray, np.ndarray]:
    """Spikes uint8 (clips, T, V, modalities, channels) of equally long, stretched clips, and labels."""
    given, parts = streams("offline", clips, model.timing), []
    for i in range(0, len(given.positions), 64):
        positions = torch.from_numpy(np.stack(given.positions[i : i + 64]))
        activity = model.student(encode_batch(positions, model.scaling, clips.skeleton))
        spikes = activity.spikes["encode"].unflatten(-1, (model.student.config.modalities, -1))  # (V, T, B, M, C)
        parts.append(spikes.permute(2, 1, 0, 3, 4).to(torch.uint8).numpy())
    return np.concatenate(parts), np.asarray(clips.labels)


def matrix(by_modality: list[np.ndarray], estimate) -> np.ndarray:
    """(M, M) of `estimate` of two modalities' spikes; zero on the diagonal, which the weights leave out."""
    size = len(by_modality)
    found = np.zeros((size, size))
    for i in range(size):
        for j in range(i):
            found[i, j] = found[j, i] = estimate(by_modality[i], by_modality[j])
    return found


def print_matrix(name: str, found: np.ndarray, modalities: tuple[str, ...]) -> None:
    weights = modality_weights(torch.from_numpy(found)).numpy()
    off = found[~np.eye(len(found), dtype=bool)]
    told = ", ".join(f"{m} {w:.3f}" for m, w in zip(modalities, weights))
    click.echo(f"{name:15} {off.min():.4f} to {off.max():.4f} nats; weights {told}; differs {np.ptp(weights):.3f}")


@click.command(help=__doc__)
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.argument("path", metavar="MODEL", type=click.Path(exists=True, path_type=Path))
@click.option("--limit", type=click.IntRange(1), default=400, show_default=True, help="Training clips to look at.")
def main(data: Path, path: Path, limit: int) -> None:
    model = load_model(path)
    if not isinstance(model.student, MKSGN):
        raise BadInput("no MK-SGN: it has no encoders by modality", location=str(path))
    clips = clips_for(model.task(), Request(path=data, split="train", limit=limit))
    spikes, labels = encoder_spikes(model, clips)
    frames = spikes.shape[1] // WINDOW * WINDOW
    windows = spikes[:, :frames].reshape(len(spikes), -1, WINDOW, *spikes.shape[2:]).max(2)
    modalities, channels = model.scaling.modalities, spikes.shape[-1]
    flat = [spikes[..., m, :].reshape(-1, channels) for m in range(len(modalities))]
    rates = ", ".join(f"{name} {part.mean():.1%}" for name, part in zip(modalities, flat))
    click.echo(f"{path}: {len(spikes)} training clips, {channels} encoder channels; spike rates: {rates}")
    print_matrix("same channel", matrix(flat, lambda a, b: np.diag(pairwise(a, b)).mean()), modalities)
    print_matrix("best channels", matrix(flat, lambda a, b: pairwise(a, b).max()), modalities)
    joints = []
    for v in range(spikes.shape[2]):
        own = [spikes[:, :, v, m].reshape(-1, channels) for m in range(len(modalities))]
        joints.append(matrix(own, lambda a, b: np.diag(pairwise(a, b)).mean()))
    for name, pick in (("least joint", np.min), ("mean of joints", np.mean), ("most joint", np.max)):
        print_matrix(name, pick(np.stack(joints), axis=0), modalities)
    pooled = [windows[..., m, :].reshape(-1, channels) for m in range(len(modalities))]
    print_matrix("windows", matrix(pooled, lambda a, b: pairwise(a, b).max()), modalities)
    by_clip = np.repeat(labels, windows.shape[1])
    for m, name in enumerate(modalities):
        told = with_labels(windows[..., m, :].reshape(len(by_clip), -1), by_clip)
        click.echo(f"the action      {name}: most {told.max():.4f}, mean {told.mean():.4f} nats")


if __name__ == "__main__":
    main()
