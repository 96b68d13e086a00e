"""Clips for a trained model: the right split, checked against its skeleton and classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.frames import encode_batch, resample_batch
from mksgn_neuro.data.registry import load
from mksgn_neuro.errors import BadInput
from mksgn_neuro.models.store import Model

SPLITS = ("train", "test", "all")


def clips_for(
    model: Model, dataset: str | None, data_path: Path | None, *, split: str = "test", limit: int | None = None,
    skip_bad: bool = False, seed: int = 0,
) -> Clips:  # fmt: skip
    """The split's clips, at most `limit`, evenly spaced; where no data set is named, the one it was trained on.

    Raises BadInput where the data's joints or classes are not the model's.
    """
    recorded = model.training.get("data")
    if dataset is None:
        dataset = model.dataset
        data_path = data_path or (Path(recorded) if recorded else None)
        seed = model.training.get("seed", seed)
    clips = load(dataset, data_path, skip_bad=skip_bad, seed=seed)
    place = str(data_path or dataset)
    if clips.skeleton.parents != model.skeleton.parents:
        problem = f"has {clips.skeleton.joints} joints in another tree than the model's {model.skeleton.joints}"
        raise BadInput(problem, place=place, remedy=f"give data like {model.dataset}, or train on this data")
    if clips.class_names != tuple(model.class_names):
        raise BadInput("has other classes than the model", place=place, remedy="train on this data")
    if split != "all":
        clips = clips.subset(clips.train if split == "train" else ~clips.train)
    if len(clips) == 0:
        raise BadInput(f"no clip in split {split!r}", place=place, remedy="choose another --split")
    if limit is not None and limit < len(clips):
        clips = clips.subset(np.linspace(0, len(clips) - 1, limit).astype(int))
    return clips


def encoded(model: Model, clips: Clips) -> torch.Tensor:
    """Clips as the network gets them: (N, frames, M, V, 3), integers in float32."""
    flat = torch.from_numpy(np.concatenate([clips[i] for i in range(len(clips))]))
    lengths = torch.from_numpy(np.array(clips.lengths))
    starts = torch.cumsum(lengths, 0) - lengths
    positions = resample_batch(flat, starts, lengths, model.frames, clips.skeleton.bodies)
    return encode_batch(positions, model.scaling, model.skeleton)


def verification_frames(
    model: Model, samples: int, dataset: str | None, data_path: Path | None
) -> tuple[torch.Tensor, str]:
    """Inputs to prove a model on, and what they are: real test clips where they can be had, else drawn ones.

    Drawn inputs are smooth random walks over the whole input range, (N, frames, M, V, 3).
    """
    recorded = model.training.get("data")
    if dataset or data_path or model.dataset == "synthetic" or (recorded and Path(recorded).exists()):
        clips = clips_for(model, dataset, data_path, limit=samples)
        return encoded(model, clips), f"{len(clips)} test clips of {clips.dataset}"
    rng = np.random.default_rng(0)
    low, high = model.scaling.limits
    shape = (samples, model.frames, len(model.scaling.modalities), model.skeleton.joints, 3)
    walks = np.cumsum(rng.normal(0, high / 8, shape), axis=1) + rng.normal(0, high / 4, (samples, 1, *shape[2:]))
    return torch.from_numpy(np.clip(np.round(walks), low, high)).float(), f"{samples} random walks"
