"""mksgn-neuro demo: the whole line on synthetic motion, in about three minutes."""

from __future__ import annotations

from pathlib import Path

import click

from mksgn_neuro.commands.options import Output, force_option, say, seed_option
from mksgn_neuro.commands.training import resume_option

DEFAULT = Path("runs/demo")  # the demo's own, which it makes anew


@click.command(short_help="Train, export, verify and simulate on synthetic motion.")
@click.option("--output", type=Output(folder=True), default=DEFAULT, show_default=True, help="Folder.")
@force_option
@resume_option
@seed_option
@click.pass_context
def command(ctx: click.Context, output: Path, force: bool, resume: bool, seed: int) -> None:
    """Train a small network on synthetic motion, export it, verify the file, simulate it: about three minutes."""
    from mksgn_neuro.commands import export, simulate, train

    model, force = output / "model.pt", force or output == DEFAULT
    _headline("1/3  train: tiny student on synthetic motion, float, then integer-exact")
    options = {"output": output, "seed": seed, "force": force, "resume": resume}
    ctx.invoke(train.command, dataset="synthetic", preset_name="tiny", no_teacher=True, **options)
    _headline("2/3  export for Loihi 2 (netx HDF5) and verify what was written, spike for spike")
    ctx.invoke(export.command, model=model, target="loihi2", force=force)
    _headline("3/3  simulate the test clips with every spike counted")
    ctx.invoke(simulate.command, model=model, measure_spikes=True)
    click.echo(f"\neverything is in {output}/")
    say(f"see it as a page: mksgn-neuro report {model}; then the network in the package, nw-ucla, as README.md shows")


def _headline(text: str) -> None:
    say("")  # a line of its own: `say` prints control characters as escapes
    say(f"── {text}")
