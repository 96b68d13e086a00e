"""How well a protocol's clips are recognised, from the class spikes of each frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mksgn_neuro.data.background import background_of
from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.mapped import rows_of
from mksgn_neuro.data.protocols import Streams

PART = 4096  # frames that are decided together


def evidence(class_spikes: np.ndarray, window: int | None) -> np.ndarray:
    """Spikes (T, classes) summed over the last `window` frames, or over all so far: int64 (T, classes)."""
    total = np.cumsum(class_spikes, axis=0, dtype=np.int64)
    if window is None:
        return total
    before = np.zeros_like(total)
    before[window:] = total[:-window]
    return total - before


def decisions(class_spikes: Sequence[np.ndarray], streams: Streams) -> list[np.ndarray]:
    """The class decided at each frame of each stream; ties go to the lowest."""
    return [_decided(spikes, streams.window) for spikes in class_spikes]


def _decided(spikes: np.ndarray, window: int | None) -> np.ndarray:
    """In parts, where a window bounds what each rests on: a stream of many clips is long."""
    if window is None:
        return evidence(rows_of(spikes, slice(None)), None).argmax(axis=1)
    parts = [(max(0, a - window), a) for a in range(0, len(spikes), PART)]
    found = ((a - b, evidence(rows_of(spikes, slice(b, a + PART)), window)) for b, a in parts)
    return np.concatenate([seen[lead:].argmax(axis=1) for lead, seen in found])


def recognition(class_spikes: Sequence[np.ndarray], streams: Streams, clips: Clips, rate: float) -> dict:
    """The figures of one protocol as plain values, from the class spikes (T_s, classes) of each stream.

    Accuracies have a `standard` and, without test clips that are also in training, a `clean` value.
    """
    decided = decisions(class_spikes, streams)
    if streams.protocol == "continuous":
        return _continuous(decided[0], streams, clips, rate)
    at_end = _right_at(decided, streams, clips, streams.end)
    if streams.protocol == "offline":
        return {"accuracy": accuracies(at_end, streams, clips), "clips": len(at_end)}
    held = _right_at(decided, streams, clips, streams.held)
    return {
        "accuracy": accuracies(at_end, streams, clips),
        "accuracy_held": accuracies(held, streams, clips),
        "clips": len(at_end),
    }


def _right_at(decided: list[np.ndarray], streams: Streams, clips: Clips, ends: np.ndarray) -> np.ndarray:
    found = np.array([decided[s][end - 1] for s, end in zip(streams.stream, ends)])
    return found == clips.labels[streams.clip]


def accuracies(right: np.ndarray, streams: Streams, clips: Clips) -> dict[str, float | None]:
    """Share of the clips (N,) that were recognised: all, and those without a duplicate in training."""
    clean = right[~clips.leaked[streams.clip]]
    return {"standard": _mean(right), "clean": _mean(clean)}


def _continuous(decided: np.ndarray, streams: Streams, clips: Clips, rate: float) -> dict:
    labels = clips.labels[streams.clip]
    spans = list(zip(streams.first, streams.end))
    right = [decided[a:b] == label for (a, b), label in zip(spans, labels)]
    second = np.concatenate([r[len(r) // 2 :] for r in right])
    delays = [settled for settled in map(frames_to_decision, right) if settled]
    truth = np.repeat(labels, streams.end - streams.first)
    changed = np.flatnonzero(decided[1:] != decided[:-1]) + 1
    false = int((decided[changed] != truth[changed]).sum())
    at_end = np.array([r[-1] for r in right])
    return {
        "accuracy": accuracies(at_end, streams, clips),
        "second_half": _mean(second),
        "median_frames_to_decision": float(np.median(delays)) if delays else None,
        "false_changes_per_minute": false / (len(decided) / rate / 60),
        "clips": len(right),
        "frames": len(decided),
        **false_decisions(decided, truth, background_of(clips.class_names), rate),
    }


def false_decisions(decided: np.ndarray, truth: np.ndarray, background: int | None, rate: float) -> dict:
    """How often an action is named that is not the one that goes on, (T,) each; where a class is none of them.

    Per hour of the stream, and per hour of its frames in which no action goes on.
    """
    if background is None:
        return {}
    named = np.concatenate([[True], decided[1:] != decided[:-1]]) & (decided != background) & (decided != truth)
    nothing = truth == background
    per_hour = {"false_decisions_per_hour": _per_hour(named, rate)}
    return per_hour | {"false_decisions_per_hour_of_nothing": _per_hour(named[nothing], rate)}


def _per_hour(events: np.ndarray, rate: float) -> float | None:
    return float(events.sum() / (len(events) / rate / 3600)) if len(events) else None


def frames_to_decision(right: np.ndarray) -> int:
    """The frame, from 1, from which on all of `right` (T,) hold; 0 where the last does not."""
    if not right[-1]:
        return 0
    return 1 if right.all() else len(right) - int(right[::-1].argmin()) + 1


def _mean(right: np.ndarray) -> float | None:
    return float(right.mean()) if len(right) else None
