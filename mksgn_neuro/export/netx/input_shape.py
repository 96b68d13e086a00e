"""The shape of an input that a netx file does not tell: what a first convolution's own shape leaves possible."""

from __future__ import annotations

import numpy as np


def possible_sizes(output: int, kernel: int, stride: int, padding: int, dilation: int) -> range:
    """Input sizes along one axis from which this convolution gives `output`."""
    smallest = stride * (output - 1) + dilation * (kernel - 1) + 1 - 2 * padding
    return range(max(smallest, 1), smallest + stride)


def possible_shapes(
    kernel: np.ndarray,
    output: tuple[int, int, int],
    *,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> tuple[int, range, range]:
    """Channels, and the heights and widths that fit, of the input (C, H, W) of a convolution with this output.

    kernel: (C_out, C_in / groups, kH, kW).
    """
    axes = zip(output[1:], kernel.shape[2:], stride, padding, dilation)
    height, width = (possible_sizes(*axis) for axis in axes)
    return kernel.shape[1] * groups, height, width


def in_words(sizes: range) -> str:
    """One size, from and to, or that none fits."""
    if not sizes:
        return "no size that fits"
    return str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
