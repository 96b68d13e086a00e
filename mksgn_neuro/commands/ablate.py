"""mksgn-neuro ablate: what each part of the model is worth, as one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mksgn_neuro.commands.options import Output, dataset_options, json_option, print_json, seed_option
from mksgn_neuro.commands.training import (
    default_preset,
    device_option,
    integer_epochs_option,
    learning_rate_option,
    mirror_option,
    preset_option,
    pretrained_option,
    progress_display,
    read_pretrained,
    teacher_option,
    with_mirroring,
)
from mksgn_neuro.errors import BadInput

if TYPE_CHECKING:
    from rich.table import Table

    from mksgn_neuro.training.ablate import Outcome


@click.command(short_help="Train the model without each of its parts, to compare.")
@dataset_options()
@preset_option
@click.option("--epochs", type=click.IntRange(1), help="Epochs of each float stage, instead of the preset's.")
@integer_epochs_option
@learning_rate_option
@pretrained_option
@click.option(
    "--variant",
    "named",
    multiple=True,
    metavar="WORDS",
    help="Only variants whose names contain these words; repeatable. Default: all.",
)
@click.option("--teacher-epochs", type=click.IntRange(1), help="Epochs of each teacher, instead of the preset's.")
@teacher_option
@click.option("--output", type=Output(folder=True), default=Path("runs/ablation"), show_default=True, help="Folder.")
@click.option("--resume", is_flag=True, help="Keep finished variants and train the others.")
@mirror_option
@device_option
@seed_option
@json_option
def command(
    dataset: str, data_path: Path | None, skip_bad: bool, preset_name: str | None, epochs: int | None,
    integer_epochs: int | None, learning_rate: float | None, pretrained: Path | None, named: tuple[str, ...],
    teacher_epochs: int | None, teacher: Path | None, output: Path, resume: bool, mirror: bool | None,
    device: str | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Train the model whole, then without each of its parts, and print what each part is worth."""
    from rich.console import Console

    from mksgn_neuro.commands.reading import load_clips
    from mksgn_neuro.processes.together import is_first
    from mksgn_neuro.training.ablate import ablate, variants
    from mksgn_neuro.training.collective import choose_device
    from mksgn_neuro.training.presets import preset
    from mksgn_neuro.workflows.pricing import price

    given = read_pretrained(pretrained)
    choose_device(device)
    preset_name = preset_name or default_preset(dataset)
    changes = {"epochs": epochs, "integer_epochs": integer_epochs, "learning_rate": learning_rate}
    chosen = preset(preset_name, teacher_epochs=teacher_epochs, **changes)
    only = [variant for variant in variants(chosen) if not named or any(words in variant for words in named)]
    if not only:
        hint = f"choose from {', '.join(variants(chosen))}"
        raise BadInput(f"no variant is named so: {', '.join(named)}", location="--variant", hint=hint)
    clips = load_clips(dataset, data_path, skip_bad=skip_bad, seed=seed)
    chosen = with_mirroring(chosen, mirror, clips)
    options = {"seed": seed, "resume": resume, "teacher": teacher, "pretrained": given}
    options |= {"only": only, "price_of": price}
    with progress_display(output) as display:
        outcomes = list(ablate(clips, chosen, output, report=display.report, **options))
    if not is_first():
        return
    if as_json:
        print_json({"dataset": dataset, "preset": preset_name, "variants": [o.as_json() for o in outcomes]})
        return
    Console().print(_table(outcomes))


def _table(outcomes: list[Outcome]) -> Table:
    """Accuracy of the integer student by protocol, and its difference from the full model's, in points."""
    from rich.table import Table

    table = Table(title="integer-exact students, simulated on CPU", title_justify="left", box=None)
    table.add_column("variant")
    names = ("continuous", "Δ", "without leaked", "clip", "clip, held", "offline")
    for name in (
        "held out, continuous",
        *(f"test, {name}" for name in names),
        "spike rate",
        "parameters",
        "cores",
        "mJ a clip",
    ):
        table.add_column(name, justify="right")
    for o in outcomes:
        tested = _accuracies(o.test)
        whole = _accuracies(outcomes[0].test)["continuous"]
        known = tested["continuous"] is not None and whole is not None and o is not outcomes[0]
        difference = f"{100 * (tested['continuous'] - whole):+.1f}" if known else ""
        shares = {"continuous": tested.pop("continuous"), "Δ": difference, **tested}
        columns = [value if isinstance(value, str) else _percent(value) for value in shares.values()]
        held_out = o.held_out["continuous"]["accuracy"]["standard"] if o.held_out else None
        cores, millijoules = o.price.cores, o.price.millijoules
        price = ("–" if cores is None else str(cores), "–" if millijoules is None else f"{millijoules:.4f}")
        table.add_row(o.variant, _percent(held_out), *columns, _percent(o.spike_rate), f"{o.parameters:,}", *price)
    return table


def _accuracies(test: dict[str, dict]) -> dict[str, float | None]:
    """The table's figures, in its order; None without test clips."""
    found = {
        "continuous": ("continuous", "accuracy", "standard"),
        "without leaked": ("continuous", "accuracy", "clean"),
        "clip": ("clip", "accuracy", "standard"),
        "clip, held": ("clip", "accuracy_held", "standard"),
        "offline": ("offline", "accuracy", "standard"),
    }
    return {name: test[a][b][c] if test else None for name, (a, b, c) in found.items()}


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
