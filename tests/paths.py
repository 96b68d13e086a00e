"""Where the shipped model and the real data lie; a test that needs data skips with the reason where it is absent."""

from pathlib import Path

import pytest

from mksgn_neuro.workflows.load import SHIPPED_MODEL, shipped

SHARED = next(
    (p for p in (parent / "shared" / "data" for parent in Path(__file__).resolve().parents) if p.is_dir()),
    Path("../shared/data"),
)
NW_UCLA = SHARED / "nw-ucla-all_sqe.zip"
UI_PRMD = SHARED / "ui-prmd.npz"
SHIPPED = shipped()[SHIPPED_MODEL]

needs_shared_data = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no {SHARED}: real data is not part of the package")
