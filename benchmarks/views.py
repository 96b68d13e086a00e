"""How presets do from one training view of NW-UCLA to the other, both ways: no test clip is seen.

python -m benchmarks.views all_sqe.zip --epochs 80 nw-ucla nw-ucla-lean
python -m benchmarks.views all_sqe.zip nw-ucla --set rows=16 --set augmentation.crop=0.8

Clips of view 2 that are labelled wrongly (subject 4's sitting down and standing up, subject 5's donning and doffing,
each exchanged) are not tested on.
"""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass, replace
from itertools import combinations
from math import lcm
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np

from mksgn_neuro.data.clips import Clips
from mksgn_neuro.data.protocols import PROTOCOLS, streams
from mksgn_neuro.data.recognition import recognition
from mksgn_neuro.data.registry import load
from mksgn_neuro.errors import BadInput
from mksgn_neuro.training.collective import device
from mksgn_neuro.training.evaluate import class_spikes
from mksgn_neuro.training.preset import Preset
from mksgn_neuro.training.presets import preset
from mksgn_neuro.training.train import train

EXCHANGED = {4: (4, 5), 5: (6, 7)}  # subject → labels, in view 2
ClassSpikes = dict[str, list[np.ndarray]]  # protocol → class spikes (T_s, classes) of each stream, integers


@click.command()
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.argument("names", nargs=-1, required=True)
@click.option("--epochs", default=80, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--set", "changes", multiple=True, metavar="FIELD=VALUE", help="Change a field of every preset.")
def main(data: Path, names: tuple[str, ...], epochs: int, seed: int, changes: tuple[str, ...]) -> None:
    """Accuracy of presets NAMES from view 1 to 2 and back, quantized without training, and of their pairs.

    Under each protocol.
    """
    presets = [changed(preset(name, epochs=epochs, integer_epochs=0), changes) for name in names]
    if len({chosen.timing for chosen in presets}) > 1:
        raise BadInput("presets of different frame rates, windows or numbers of frames cannot be counted together")
    forth = load("nw-ucla-views", data)
    ways = (forth, replace(forth, train=~forth.train))
    copies = lcm(*(chosen.readout_copies for chosen in presets))
    class_spikes = {
        name: [_class_spikes(clips, chosen, seed, copies) for clips in ways] for name, chosen in zip(names, presets)
    }
    for size in (1, 2):
        for chosen in combinations(names, size):
            for protocol in PROTOCOLS:
                there, back = (
                    _accuracy(clips, presets[0], protocol, [class_spikes[name][w][protocol] for name in chosen])
                    for w, clips in enumerate(ways)
                )
                said = f"{there:.1%} there, {back:.1%} back, {(there + back) / 2:.1%}"
                click.echo(f"{protocol}: {said}  {' + '.join(chosen)}")


def changed(given: object, changes: tuple[str, ...]) -> object:
    """A preset with fields set as "name=value" or "augmentation.name=value" says; raises BadInput for others."""
    for change in changes:
        path, _, value = change.partition("=")
        try:
            given = _set(given, path.split("."), ast.literal_eval(value))
        except (ValueError, SyntaxError, KeyError) as error:
            raise BadInput(f"cannot set {change!r}", location="--set", hint="give FIELD=VALUE of a preset") from error
    return given


def _set(given: object, path: list[str], value: object) -> object:
    known = {field.name for field in fields(given)} if is_dataclass(given) else set()
    if path[0] not in known:
        raise KeyError(path[0])
    return replace(given, **{path[0]: _set(getattr(given, path[0]), path[1:], value) if path[1:] else value})


def tested(clips: Clips) -> Clips:
    """The other view's clips, without those of view 2 that are labelled wrongly."""
    wrong = [
        "v02" in name and label in EXCHANGED.get(subject, ())
        for name, subject, label in zip(clips.names, clips.subjects.tolist(), clips.labels.tolist())
    ]
    return clips.subset(~clips.train & ~np.array(wrong))


def _class_spikes(clips: Clips, chosen: Preset, seed: int, copies: int) -> ClassSpikes:
    """Spikes that the quantized student gives to the clips of the other view, as if each class had so many neurons."""
    with TemporaryDirectory() as directory:
        model = train(clips, chosen, Path(directory), seed=seed, report=lambda kind, record: None)
    student, other = model.student.to(device()), tested(clips)
    found = {name: streams(name, other, model.timing) for name in PROTOCOLS}
    spikes = {name: class_spikes(student, given, model.scaling, other)[0] for name, given in found.items()}
    return {
        name: [own * (copies // chosen.readout_copies) for own in of_streams] for name, of_streams in spikes.items()
    }


def _accuracy(clips: Clips, chosen: Preset, protocol: str, class_spikes: list[list[np.ndarray]]) -> float:
    """Share of the other view's clips that students recognise whose class spikes are added up."""
    other = tested(clips)
    given, added = streams(protocol, other, chosen.timing), [sum(parts) for parts in zip(*class_spikes)]
    return recognition(added, given, other, chosen.rate)["accuracy"]["standard"]


if __name__ == "__main__":
    main()
