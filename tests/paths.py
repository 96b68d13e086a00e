"""Where the shipped model and the real data lie; a test that needs data skips with the reason where it is absent."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mksgn_neuro.workflows.load import SHIPPED_MODEL, shipped

NOBODY = 65534  # the user id that owns nothing

SHARED = next(
    (p for p in (parent / "shared" / "data" for parent in Path(__file__).resolve().parents) if p.is_dir()),
    Path("../shared/data"),
)
NW_UCLA = SHARED / "nw-ucla-all_sqe.zip"
UI_PRMD = SHARED / "ui-prmd.npz"
SHIPPED = shipped()[SHIPPED_MODEL]

needs_shared_data = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no {SHARED}: real data is not part of the package")


@contextmanager
def ordinary_user(folder: Path) -> Iterator[None]:
    """Within, this process is nobody special, who may look into `folder`, where tests are run as root."""
    if os.getuid() != 0:
        yield
        return
    above = [path for path in (folder, *folder.parents) if str(path).startswith(f"{tempfile.gettempdir()}/")]
    modes = {path: path.stat().st_mode & 0o7777 for path in above}
    for path, mode in modes.items():
        path.chmod(mode | 0o055)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        for path, mode in modes.items():
            path.chmod(mode)
