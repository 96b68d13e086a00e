"""Run a netx file with lava-dl's own loader level by level: each is given what the one before it fired.

The whole file at once takes the loader 13 GB for the largest of our networks; this takes less than 1 GB, see `pieces`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from mksgn_neuro.export.child import run_child
from mksgn_neuro.export.lava_graph import require_lava
from mksgn_neuro.export.netx.pieces import MOST_PAIRS

CHILD = "mksgn_neuro.export.netx.levels_child"


@dataclass(frozen=True)
class RunLevel:
    """What the loader's processes of a level hold, and what they fired: `spikes` uint8 (T, N).

    `weights` float64 and `delays` (N, inputs) as the synapse runs them, delays only where there is a weight; `vth`,
    `i_decay`, `v_decay`, `bias` float64 (N,).
    """

    spikes: np.ndarray
    weights: sp.csr_matrix
    delays: sp.csr_matrix
    vth: np.ndarray
    i_decay: np.ndarray
    v_decay: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class LevelsRun:
    """Every level in order, and into how many `pieces` they were cut."""

    levels: tuple[RunLevel, ...]
    pieces: int


def run_by_level(
    path: Path, inputs: np.ndarray, *, limit: float, input_message_bits: int = 16, reset_interval: int | None = None,
    most_pairs: int = MOST_PAIRS, at_once: int = 2,
) -> LevelsRun:  # fmt: skip
    """Run a file that `pieces.why_not_in_pieces` has nothing against on integer inputs (T, N_in), `at_once` pieces
    side by side.

    Raises Unsupported where lava-dl is not installed, ChildFailed with Lava's traceback for everything else.
    """
    require_lava("lava-dl")
    request = {
        "path": str(Path(path).resolve()),
        "input_message_bits": input_message_bits,
        "reset_interval": reset_interval,
        "most_pairs": most_pairs,
        "at_once": at_once,
    }
    payload = {"request": np.array(json.dumps(request)), "inputs": np.asarray(inputs, dtype=np.int32)}
    answer = run_child(CHILD, payload, limit)
    count = sum(name.endswith(".spikes") for name in answer)
    return LevelsRun(tuple(_level(answer, k) for k in range(count)), int(answer["pieces"]))


def _level(answer: dict[str, np.ndarray], k: int) -> RunLevel:
    plain = {name: answer[f"{k}.{name}"] for name in ("spikes", "vth", "i_decay", "v_decay", "bias")}
    return RunLevel(weights=_matrix(answer, f"{k}.weights", k), delays=_matrix(answer, f"{k}.delays", k), **plain)


def _matrix(answer: dict[str, np.ndarray], name: str, k: int) -> sp.csr_matrix:
    entries = answer[f"{name}.data"], (answer[f"{name}.row"], answer[f"{name}.col"])
    return sp.csr_matrix(entries, shape=tuple(answer[f"{k}.shape"]))
