"""Whether a netx file is the one that the sidecar beside it describes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mksgn_neuro.gates.text import parsed_json

LONGEST = 16 * 2**20  # bytes of a sidecar; ours have some thousands


def sidecar_of(net: Path) -> Path:
    """Where a netx file's sidecar lies."""
    return net.with_name(net.name + ".json")


def sha256_of(path: Path) -> str:
    """Of the file's content, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()


def sidecar_findings(net: Path) -> list[str]:
    """In words, what is wrong with the sidecar beside the file; nothing where there is none."""
    sidecar = sidecar_of(net)
    if not sidecar.is_file():
        return []
    try:
        with sidecar.open("rb") as file:
            said = parsed_json(file.read(LONGEST))["file"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return [f"{sidecar.name} beside it is no sidecar of ours; export the model again"]
    if said == sha256_of(net):
        return []
    return [f"is not the file that {sidecar.name} describes (sha256 differs); export the model again"]
