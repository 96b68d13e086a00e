"""Networks of model.pt files as they were lowered before: who simulates one again need not load torch.

A file's content and this package's source are the key, so that neither a new model nor another version finds an old
network. Nothing is lost where the cache cannot be written, or is emptied: the next start is slower.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from mksgn_neuro.data import cache
from mksgn_neuro.errors import UserError
from mksgn_neuro.ir import Network
from mksgn_neuro.ir.store import SUFFIX, load, save

PACKAGE = Path(__file__).resolve().parents[1]
KEPT = 16  # networks, the newest


def entry(model: Path) -> Path:
    """Where the network of a model.pt with this content lies, or would."""
    content = hashlib.blake2b(model.read_bytes(), digest_size=16).hexdigest()
    return cache.home() / "lowered" / (cache.key(PACKAGE, (".py",), content) + SUFFIX)


def recall(model: Path) -> Network | None:
    """The network that `keep` was given for this content; None where there is none, or none that can be read."""
    with suppress(OSError, UserError):
        file = entry(model)
        return load(file) if file.is_file() else None
    return None


def keep(model: Path, network: Network) -> None:
    """Remember the network of a model.pt, and forget the oldest of many."""
    with suppress(OSError, UserError):
        file = entry(model)
        file.parent.mkdir(parents=True, exist_ok=True)
        save(network, file)
        by_age = sorted(file.parent.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime)
        for old in by_age[:-KEPT]:
            old.unlink(missing_ok=True)
