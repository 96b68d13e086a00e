"""mksgn-neuro train: teachers, float student, integer-exact student."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import click

from mksgn_neuro.commands.options import dataset_options, json_option, print_json, say, seed_option, stderr


@click.command()
@dataset_options()
@click.option("--preset", "preset_name", default="tiny", show_default=True, help="tiny, base, large, nw-ucla.")
@click.option("--epochs", type=click.IntRange(1), help="Epochs of the float stage, instead of the preset's.")
@click.option("--teacher-epochs", type=click.IntRange(1), help="Epochs of each teacher, instead of the preset's.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("runs/latest"), show_default=True)
@click.option("--teacher", type=click.Path(path_type=Path), help="Folder of teachers that a former run wrote.")
@click.option("--no-teacher", is_flag=True, help="Train the student from the labels alone.")
@click.option("--attention", type=click.Choice(["gated", "ssa", "none"]), help="Instead of the preset's.")
@click.option("--rate-penalty", type=float, help="Weight of the mean spike rate in the loss: it buys energy.")
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
    from mksgn_neuro.training.collective import is_first_rank, start
    from mksgn_neuro.training.presets import preset
    from mksgn_neuro.training.progress import TrainingDisplay
    from mksgn_neuro.training.record import TensorBoard, write_json
    from mksgn_neuro.training.train import train

    if teacher and no_teacher:
        raise click.UsageError("--teacher and --no-teacher exclude each other")
    changes = {"epochs": epochs, "teacher_epochs": teacher_epochs, "attention": attention, "rate_penalty": rate_penalty}
    changes["integer_epochs"] = 0 if ptq else None
    changes |= dict.fromkeys(("soft_label_weight", "feature_weight"), 0.0 if no_teacher else None)
    chosen = replace(preset(preset_name), **{name: value for name, value in changes.items() if value is not None})
    start()
    clips = load_clips(dataset, data_path, skip_bad=skip_bad, seed=seed)
    output.mkdir(parents=True, exist_ok=True)
    if is_first_rank():
        say(f"{dataset}: {int(clips.train.sum())} training clips, {int((~clips.train).sum())} test clips")
        config = {"dataset": dataset, "data": str(data_path), "preset": preset_name, "seed": seed, **asdict(chosen)}
        write_json(output / "config.json", config)
    try:
        with TrainingDisplay(stderr) as display:
            report = TensorBoard(output, display.report).report if tensorboard and is_first_rank() else display.report
            model = train(clips, chosen, output, seed=seed, resume=resume, teacher=teacher, report=report)
    except KeyboardInterrupt:
        say(f"interrupted; go on with the same command and --resume (checkpoints in {output})")
        raise SystemExit(130) from None
    if is_first_rank():
        _print_result(output / "model.pt", model.training, as_json)


def _print_result(path: Path, training: dict, as_json: bool) -> None:
    if as_json:
        print_json({"model": str(path), **training})
        return
    if "teacher" in training:
        teacher = training["teacher"]
        click.echo(
            f"teachers: {teacher['held_out_accuracy']:.1%} on held-out training subjects, "
            f"{teacher['macs_per_clip'] / 1e6:.0f} M multiply-accumulates per clip"
        )
    _print_forms(_watched(training["held_out_clips"]), training["held_out_accuracy"])
    test = training["test_accuracy"]
    standard, clean = ({form: accuracy[part] for form, accuracy in test.items()} for part in ("standard", "clean"))
    _print_forms("test clips", standard)
    if clean != standard:
        _print_forms("test clips without a twin in training", clean)
    click.echo(f"wrote {path}")


def _print_forms(clips: str, accuracy: dict[str, float | None]) -> None:
    """One line: the float student, its quantization without any training, and the integer-exact student."""
    if accuracy["integer"] is None:
        return
    click.echo(
        f"{clips}, simulated on CPU: float {accuracy['float']:.1%}, "
        f"quantized {accuracy['post_training_quantization']:.1%}, integer-exact {accuracy['integer']:.1%}"
    )


def _watched(held_out: int) -> str:
    return f"held-out training subjects ({held_out} clips)" if held_out else "on clips that it was trained on"
