"""mksgn-neuro demo: the whole line on synthetic motion, in about three minutes."""

from __future__ import annotations

from pathlib import Path

import click

from mksgn_neuro.commands.options import Output, seed_option


@click.command()
@click.option("--output", type=Output(folder=True), default=Path("runs/demo"), show_default=True)
@seed_option
@click.pass_context
def command(ctx: click.Context, output: Path, seed: int) -> None:
    """Train a small network on synthetic motion, export it, verify it through Intel's loader, simulate it."""
    from mksgn_neuro.commands import export, simulate, train

    model = output / "model.pt"
    _headline("1/3  train: tiny student on synthetic motion, float, then integer-exact")
    ctx.invoke(train.command, dataset="synthetic", preset_name="tiny", no_teacher=True, output=output, seed=seed)
    _headline("2/3  export for Loihi 2 (netx HDF5) and verify what was written, spike for spike")
    ctx.invoke(export.command, model=model, target="loihi2")
    _headline("3/3  simulate the test clips with every spike counted")
    ctx.invoke(simulate.command, model=model, measure_spikes=True)
    click.echo(f"\neverything is in {output}/")


def _headline(text: str) -> None:
    click.echo(f"\n── {text}", err=True)
