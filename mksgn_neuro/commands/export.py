"""mksgn-neuro export: the integer network in the form that a target reads."""

from __future__ import annotations

from pathlib import Path

import click

from mksgn_neuro.commands.options import dataset_options, find_model, json_option, print_json
from mksgn_neuro.commands.verify import climb, raise_if_different
from mksgn_neuro.errors import WorkFailed
from mksgn_neuro.ir import Network

SUFFIXES = (".pt", ".net", ".nir")
TARGETS = ("loihi2", "lava", "slayer", "nir")


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--target", type=click.Choice(TARGETS), required=True)
@click.option("--output", type=click.Path(path_type=Path), help="File or folder; default: beside MODEL.")
@click.option(
    "--reset/--no-reset", default=None,
    help="Zero all state between clips, or never: run for ever on a stream. Default: reset if trained without a rate.",
)  # fmt: skip
@click.option(
    "--steps-per-frame", default=1, show_default=True, type=click.IntRange(1),
    help="Time steps of the chip per frame: a network of L levels answers L / N frames late. Needs complete decays.",
)  # fmt: skip
@click.option("--verify/--no-verify", "verified", default=True, help="Run what was written and compare every spike.")
@click.option("--samples", default=3, show_default=True, type=click.IntRange(1), help="Clips to verify on.")
@click.option("--chips", default=1, show_default=True, type=click.IntRange(1), help="How many chips it may take.")
@dataset_options(default=None)
@json_option
def command(
    model: Path | None, target: str, output: Path | None, reset: bool | None, steps_per_frame: int, verified: bool,
    samples: int, chips: int, dataset: str | None, data_path: Path | None, skip_bad: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write MODEL for a target.

    loihi2: netx HDF5 with sidecar and deployment script. lava: the IR file and a loader that runs it as a Lava process
    graph. slayer: the netx file that lava-dl's own SLAYER exports. nir: a NIR graph.
    """
    from mksgn_neuro.ir.timing import timing_lines
    from mksgn_neuro.models.store import load_model
    from mksgn_neuro.workflows.export import write_target
    from mksgn_neuro.workflows.inputs import Request
    from mksgn_neuro.workflows.verify import Driven

    path = find_model(model)
    loaded = load_model(path)
    stem = stem_of(output or path)
    written = write_target(loaded, target, stem, reset=reset, steps_per_frame=steps_per_frame)
    rungs = []
    if verified:
        request = Request(dataset, data_path, limit=samples, skip_bad=skip_bad)
        rungs, _ = climb(
            loaded, target, written.main, request, driven=Driven(written.period is not None, steps_per_frame)
        )
    document = written.as_json() | fit_on_chip(written.network, chips)
    document["verified"] = bool(rungs) and all(rung.ok for rung in rungs)
    document["rungs"] = [rung.as_json() for rung in rungs]
    print_json(document) if as_json else _print(document, timing_lines(written.network))
    raise_if_different(rungs)
    if document["violations"]:
        first = document["violations"][0]
        problem = f"not deployable: {first['layer']}: {first['rule']} {first['value']}, limit {first['limit']}"
        raise WorkFailed(problem, place=str(written.main), remedy=first["remedy"])


def stem_of(path: Path) -> Path:
    """Without what we end names of files with; any other dot is part of the user's name: net.seed1."""
    return path.with_suffix("") if path.suffix in SUFFIXES else path


def fit_on_chip(network: Network, chips: int) -> dict:
    """Cores, chips and broken rules of a network on Loihi 2."""
    from mksgn_neuro.chip.catalog import LOIHI2
    from mksgn_neuro.chip.fit import fit

    document = fit(network, LOIHI2, chips).as_json()
    return {name: document[name] for name in ("cores", "chips", "violations")}


def _print(document: dict, timing: list[str]) -> None:
    for file in document["files"]:
        click.echo(f"wrote {file}")
    click.echo(f"{document['neurons']} neurons, {document['synapses']} synapses as a netx chain with its relays")
    if document["reset"]:
        click.echo(f"{document['cores']} cores, {document['steps_per_sample']} time steps per sample")
    else:
        steps = document["steps_per_frame"]
        per_frame = "one time step" if steps == 1 else f"{steps} time steps"
        click.echo(f"{document['cores']} cores, {per_frame} per frame, never reset")
        click.echo("\n".join(timing))
    for violation in document["violations"]:
        click.echo(f"does not fit: {violation['layer']}: {violation['rule']} {violation['value']}")
    if document["verified"]:
        click.echo(f"verified: {len(document['rungs'])} comparisons, no spike differs, simulated on CPU")
    elif not document["rungs"]:
        click.echo("not verified")
