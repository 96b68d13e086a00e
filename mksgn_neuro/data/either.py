"""What numpy arrays and torch tensors do alike, so that one formula serves both and numpy's users load no torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch

Either = TypeVar("Either", np.ndarray, "torch.Tensor")


def library(x: Either) -> Any:
    """The module whose functions take `x`: numpy or torch."""
    return np if isinstance(x, np.ndarray) else sys.modules["torch"]


def cast(x: Either, dtype: str) -> Either:
    """The same numbers as another type, by the name that both libraries know."""
    return x.astype(dtype) if isinstance(x, np.ndarray) else x.to(getattr(library(x), dtype))


def like(x: Either, numbers: Sequence[float] | range, dtype: str) -> Either:
    """`numbers` as an array of the library of `x`, on its device."""
    if isinstance(x, np.ndarray):
        return np.array(numbers, dtype=dtype)
    return library(x).tensor(numbers, dtype=getattr(library(x), dtype), device=x.device)


def repeated(x: Either, times: int, axis: int) -> Either:
    """Each entry along an axis so many times in a row."""
    return np.repeat(x, times, axis) if isinstance(x, np.ndarray) else x.repeat_interleave(times, dim=axis)
