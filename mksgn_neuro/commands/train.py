"""mksgn-neuro train: teachers, float student, integer-exact student."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import click

from mksgn_neuro.commands.options import dataset_options, json_option, seed_option


@click.command()
@dataset_options()
@click.option(
    "--preset",
    "preset_name",
    default="tiny",
    show_default=True,
    help="tiny, base, large, nw-ucla, nw-ucla-lean, nw-ucla-gated.",
)
@click.option("--epochs", type=click.IntRange(1), help="Epochs of the float stage, instead of the preset's.")
@click.option("--teacher-epochs", type=click.IntRange(1), help="Epochs of each teacher, instead of the preset's.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("runs/latest"), show_default=True)
@click.option("--teacher", type=click.Path(path_type=Path), help="Folder of teachers that a former run wrote.")
@click.option("--no-teacher", is_flag=True, help="Train the student from the labels alone.")
@click.option("--attention", type=click.Choice(["gated", "ssa", "none"]), help="Instead of the preset's.")
@click.option("--rate-penalty", type=float, help="Weight of synaptic operations in the loss: it buys energy.")
@click.option("--ptq", is_flag=True, help="Post-training quantization only: no integer fine-tuning.")
@click.option("--resume", is_flag=True, help="Go on where a killed run stopped; same weights as without the kill.")
@click.option("--tensorboard", is_flag=True, help="Also write scalars for TensorBoard into the output folder.")
@seed_option
@json_option
def command(
    dataset: str, data_path: Path | None, skip_bad: bool, preset_name: str, epochs: int | None,
    teacher_epochs: int | None, output: Path, teacher: Path | None, no_teacher: bool, attention: str | None,
    rate_penalty: float | None, ptq: bool, resume: bool, tensorboard: bool, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Train MK-SGN and save a model whose every spike is computed in the integers of the chip."""
    from mksgn_neuro.commands.reading import load_clips
    from mksgn_neuro.commands.training import announce, print_result, watched
    from mksgn_neuro.training.collective import is_first_rank, start
    from mksgn_neuro.training.presets import preset
    from mksgn_neuro.training.record import TensorBoard
    from mksgn_neuro.training.train import train

    if teacher and no_teacher:
        raise click.UsageError("--teacher and --no-teacher exclude each other")
    changes = {"epochs": epochs, "teacher_epochs": teacher_epochs, "attention": attention, "rate_penalty": rate_penalty}
    changes["integer_epochs"] = 0 if ptq else None
    changes |= dict.fromkeys(("soft_label_weight", "feature_weight"), 0.0 if no_teacher else None)
    chosen = replace(preset(preset_name), **{name: value for name, value in changes.items() if value is not None})
    start()
    clips = load_clips(dataset, data_path, skip_bad=skip_bad, seed=seed)
    if is_first_rank():
        config = {"dataset": dataset, "data": str(data_path), "preset": preset_name, "seed": seed, **asdict(chosen)}
        announce(clips, output, config)
    with watched(output) as display:
        report = TensorBoard(output, display.report).report if tensorboard and is_first_rank() else display.report
        model = train(clips, chosen, output, seed=seed, resume=resume, teacher=teacher, report=report)
    if is_first_rank():
        print_result(output / "model.pt", model.training, as_json)
