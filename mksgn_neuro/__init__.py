"""Compiler from spiking graph networks on skeletons to Loihi-style hardware, exact spike for spike.

`load` a network, or `train` one; what is loaded can `simulate`, `export`, `verify` and `inspect`: `mksgn_neuro.api`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from mksgn_neuro.processes.compiled import find_cache_folder

if TYPE_CHECKING:
    from mksgn_neuro.api import Loaded, Verified, load, read_clips, train
    from mksgn_neuro.errors import BadInput, Unsupported, UserError, WorkFailed

__version__ = "0.2.0"
SAID_OF_COMPILED_CODE = find_cache_folder()  # before anything imports numba

# Looked up when first asked for, so that importing the package loads neither torch nor numpy.
_HOMES = {
    **dict.fromkeys(("Loaded", "Verified", "load", "read_clips", "train"), "mksgn_neuro.api"),
    **dict.fromkeys(("BadInput", "Unsupported", "UserError", "WorkFailed"), "mksgn_neuro.errors"),
}

__all__ = [
    "BadInput",
    "Loaded",
    "Unsupported",
    "UserError",
    "Verified",
    "WorkFailed",
    "__version__",
    "load",
    "read_clips",
    "train",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
