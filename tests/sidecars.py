"""A sidecar that describes its network file as it is now, so that what was changed in the file is looked for inside."""

import json
from pathlib import Path

from mksgn_neuro.export.netx.sidecar import sha256_of


def describe_again(net: Path) -> None:
    """Write the file's sha256 into the sidecar beside it."""
    path = net.with_name(f"{net.name}.json")
    told = json.loads(path.read_text())
    told["file"]["sha256"] = sha256_of(net)
    path.write_text(json.dumps(told))
