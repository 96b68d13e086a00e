"""What the commands that train have in common: options, and what they say first, meanwhile and at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mksgn_neuro.commands.options import FiniteFloat, find_model, print_json, refuse_overwriting, say
from mksgn_neuro.errors import BadInput
from mksgn_neuro.names import PRESETS
from mksgn_neuro.processes.ending import Terminated

if TYPE_CHECKING:
    from mksgn_neuro.commands.progress import TrainingDisplay
    from mksgn_neuro.data.clips import Clips
    from mksgn_neuro.models.store import Model
    from mksgn_neuro.training.preset import Preset

preset_option = click.option(
    "--preset",
    "preset_name",
    type=click.Choice(PRESETS),
    help="Sizes and schedule by name. Default: own for --dataset npz, whose epochs follow from the number of clips; "
    "else tiny.",
)
# keys of config.json, and parameters
IN_CONFIG = {"dataset": "dataset", "data": "data_path", "preset": "preset_name", "seed": "seed"}
IN_CONFIG |= {name: name for name in ("coordinates", "background", "others", "pretrained")}


def _take_config(context: click.Context, _: click.Parameter, path: Path | None) -> dict | None:
    """Let what the file says stand for options that are not given; what is left over are the preset's fields."""
    if path is None:
        return None
    from mksgn_neuro.gates.text import read_json

    hint = "give a config.json that train wrote"
    content = read_json(path, hint)
    if not isinstance(content, dict) or not {"dataset", "preset"} <= set(content):
        raise BadInput("says nothing of a data set and a preset", location=str(path), hint=hint)
    said = {name: content[key] for key, name in IN_CONFIG.items() if content.get(key) not in (None, "None")}
    context.default_map = {**(context.default_map or {}), **said}
    return {"path": path, "fields": {key: value for key, value in content.items() if key not in IN_CONFIG}}


config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    is_eager=True,
    callback=_take_config,
    help="Repeat the run of this config.json, which train wrote; other options override it.",
)
pretrained_option = click.option(
    "--pretrained",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="Begin with the weights of a trained model, by name or file: each branch with those of its modalities.",
)
integer_epochs_option = click.option(
    "--integer-epochs", type=click.IntRange(0), help="Epochs of the integer stage, instead of the preset's."
)
learning_rate_option = click.option(
    "--learning-rate",
    type=FiniteFloat(0.0, above=True, high=1.0),
    help="The highest of the float stage, instead of the preset's.",
)
teacher_option = click.option(
    "--teacher",
    type=click.Path(path_type=Path),
    help="Learn from the folder `teachers` of an earlier run.",
)
synop_regularisation_option = click.option(
    "--synop-regularisation",
    "--rate-penalty",
    type=FiniteFloat(0.0),
    help="Weight of synaptic operations in the loss: a higher one saves energy.",
)
mirror_option = click.option(
    "--mirror/--no-mirror",
    default=None,
    help="Swap left and right in half of the training clips, or in none. Default: as the preset says, but never where "
    "class names say a side.",
)
resume_option = click.option(
    "--resume", is_flag=True, help="Continue an interrupted run; it ends with the same weights."
)


class Device(click.ParamType):
    """cpu, cuda or cuda:N; whether there is such a device is asked of torch later, for --help imports none."""

    name = "cpu|cuda|cuda:N"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"cpu|cuda(:\d{1,3})?", value):
            self.fail(f"{value!r} is none of cpu, cuda and cuda:N", param, ctx)
        return value


device_option = click.option(
    "--device", type=Device(), metavar=Device.name, help="Where to train. Default: cuda where there is one, else cpu."
)

GO_ON = "go on with the same command and --resume (checkpoints in"


def preset_of_config(config: dict, changes: dict) -> Preset:
    """The preset that a config.json holds field by field, with the changes that are not None."""
    from mksgn_neuro.gates.fields import made_of
    from mksgn_neuro.training.preset import Preset

    try:
        made = made_of(Preset, config["fields"])
    except ValueError as error:
        hint = "give a config.json of this version, or the options themselves"
        raise BadInput(str(error), location=str(config["path"]), hint=hint) from error
    return made.changed(changes)


def read_pretrained(named: Path | None) -> Model | None:
    """The model that --pretrained names."""
    from mksgn_neuro.models.store import load_model

    return None if named is None else load_model(find_model(named))


def default_preset(dataset: str) -> str:
    """What trains where the user names no preset."""
    return "own" if dataset == "npz" else "tiny"


def announce_cost(preset: Preset, clips: Clips) -> None:
    """Say how long the student trains, in steps that do not depend on the machine."""
    epochs, batches = (preset.epochs, preset.integer_epochs), preset.batches(clips)
    say(
        f"{epochs[0]} + {epochs[1]} epochs of about {batches} steps: {sum(epochs) * batches:,} steps of "
        f"{preset.rows * preset.sequence} frames; --epochs changes that"
    )
    say(f"{preset.rate:g} frames a second; on a stream the class spikes of the last {preset.window} of them decide")


def with_mirroring(preset: Preset, mirror: bool | None, clips: Clips) -> Preset:
    """The preset as --mirror or --no-mirror have it; raises BadInput for joints that have no known sides."""
    from mksgn_neuro.data.mirroring import without_pairs

    if mirror is None:
        return preset
    why = without_pairs(clips.skeleton) if mirror else None
    if why is not None:
        raise BadInput(why, location="--mirror", hint="name the joints, or leave --mirror out")
    return replace(preset.mirroring(0.5 if mirror else 0.0), mirror_sided=mirror)


def refuse_trained(folder: Path, *, resume: bool, force: bool) -> None:
    """Raises BadInput where `folder` holds a model already and neither option says what becomes of it."""
    if not resume:
        hint = "give --force to train anew over it, --resume to go on, or another --output"
        refuse_overwriting([folder / "model.pt"], force=force, hint=hint)


def announce(clips: Clips) -> None:
    """Say how many clips there are, and what looks wrong with their classes."""
    from mksgn_neuro.data.suspicions import about_classes

    say(f"{clips.dataset}: {int(clips.train.sum())} training clips, {int((~clips.train).sum())} test clips")
    for line in about_classes(clips):
        say(f"{clips.dataset} looks wrong: {line}")


@contextmanager
def progress_display(output: Path) -> Iterator[TrainingDisplay]:
    """A display of what trains within; says how to go on when it is interrupted."""
    from mksgn_neuro.commands.progress import TrainingDisplay

    try:
        with TrainingDisplay() as display:
            yield display
    except KeyboardInterrupt:
        click.echo(f"interrupted; {GO_ON} {output})", err=True)
        raise SystemExit(130) from None
    except Terminated:
        click.echo(f"{GO_ON} {output})", err=True)
        raise


def print_result(path: Path, training: dict, as_json: bool) -> None:
    """The accuracies of every representation of the student, and where the model is."""
    from mksgn_neuro.models.notes import watched_figures

    if as_json:
        print_json({"model": str(path), **training})
        return
    if "teacher" in training:
        teacher = training["teacher"]
        click.echo(
            f"teachers: {teacher['held_out_accuracy']:.1%} on {_watched_words(training, count=False)}, "
            f"{teacher['macs_per_clip'] / 1e6:.0f} M multiply-accumulates per clip"
        )
    _print_representations(_watched_words(training), watched_figures(training))
    if training["test"]:
        _print_representations("test clips", training["test"])
    if finding := training.get("attention", {}).get("finding"):
        click.echo(f"finding: {finding}")
    if training.get("former"):
        _print_representations(f"former data, {training['former_clips']}", training["former"])
    click.echo(f"wrote {path}")


def _watched_words(training: dict, *, count: bool = True) -> str:
    """The clips that a training was watched on: held out, or trained on."""
    if not training["held_out_clips"]:
        return "clips that it was trained on"
    known = ", of which the given model may know some" if training.get("held_out_known_before") else ""
    return "held-out training clips" + (f" ({training['held_out_clips']}{known})" if count else "")


def print_spread(found: list[dict], path: Path, as_json: bool) -> None:
    """Mean and standard deviation of several seeds' integer students on the test clips; kept in `path` too."""
    from mksgn_neuro.models.notes import watched_on
    from mksgn_neuro.training.record import write_json
    from mksgn_neuro.training.seeds import spread

    which = "test" if found[0]["test"] else watched_on(found[0])
    seeds = [training["seed"] for training in found]
    document = {"seeds": seeds, "clips": which, "spread": spread([training[which]["integer"] for training in found])}
    write_json(path, document)
    if as_json:
        return print_json(document)
    for name, parts in document["spread"].items():
        said = ", ".join(f"{100 * v['mean']:.1f} ± {100 * v['deviation']:.1f} % {part}" for part, v in parts.items())
        click.echo(f"{len(seeds)} seeds, {which.replace('_', ' ')} clips, {name.replace('_', ', ')}: {said}")
    click.echo(f"wrote {path}")
    return None


REPRESENTATION_WORDS = {"post_training_quantization": "quantized", "integer": "integer-exact", "given": "as given"}


def _print_representations(clips: str, found: dict[str, dict[str, dict]]) -> None:
    """A line per protocol: the accuracy of every representation, and that without leaked clips where there are any."""
    for protocol in found["integer"]:
        accuracies = {
            representation: by_protocol[protocol]["accuracy"] for representation, by_protocol in found.items()
        }
        said = ", ".join(
            f"{REPRESENTATION_WORDS.get(representation, representation)} {shares(accuracy)}"
            for representation, accuracy in accuracies.items()
        )
        click.echo(f"{clips}, {protocol}, simulated on CPU: {said}")


def shares(accuracy: dict[str, float | None]) -> str:
    """The accuracy on all clips and, where it is another, on those that are not leaked."""
    standard, clean = accuracy["standard"], accuracy["clean"]
    return f"{standard:.1%}" if clean in (standard, None) else f"{standard:.1%} ({clean:.1%} without leaked clips)"
