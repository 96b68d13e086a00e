"""Where Lava is, for tests that compare with it."""

from importlib import metadata
from pathlib import Path

import pytest


def installed():
    try:
        return metadata.distribution("lava-dl")
    except metadata.PackageNotFoundError:
        return None


needs_lava = pytest.mark.skipif(installed() is None, reason="lava-dl runs on Python 3.10 only and is not installed")


def intel_tests():
    """The folder of Intel's own test networks, which the lava-dl wheel installs."""
    return Path(installed().locate_file("tests/lava/lib/dl/netx"))
