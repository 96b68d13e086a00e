"""mksgn-neuro export: a network in the form that a target reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mksgn_neuro.commands.options import (
    Output,
    beside,
    chip_option,
    dataset_options,
    find_model,
    force_option,
    full_option,
    json_option,
    port_options,
    print_findings,
    print_json,
    refuse_options,
    refuse_overwriting,
    seed_option,
)
from mksgn_neuro.commands.verify import STEPS, raise_if_different, run_checks, run_network_checks
from mksgn_neuro.errors import BadInput, WorkFailed
from mksgn_neuro.names import TARGETS

if TYPE_CHECKING:
    from mksgn_neuro.chip.spec import Chip
    from mksgn_neuro.ir import Network
    from mksgn_neuro.lowering.passes import Options
    from mksgn_neuro.workflows.equivalence import EquivalenceCheck
    from mksgn_neuro.workflows.export import Deployed
    from mksgn_neuro.workflows.inputs import Request

ONLY_MODELS = ("dataset", "data_path", "skip_bad")
ONLY_FILES = ("steps", "seed", "reset_interval", "input_bits", "input_shape")


@click.command(short_help="Write a network as files: netx, Lava, SLAYER or NIR.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--target", type=click.Choice(TARGETS), required=True, help="What to write, see above.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File or folder. Default: beside MODEL; for a network of the package, in this folder.",
)
@click.option(
    "--reset/--no-reset", default=None,
    help="Zero all state between clips, or run on a stream for ever. Default: --reset only if trained without a rate.",
)  # fmt: skip
@click.option(
    "--reset-interval",
    "--period",
    type=click.IntRange(1),
    help="Zero all state every N steps; not for a model.pt.",
)
@click.option(
    "--steps-per-frame", default=1, show_default=True, type=click.IntRange(1),
    help="Time steps of the chip per frame: of N, a network of L levels answers L / N frames late.",
)  # fmt: skip
@click.option("--prune", is_flag=True, help="Leave out neurons that can never fire or whose spikes reach nothing.")
@click.option(
    "--dump-passes", type=Output(folder=True),
    help="Folder: also write the network after each pass, 00-lower.ir.h5 and so on.",
)  # fmt: skip
@click.option(
    "--verify/--no-verify",
    "verified",
    default=True,
    help="Run the written files and compare every spike. Default: --verify.",
)
@click.option(
    "--samples", default=3, show_default=True, type=click.IntRange(1), help="Clips, or random samples, to verify on."
)
@click.option("--steps", default=STEPS, show_default=True, type=click.IntRange(1), help="Length of a random sample.")
@full_option
@chip_option
@click.option("--chips", default=1, show_default=True, type=click.IntRange(1), help="Chips that it may take.")
@force_option
@dataset_options(default=None)
@port_options
@seed_option
@json_option
def command(
    model: Path | None, target: str, output: Path | None, reset: bool | None, reset_interval: int | None,
    steps_per_frame: int, prune: bool, dump_passes: Path | None, verified: bool, samples: int, steps: int,
    full: bool,
    chip_name: str, chips: int, force: bool, dataset: str | None, data_path: Path | None, skip_bad: bool,
    input_shape: tuple[int, ...] | None, input_bits: int | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Write MODEL (a model.pt, .net, .nir or .ir.h5 file) for a target, and verify what was written.

    loihi2: a netx file (.net) with a description (.net.json) and a script for the chip. lava: a folder with the network
    and a script that runs it as a Lava process graph. slayer: the netx file that lava-dl's own exporter writes. nir: a
    NIR graph. A model.pt is verified on clips, any other file on random inputs.
    """
    from mksgn_neuro.chip.catalog import load_chip
    from mksgn_neuro.commands.progress import counting
    from mksgn_neuro.lowering.passes import Options
    from mksgn_neuro.workflows.export import files_of, refuse_itself, write_file
    from mksgn_neuro.workflows.inputs import Drawn, Request
    from mksgn_neuro.workflows.load import Port, load_networks, stem_of, suffix_of
    from mksgn_neuro.workflows.verdict import Verdict

    chip = load_chip(chip_name)
    path, options = find_model(model), Options(steps_per_frame, prune)
    stem, checks, findings = stem_of(output) if output else beside(path, ""), [], []
    is_model = suffix_of(path) == ".pt"
    if is_model:
        refuse_options(ONLY_FILES, "is for a file that is no model", "leave it out")
    else:
        refuse_options(ONLY_MODELS, "is for a model.pt, other files are verified on random inputs", "leave it out")
        if reset_interval and reset is False:
            raise BadInput("--reset-interval beside --no-reset", hint="leave one of them out")
    refuse_itself(path, target, stem)
    refuse_overwriting(files_of(target, stem), force=force, hint="give --force to overwrite it, or another --output")
    if is_model:
        request = Request(dataset, data_path, limit=samples, skip_bad=skip_bad)
        written, checks = _of_model(
            path, target, stem, reset, options, dump_passes, request if verified else None, full
        )
    else:
        networks = load_networks(path, Port(input_bits, input_shape))
        findings = networks.findings
        asked = {"reset": reset, "reset_interval": reset_interval, "options": options, "dump": dump_passes}
        with counting("compiling") as progress:
            written = write_file(networks, target, stem, **asked, progress=progress)
        if verified:
            drawn = Drawn(samples, steps, seed, written.reset_interval)
            checks, _ = run_network_checks(written.built, target, written.main, drawn, full=full)
    document = written.as_json() | fit_on_chip(written.network, chip, chips)
    document |= {"findings": findings, **Verdict.of(checks).as_json()}
    document["checks"] = [check.as_json() for check in checks]
    print_json(document) if as_json else _print(document, written)
    raise_if_different(checks)
    if document["violations"]:
        first = document["violations"][0]
        problem = f"not deployable: {first['layer']}: {first['rule']} {first['value']}, limit {first['limit']}"
        raise WorkFailed(problem, location=str(written.main), hint=first["hint"])


def _of_model(
    path: Path, target: str, stem: Path, reset: bool | None, options: Options, dump: Path | None,
    request: Request | None, full: bool,
) -> tuple[Deployed, list[EquivalenceCheck]]:  # fmt: skip
    """Write a model, and verify it where there is a request for clips."""
    from mksgn_neuro.commands.progress import counting
    from mksgn_neuro.models.store import load_model
    from mksgn_neuro.workflows.export import write_target
    from mksgn_neuro.workflows.verify import Driven

    loaded = load_model(path)
    with counting("compiling") as progress:
        written = write_target(loaded, target, stem, reset=reset, options=options, dump=dump, progress=progress)
    if request is None:
        return written, []
    driven = Driven(written.reset_interval is not None, options)
    checks, _ = run_checks(loaded, target, written.main, request, driven=driven, built=written.built, full=full)
    return written, checks


def fit_on_chip(network: Network, chip: Chip, chips: int) -> dict:
    """Cores, chips and broken rules of a network on a kind of chip."""
    from mksgn_neuro.chip.fit import fit_to_chip

    document = fit_to_chip(network, chip, chips).as_json()
    return {name: document[name] for name in ("chip", "cores", "chips", "violations")}


def _print(document: dict, written: Deployed) -> None:
    from mksgn_neuro.ir.timing import timing_lines

    print_findings(document["findings"])
    for file in document["files"]:
        click.echo(f"wrote {file}")
    layered = " as a layered network with its relays" if written.built.is_layered else ""
    click.echo(f"{document['neurons']} neurons, {document['synapses']} synapses{layered}")
    if document["pruned_neurons"]:
        click.echo(f"left out {document['pruned_neurons']} neurons that can never fire or whose spikes reach nothing")
    on_chip = f"{document['cores']} cores" + ("" if document["chip"] == "loihi2" else f" of {document['chip']}")
    if document["reset"]:
        click.echo(f"{on_chip}, {document['steps_per_sample']} time steps per sample")
    else:
        steps = document["steps_per_frame"]
        per_frame = "one time step" if steps in (1, None) else f"{steps} time steps"
        click.echo(f"{on_chip}, {per_frame} per frame, never reset")
        click.echo("\n".join(timing_lines(written.network)))
    for violation in document["violations"]:
        click.echo(f"does not fit: {violation['layer']}: {violation['rule']} {violation['value']}")
    click.echo(document["verdict"] + (", simulated on CPU" if document["checks"] else ""))
