"""What several seeds of one training get together: the mean and the spread of every figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

FIGURES = (
    ("continuous", "accuracy"),
    ("clip", "accuracy"),
    ("clip", "accuracy_held"),
    ("offline", "accuracy"),
)


def spread(found: Sequence[dict[str, dict]]) -> dict[str, dict]:
    """From `recognition` by protocol of each seed: {"clip accuracy_held": {"standard": {"mean", "deviation"}, …}, …}.

    `deviation` is that of a sample, 0 for one seed. Figures that a seed lacks are left out.
    """
    table: dict[str, dict] = {}
    for protocol, figure in FIGURES:
        for part in ("standard", "clean"):
            values = list(_values(found, protocol, figure, part))
            if len(values) == len(found):
                deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
                entry = {"mean": float(np.mean(values)), "deviation": deviation, "seeds": values}
                table.setdefault(f"{protocol} {figure}", {})[part] = entry
    return table


def _values(found: Sequence[dict[str, dict]], protocol: str, figure: str, part: str) -> Iterator[float]:
    for by_protocol in found:
        value = by_protocol.get(protocol, {}).get(figure, {}).get(part)
        if value is not None:
            yield value
