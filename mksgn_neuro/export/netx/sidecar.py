"""Whether a netx file is the one that the sidecar beside it describes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.text import parsed_json

DIFFERS = "is not the file that"
HINT = "export the model again, or take the sidecar away"
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
    problem = _problem(net)
    return [f"{problem}; {HINT}"] if problem else []


def require_described(net: Path) -> None:
    """Raises BadInput for a netx file that the sidecar beside it does not describe: one of them is of another export.

    A sidecar that is none of ours says nothing.
    """
    problem = _problem(net)
    if problem.startswith(DIFFERS):
        raise BadInput(problem, location=str(net), hint=HINT)


def _problem(net: Path) -> str:
    """Empty where nothing is wrong."""
    sidecar = sidecar_of(net)
    if not sidecar.is_file():
        return ""
    try:
        with sidecar.open("rb") as file:
            said = parsed_json(file.read(LONGEST))["file"]["sha256"]
    except (OSError, ValueError, LookupError, TypeError):
        return f"{sidecar.name} beside it is no sidecar of ours"
    return "" if said == sha256_of(net) else f"{DIFFERS} {sidecar.name} describes (sha256 differs)"
