"""The one private option of numba that kernels use, where this numba has it."""

from __future__ import annotations

try:
    from numba.core.cpu import CPUTargetOptions
except ImportError:  # numba has moved it: as if the option were gone
    CPUTargetOptions = None

UNCOUNTED = {"_nrt": False} if hasattr(CPUTargetOptions, "_nrt") else {}
"""For `njit`: no reference counts of arrays. Without it kernels compute the same, in more than twice the time.

setup.cfg pins the versions of numba for which tests/sim/test_compiled_parts.py found that the option does that.
"""
