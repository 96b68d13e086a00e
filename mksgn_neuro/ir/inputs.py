"""What a source can send: the one check that the reference, the emulator and Lava all make of their inputs."""

from __future__ import annotations

import numpy as np

from mksgn_neuro.errors import BadInput
from mksgn_neuro.ir.network import Source


def checked(source: Source, inputs: np.ndarray, *, batch: bool = False) -> np.ndarray:
    """Inputs (T, N_in), or with `batch` (..., T, N_in), as int32.

    Raises BadInput unless they have that shape and every value is an integer that the source can send.
    """
    inputs = np.asarray(inputs)
    low, high = source.payloads
    if inputs.ndim < 2 or (inputs.ndim > 2 and not batch) or inputs.shape[-1] != source.size:
        hint = f"give integers (steps, {source.size})"
        raise BadInput(f"inputs have shape {inputs.shape}", location=source.name, hint=hint)
    if inputs.dtype.kind not in "biuf":
        raise BadInput(f"inputs are {inputs.dtype}", location=source.name, hint=f"give integers in {low}..{high}")
    whole = inputs.dtype.kind != "f" or np.array_equal(inputs, np.round(inputs))
    if inputs.size and not (whole and int(inputs.min()) >= low and int(inputs.max()) <= high):
        worst = inputs[(inputs < low) | (inputs > high) | (inputs != np.round(inputs))][0]
        what = "binary input takes" if source.message_bits == 0 else f"{source.message_bits} bits hold"
        raise BadInput(f"an input is {worst}", location=source.name, hint=f"{what} integers in {low}..{high}")
    return inputs.astype(np.int32)


def require_count(value: object, location: str) -> None:
    """Raise BadInput, naming `location`, unless `value` is a whole number of at least 1, or None."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if value is not None and not (whole and value >= 1):
        raise BadInput(f"is {value!r}", location=location, hint="give a whole number of at least 1")
