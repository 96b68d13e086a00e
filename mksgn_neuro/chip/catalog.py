"""The chips that we know, as data, and those that a user describes in a file.

Intel publishes no complete data sheet. What its compiler printed into public notebooks is "observed", what a paper
states is "published", what we had to choose is "assumed". docs/chip.md quotes the printouts.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mksgn_neuro.chip.spec import CONFIDENCE, Chip, Limit
from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import shown
from mksgn_neuro.gates.text import read_toml

_PILOTNET = "compiler printout, lava-dl tutorials/lava/lib/dl/netx/pilotnet_snn/benchmark.ipynb"
_S4D = "compiler printout, lava-dl slayer/state_space_models/sCIFAR/profiling_scripts/num_cores_estimate.ipynb"
_ORCHARD = "Orchard et al. 2021, Efficient Neuromorphic Signal Processing with Loihi 2, and Intel's technology brief"
_DAVIES = "Davies et al. 2018, Loihi: A Neuromorphic Manycore Processor with On-Chip Learning"
_NENGO = "nengo-loihi, nengo_loihi/block.py and hardware/allocator.py"
_LAVA = "lava-nc 0.10.0: lava.proc.dense, lava.proc.conv, lava.proc.sparse.process.DelaySparse"
_FIT = "our fit to eight printed layers, docs/chip.md"

LOIHI2 = Chip.of(
    "loihi2",
    (
        "cores",
        120,
        "neurocores per chip",
        "papers that run on the chip report 120 to 128; 128 are on the die",
        "observed",
    ),
    ("mesh_width", 16, "tiles", _ORCHARD, "published"),
    ("mesh_height", 8, "tiles", _ORCHARD, "published"),
    ("cores_per_tile", 1, "neurocores", "128 neurocores on an 8 x 16 mesh", "assumed"),
    ("neurons", 4095, "per core", f"99.98 % in {_S4D}", "observed"),
    ("groups", 8, "neuron groups per core", f"one group is 12.5 % in {_S4D}", "observed"),
    ("input_axons", 16000, "per core", f"256 axons are 1.60 % in {_S4D}", "observed"),
    ("memory_words", 12000, "words per core", f"SynMem limit in {_PILOTNET}", "observed"),
    ("word_bits", 128, "bits", "12,000 words of 128 bits are the 192 kB of synaptic memory", "assumed"),
    ("synapse_bits", 32, "bits per synapse of an axon", _FIT, "observed"),
    ("axon_bits", 64, "bits per axon with synapses", _FIT, "observed"),
    ("kernel_weight_bits", 8, "bits per weight of a shared kernel", _FIT, "observed"),
    ("kernel_bits", 160, "bits per kernel tap", _FIT, "observed"),
    ("shared_kernels", 1, "1 if convolutions share weights", _PILOTNET, "observed"),
    ("max_delay", 62, "time steps", _LAVA, "published"),
    ("weight_bits", 8, "bits", _LAVA, "published"),
    ("payload_bits", 32, "bits of a graded spike", _ORCHARD, "published"),
)

LOIHI1 = Chip.of(
    "loihi1",
    ("cores", 128, "neurocores per chip", _DAVIES, "published"),
    ("mesh_width", 8, "tiles", "SANA-FE, arch/loihi.yaml", "observed"),
    ("mesh_height", 4, "tiles", "SANA-FE, arch/loihi.yaml", "observed"),
    ("cores_per_tile", 4, "neurocores", _DAVIES, "published"),
    ("neurons", 1024, "compartments per core", _DAVIES, "published"),
    ("groups", 32, "compartment profiles per core", _NENGO, "observed"),
    ("input_axons", 4096, "per core", _NENGO, "observed"),
    ("memory_words", 8192, "words per core", "128 kB of synaptic memory per core, in words of 128 bits", "published"),
    ("word_bits", 128, "bits", "same layout as Loihi 2", "assumed"),
    ("synapse_bits", 32, "bits per synapse of an axon", "same layout as Loihi 2", "assumed"),
    ("axon_bits", 64, "bits per axon with synapses", "same layout as Loihi 2", "assumed"),
    ("kernel_weight_bits", 8, "bits per weight of a shared kernel", "unused: no shared kernels", "assumed"),
    ("kernel_bits", 160, "bits per kernel tap", "unused: no shared kernels", "assumed"),
    ("shared_kernels", 0, "1 if convolutions share weights", "Lava maps Conv to Loihi 1 as Sparse", "observed"),
    ("max_delay", 62, "time steps", _DAVIES, "published"),
    ("weight_bits", 8, "bits", _DAVIES, "published"),
    ("payload_bits", 0, "bits of a graded spike", "Loihi 1 sends binary spikes only", "published"),
)

CHIPS = {chip.name: chip for chip in (LOIHI2, LOIHI1)}


def load_chip(name: str) -> Chip:
    """A known chip by name, or one described in a TOML file.

    The file names the chip that it starts from (`base`, loihi2 if absent) and what differs: `[limits]` maps a limit's
    name to its value, or to a table of value, source and confidence. Raises BadInput naming the location and the hint.
    """
    if name in CHIPS:
        return CHIPS[name]
    path = Path(name)
    if path.suffix != ".toml":
        raise BadInput(f"no chip {name!r}", hint=f"use {', '.join(CHIPS)} or a .toml file")
    return _from_table(read_toml(path, "see docs/chip.md"), path)


def _from_table(described: dict, path: Path) -> Chip:
    unknown = set(described) - {"name", "base", "limits"}
    if unknown:
        hint = "a chip file has name, base and [limits]"
        raise BadInput(f"unknown key {shown(repr(sorted(unknown)[0]))}", location=str(path), hint=hint)
    named = described.get("base", LOIHI2.name)
    base = CHIPS.get(named) if isinstance(named, str) else None
    if base is None:
        raise BadInput(f"unknown base {shown(repr(named))}", location=str(path), hint=f"use {', '.join(CHIPS)}")
    if not isinstance(described.get("limits", {}), dict):
        raise BadInput("limits is no table", location=str(path), hint="write [limits] and one line per limit")
    limits = dict(base.limits)
    for name, entry in described.get("limits", {}).items():
        location = f"{path}: limits.{shown(name)}"
        if name not in limits:
            raise BadInput("no such limit", location=location, hint=f"use {', '.join(limits)}")
        limits[name] = _changed(limits[name], entry, location, path)
    return Chip(str(described.get("name", path.stem)), limits)


def _changed(limit: Limit, entry: object, location: str, path: Path) -> Limit:
    fields = {"source": str(path), "confidence": "user", **(entry if isinstance(entry, dict) else {"value": entry})}
    if set(fields) != {"value", "source", "confidence"}:
        raise BadInput("wrong keys", location=location, hint="give value, and source and confidence if known")
    value, minimum = fields["value"], 0 if limit.value == 0 or limit.name in _MAY_BE_ZERO else 1
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise BadInput(
            f"{shown(repr(value))} is no whole number of at least {minimum}",
            location=location,
            hint=f"unit: {limit.unit}",
        )
    if not isinstance(fields["confidence"], str) or fields["confidence"] not in CONFIDENCE:
        hint = f"use {', '.join(CONFIDENCE)}"
        raise BadInput(f"unknown confidence {shown(repr(fields['confidence']))}", location=location, hint=hint)
    return replace(limit, value=value, source=str(fields["source"]), confidence=fields["confidence"])


_MAY_BE_ZERO = {"max_delay", "payload_bits", "shared_kernels", "axon_bits", "kernel_bits"}
