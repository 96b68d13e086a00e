"""Which module has the fused kernels of a kind of device: `scan` on CPU, `scan_cuda` on CUDA where Triton is."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from types import ModuleType

from mksgn_neuro.models import scan


@cache
def kernels_of(device: str) -> ModuleType | None:
    """None where plain torch runs, which is also what the kernels are tested against."""
    if device == "cpu":
        return scan
    if device == "cuda" and find_spec("triton"):
        from mksgn_neuro.models import scan_cuda

        return scan_cuda
    return None
