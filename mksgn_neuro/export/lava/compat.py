"""lava-nc 0.10.0's wheel as it is, on Python 3.11 to 3.13 and numpy 2: two of its lines need help.

It was released for Python 3.10 and archived. Its SLAYER (lava-dl) is not helped: it needs Python 3.10.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import sys

import numpy as np


def repair() -> None:
    """Import Lava such that it works; does nothing on Python 3.10, and nothing twice."""
    if sys.version_info < (3, 11) or "lava.magma.compiler.var_model" in sys.modules:
        return
    original = dataclasses.dataclass
    # var_model.py has a dataclass instance as a field's default, which Python 3.11 takes only if it has a hash.
    dataclasses.dataclass = functools.partial(original, unsafe_hash=True)
    try:
        importlib.import_module("lava.magma.compiler.var_model")
    finally:
        dataclasses.dataclass = original
    port = importlib.import_module("lava.magma.core.process.ports.ports").ReshapePort
    # ports.py calls np.reshape(newshape=…), an argument that numpy has given up.
    port.get_transform_func_fwd = lambda self: functools.partial(_reshape, shape=self.shape)
    port.get_transform_func_bwd = lambda self: functools.partial(_reshape, shape=self.old_shape)


def _reshape(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return array.reshape(shape)
