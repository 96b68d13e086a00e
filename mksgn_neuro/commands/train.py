"""mksgn-neuro train: teachers, float student, integer-exact student."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import click
from click.core import ParameterSource

from mksgn_neuro.commands.options import (
    Output,
    dataset_options,
    force_option,
    json_option,
    seed_option,
)
from mksgn_neuro.commands.training import (
    announce,
    announce_cost,
    config_option,
    default_preset,
    device_option,
    integer_epochs_option,
    learning_rate_option,
    mirror_option,
    preset_of_config,
    preset_option,
    pretrained_option,
    print_result,
    print_spread,
    progress_display,
    read_pretrained,
    refuse_trained,
    resume_option,
    synop_regularisation_option,
    teacher_option,
    with_mirroring,
)
from mksgn_neuro.names import ATTENTIONS


@click.command(short_help="Train MK-SGN on a data set.")
@config_option
@dataset_options()
@click.option(
    "--coordinates", type=click.IntRange(2, 3), help="2 trains without depth. Default: as many as the data has."
)
@click.option("--background", is_flag=True, help="Add a class 'none of these', learned from pauses and --other.")
@click.option("--other", "others", multiple=True, help="A class of the data to count as 'none of these'; repeatable.")
@preset_option
@click.option("--epochs", type=click.IntRange(1), help="Epochs of the float stage, instead of the preset's.")
@integer_epochs_option
@learning_rate_option
@pretrained_option
@click.option("--teacher-epochs", type=click.IntRange(1), help="Epochs of each teacher, instead of the preset's.")
@click.option("--output", type=Output(folder=True), default=Path("runs/latest"), show_default=True, help="Folder.")
@teacher_option
@click.option("--no-teacher", is_flag=True, help="Train the student from the labels alone.")
@click.option("--attention", type=click.Choice(ATTENTIONS), help="Instead of the preset's.")
@synop_regularisation_option
@click.option("--ptq", is_flag=True, help="Post-training quantization only: no integer fine-tuning.")
@resume_option
@force_option
@click.option("--tensorboard", is_flag=True, help="Also write scalars for TensorBoard into the output folder.")
@click.option(
    "--seeds",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Train this many networks, with seeds from --seed on, each in its own folder in OUTPUT; prints the spread.",
)
@mirror_option
@device_option
@seed_option
@json_option
def command(
    config: dict | None, dataset: str, data_path: Path | None, skip_bad: bool, coordinates: int | None,
    background: bool, others: tuple[str, ...], preset_name: str | None, epochs: int | None,
    integer_epochs: int | None, learning_rate: float | None, pretrained: Path | None, teacher_epochs: int | None,
    output: Path, teacher: Path | None, no_teacher: bool, attention: str | None, synop_regularisation: float | None,
    ptq: bool, resume: bool, force: bool, tensorboard: bool, seeds: int, mirror: bool | None,
    device: str | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Train MK-SGN on a data set: teachers, spiking network in floats, then in the integers of the chip."""
    from mksgn_neuro.commands.reading import load_clips
    from mksgn_neuro.data.background import with_background
    from mksgn_neuro.processes.together import is_first
    from mksgn_neuro.training.collective import choose_device, start
    from mksgn_neuro.training.presets import preset
    from mksgn_neuro.training.record import TensorBoard
    from mksgn_neuro.training.train import train
    from mksgn_neuro.workflows.inputs import in_coordinates

    if teacher and no_teacher:
        raise click.UsageError("--teacher and --no-teacher exclude each other")
    if ptq and integer_epochs:
        raise click.UsageError("--ptq and --integer-epochs exclude each other")
    given = read_pretrained(pretrained)
    changes = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "teacher_epochs": teacher_epochs,
        "attention": attention,
        "synop_regularisation": synop_regularisation,
    }
    changes["integer_epochs"] = 0 if ptq else integer_epochs
    changes |= dict.fromkeys(("soft_label_weight", "feature_weight"), 0.0 if no_teacher else None)
    preset_name = preset_name or default_preset(dataset)
    asked = click.get_current_context().get_parameter_source("preset_name")
    as_before = config is not None and asked is not ParameterSource.COMMANDLINE
    chosen = preset_of_config(config, changes) if as_before else preset(preset_name, **changes)
    folders = {n: output / f"seed-{n}" if seeds > 1 else output for n in range(seed, seed + seeds)}
    for folder in folders.values():
        refuse_trained(folder, resume=resume, force=force)
    choose_device(device)
    start()
    clips = load_clips(dataset, data_path, skip_bad=skip_bad, seed=seed)
    if coordinates is not None:
        clips = replace(clips, skeleton=in_coordinates(clips.skeleton, coordinates, str(data_path or dataset)))
    if background or others:
        clips = with_background(clips, others)
    chosen = with_mirroring(chosen, mirror, clips).for_clips(clips)
    written = {"dataset": dataset, "data": str(data_path), "preset": preset_name, **asdict(chosen)}
    written |= {"background": True, "others": others} if background or others else {}
    written |= {"coordinates": coordinates} if coordinates is not None else {}
    written |= {"pretrained": str(pretrained)} if pretrained is not None else {}
    found = []
    if is_first():
        announce(clips)
        announce_cost(chosen, clips)
    for n, folder in folders.items():
        with progress_display(folder) as display:
            report = TensorBoard(folder, display.report).report if tensorboard and is_first() else display.report
            options = {"resume": resume, "teacher": teacher, "config": {**written, "seed": n}, "pretrained": given}
            model = train(clips, chosen, folder, seed=n, report=report, **options)
        found.append(model.training)
        if is_first() and not (as_json and seeds > 1):  # --json promises one document
            print_result(folder / "model.pt", model.training, as_json)
    if is_first() and seeds > 1:
        print_spread(found, output / "seeds.json", as_json)
