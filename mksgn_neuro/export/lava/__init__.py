"""What runs inside Lava, in child processes and for Lava users; `import mksgn_neuro.export.lava` imports no Lava yet.

A folder of its own, because Lava imports every module that lies beside a process when it looks for its models.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from mksgn_neuro.errors import Unsupported


def require_lava(distribution: str = "lava-nc") -> None:
    """Raises Unsupported, in one line, where Lava (or "lava-dl", its SLAYER and netx) is not installed."""
    try:
        version(distribution)
    except PackageNotFoundError:
        remedy = "install mksgn-neuro on Python 3.10, the last that Lava accepts; the emulator needs no Lava"
        raise Unsupported("not installed", place=distribution, remedy=remedy) from None
