"""mksgn-neuro tune: go on training a finished model in the integers of the chip."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from mksgn_neuro.commands.options import (
    FiniteFloat,
    Output,
    dataset_options,
    find_model,
    force_option,
    json_option,
    say,
    seed_option,
)
from mksgn_neuro.commands.recording_options import map_option
from mksgn_neuro.commands.training import (
    announce,
    device_option,
    mirror_option,
    print_result,
    progress_display,
    refuse_trained,
    resume_option,
    synop_regularisation_option,
    teacher_option,
    with_mirroring,
)
from mksgn_neuro.errors import BadInput
from mksgn_neuro.names import PRESETS


@click.command(short_help="Train a model further: on more clips, or to fewer spikes.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@dataset_options(default=None)
@click.option(
    "--preset", "preset_name", type=click.Choice(PRESETS), default="base", show_default=True,
    help="The preset whose batches and augmentation are used.",
)  # fmt: skip
@click.option("--epochs", type=click.IntRange(1), help="Instead of the preset's epochs of the integer stage.")
@click.option(
    "--learning-rate",
    type=FiniteFloat(0.0, above=True, high=1.0),
    help="Instead of the preset's, of the integer stage.",
)
@teacher_option
@click.option(
    "--replay",
    type=click.Path(path_type=Path),
    help="The data that MODEL was trained on: learn from it too, to forget less of it.",
)
@map_option
@synop_regularisation_option
@click.option("--output", type=Output(folder=True), default=Path("runs/tuned"), show_default=True, help="Folder.")
@resume_option
@force_option
@mirror_option
@device_option
@seed_option
@json_option
def command(
    model: Path | None, dataset: str | None, data_path: Path | None, skip_bad: bool, preset_name: str,
    epochs: int | None, learning_rate: float | None, teacher: Path | None, replay: Path | None,
    renames: dict[str, str], synop_regularisation: float | None, output: Path, resume: bool, force: bool,
    mirror: bool | None, device: str | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Train MODEL (a model.pt) further in integers: on more clips of its classes, or towards fewer spikes."""
    from mksgn_neuro.commands.reading import load_clips
    from mksgn_neuro.models.store import load_model
    from mksgn_neuro.processes.together import is_first
    from mksgn_neuro.training.collective import choose_device, start
    from mksgn_neuro.training.presets import preset
    from mksgn_neuro.training.tune import tune
    from mksgn_neuro.workflows.former import former_data
    from mksgn_neuro.workflows.inputs import dataset_of, fitted

    path = find_model(model)
    if path.resolve() == (output / "model.pt").resolve():
        raise BadInput("would overwrite the model that it starts from", location="--output", hint="name another folder")
    refuse_trained(output, resume=resume, force=force)
    given = load_model(path)
    changes = {
        "integer_epochs": epochs,
        "integer_learning_rate": learning_rate,
        "synop_regularisation": synop_regularisation,
    }
    chosen = preset(preset_name, **changes)
    choose_device(device)
    start()
    dataset = dataset or dataset_of(given.task())
    clips = load_clips(dataset, data_path, skip_bad=skip_bad, seed=seed)
    clips = fitted(clips, given.task(), str(data_path or dataset), renames)
    former, said = former_data(path, given.task(), (dataset, data_path), replay, load_clips)
    chosen = with_mirroring(chosen, mirror, clips)
    if is_first():
        announce(clips)
        say(said)
    started = {"model": str(path), "dataset": dataset, "data": str(data_path), "preset": preset_name, "seed": seed}
    config = {**started, "teacher": str(teacher), "replay": str(replay), **asdict(chosen)}
    with progress_display(output) as display:
        options = {"seed": seed, "resume": resume, "teacher": teacher, "config": config, "report": display.report}
        options |= {"former": former, "replay": replay is not None}
        tuned = tune(given, clips, chosen, output, **options)
    if is_first():
        print_result(output / "model.pt", tuned.training, as_json)
