"""Which module has the fused kernels of a kind of device: `lif_numba` on CPU, `lif_triton` on CUDA where Triton is."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from types import ModuleType

from mksgn_neuro.nn.kernels import lif_numba


@cache
def kernel_backend(device: str) -> ModuleType | None:
    """None where plain torch runs, which is also what the kernels are tested against."""
    if device == "cpu":
        return lif_numba
    if device == "cuda" and find_spec("triton"):
        from mksgn_neuro.nn.kernels import lif_triton

        return lif_triton
    return None
