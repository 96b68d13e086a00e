"""Where what the verbs work on comes from: files, networks in memory, clips, a training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mksgn_neuro.api.loaded import IN_MEMORY, File, Loaded, config_of, refuse
from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import require_writable
from mksgn_neuro.ir import Network
from mksgn_neuro.workflows.load import Networks, Port, load_networks, of_model, resolve, says_itself

if TYPE_CHECKING:
    import nir

    from mksgn_neuro.data.clips import Clips
    from mksgn_neuro.models.store import Model
    from mksgn_neuro.nn import SpikingNetwork
    from mksgn_neuro.training.stage import Report


def load(
    source: File | Loaded | Network | Model | nir.NIRGraph, *, input_bits: int | None = None,
    input_shape: tuple[int, int, int] | None = None, dt: float | None = None,
) -> Loaded:  # fmt: skip
    """A model.pt, .net, .nir or .ir.h5 file, the name of a model in the package, or a network in memory.

    `input_bits` of graded input (.net, NIR; None: binary), `input_shape` (C, H, W) of a .net that begins with a
    convolution, `dt` the seconds per time step of a NIR graph, None to read it off its neurons. Raises BadInput, with
    location and hint, for what cannot be read. What was rounded or guessed is in `findings`.
    """
    port = Port(input_bits, input_shape, dt)
    if isinstance(source, (str, Path)):
        return Loaded(load_networks(resolve(source), port))
    if isinstance(source, (Loaded, Network)) and port != Port():
        raise says_itself(IN_MEMORY)
    if isinstance(source, Loaded):
        return source
    if isinstance(source, Network):
        return Loaded(Networks(IN_MEMORY, "network", source))
    return _from_memory(source, port)


def _from_memory(source: Model | nir.NIRGraph, port: Port) -> Loaded:
    import nir

    from mksgn_neuro.models.store import Model

    if isinstance(source, Model):
        if port != Port():
            raise says_itself(IN_MEMORY)
        return Loaded(of_model(source, IN_MEMORY))
    if isinstance(source, nir.NIRGraph):
        from mksgn_neuro.export.nir.reader import from_nir

        if port.shape:
            raise says_itself(IN_MEMORY)
        network, findings = from_nir(source, dt=port.dt, input_message_bits=port.bits or 0)
        return Loaded(Networks(IN_MEMORY, "nir", network, [*map(str, findings)]))
    hint = "give a file, a mksgn_neuro.ir.Network, a model or a nir.NIRGraph"
    raise BadInput(f"cannot load a {type(source).__name__}", hint=hint)


def read_clips(dataset: str = "synthetic", path: File | None = None, *, skip_bad: bool = False, seed: int = 0) -> Clips:
    """Labelled clips of a data set that the command line knows; `path` is the file or folder, None for "synthetic".

    Raises BadInput, with the place in the file; with `skip_bad` clips that cannot be read are left out and listed in
    `skipped`.
    """
    from mksgn_neuro.data.registry import load

    return load(dataset, None if path is None else Path(path), skip_bad=skip_bad, seed=seed)


def train(
    clips: Clips, preset: str = "tiny", output: File = "runs/latest", *, network: SpikingNetwork | None = None,
    teacher: File | None = None, seed: int = 0, resume: bool = False, report: Report | None = None, **changes: Any,
) -> Loaded:  # fmt: skip
    """Train MK-SGN, or any declared `network` (`mksgn_neuro.nn`) from the labels alone; writes `output`/model.pt.

    In floats, then in the integers of the chip. `changes` are fields of the preset (`training.preset.Preset`), such as
    `epochs=3`; `teacher` is a folder of teachers that a former run wrote; `report(kind, record)` hears of every epoch.
    """
    from mksgn_neuro.training.presets import preset as named
    from mksgn_neuro.training.train import say_nothing, train, train_network

    chosen, directory = named(preset, **changes), require_writable(Path(output), folder=True)
    config = config_of(clips, preset, chosen, seed)
    options: dict[str, Any] = {"seed": seed, "resume": resume, "config": config, "report": report or say_nothing}
    if network is None:
        model = train(clips, chosen, directory, teacher=None if teacher is None else Path(teacher), **options)
    else:
        refuse({"teacher": teacher}, "is for MK-SGN", "leave it out")
        model = train_network(network, clips, chosen, directory, **options)
    return Loaded(of_model(model, directory / "model.pt"))
