"""mksgn-neuro inspect: what is in a network, whether it fits a chip, and where it lies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mksgn_neuro.commands.options import chip_option, find_model, json_option, port_options, print_json
from mksgn_neuro.errors import WorkFailed

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column, Table

    from mksgn_neuro.chip.fit import Fit
    from mksgn_neuro.ir import Network
    from mksgn_neuro.workflows.inspect import Inspected

BAR = 10  # characters of a full bar


@click.command(short_help="Show what a network holds and which cores it takes.")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@chip_option
@click.option("--chips", default=1, show_default=True, type=click.IntRange(1), help="Chips that it may take.")
@port_options
@json_option
def command(
    model: Path | None, chip_name: str, chips: int, input_shape: tuple[int, ...] | None, input_bits: int | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show what MODEL (a model.pt, .net, .nir or .ir.h5 file) holds and which cores it takes.

    Exit status 1 if it does not fit.
    """
    from mksgn_neuro.chip.catalog import load_chip
    from mksgn_neuro.workflows.inspect import inspect
    from mksgn_neuro.workflows.load import Port, load_networks

    chip = load_chip(chip_name)
    networks = load_networks(find_model(model), Port(input_bits, input_shape), only_to_look=True)
    found = inspect(networks, chip, chips)
    print_json(found.as_json()) if as_json else _print(found)
    if found.fit.violations:
        allowed = f"{chips} {chip.name} chip{'s' if chips > 1 else ''}"
        raise WorkFailed(
            f"does not fit {allowed}: {len(found.fit.violations)} violations",
            location=str(found.networks.path),
            hint=found.fit.violations[0].hint,
        )


def _print(inspected: Inspected) -> None:
    from rich.console import Console

    from mksgn_neuro.ir.timing import timing_lines

    console = Console()
    networks, network, found = inspected.networks, inspected.network, inspected.fit
    _say(console, f"{networks.path}: {networks.kind}, shown as {inspected.representation}")
    for finding in networks.findings:
        _say(console, f"note: {finding}")
    for line in timing_lines(network):
        _say(console, line)
    console.print(_population_table(network, found))
    console.print(_core_table(found))
    for representation, fit in inspected.fits.items():
        _print_representation(console, representation, networks.representations[representation], fit)
    _print_chips(console, found)
    _print_limits(console, found)
    if found.violations:
        console.print(_violation_table(found))


def _population_table(network: Network, found: Fit) -> Table:
    from rich.table import Table

    from mksgn_neuro.workflows.inspect import contents

    table = Table("population", "role", *(_right(name) for name in ("neurons", "synapses", "cores", "fullest core")))
    mapping = found.mapping
    for row in contents(network)["populations"]:
        cores = [mapping.cores[i].usage.load(mapping.chip) for i in mapping.cores_by_population[row["name"]]]
        numbers = (f"{row['neurons']:,}", f"{row['synapses']:,}", str(len(cores)), f"{max(cores):.0%}")
        table.add_row(row["name"], row["role"], *numbers)
    return table


def _core_table(found: Fit) -> Table:
    from rich.table import Table

    from mksgn_neuro.chip.placement import coordinates

    table = Table(_right("core"), _right("tile"), "population", "neurons", "memory", "axons", box=None)
    tiles = zip(*coordinates(found.mapping.chip, found.placement.site))
    for i, (core, (x, y)) in enumerate(zip(found.mapping.cores, tiles)):
        shares = core.usage.shares(found.mapping.chip)
        bars = (bar(shares[name]) for name in ("neurons", "memory_words", "input_axons"))
        table.add_row(str(i), f"{x},{y}", core.population, *bars)
    return table


def bar(share: float) -> str:
    """A share of a limit as a bar and a percentage; red where it is more than all of it."""
    filled = min(round(share * BAR), BAR)
    text = f"{'█' * filled}{'·' * (BAR - filled)} {share:4.0%}"
    return f"[red]{text}[/red]" if share > 1 else text


def _print_representation(console: Console, representation: str, network: Network, found: Fit) -> None:
    from mksgn_neuro.workflows.inspect import totals

    counted, mapping, hops = totals(network), found.mapping, found.placement.mean_hops
    saved = f", {1 - hops / found.naive_hops:.0%} fewer than in naive order" if found.naive_hops else ""
    limit = found.chips * mapping.chip["cores"]
    over = ", more than there are" if len(mapping.cores) <= limit < found.compiler_cores else ""
    _say(
        console,
        f"{representation}: {counted['neurons']:,} neurons, {counted['synapses']:,} synapses "
        f"on {len(mapping.cores)} of {limit} "
        f"{mapping.chip.name} cores ({mapping.chips} chip{'s' if mapping.chips > 1 else ''}); "
        f"Intel's compiler, without this partition: about {found.compiler_cores}{over}; "
        f"{hops:.2f} hops per message{saved}",
    )


def _print_chips(console: Console, found: Fit) -> None:
    """Of a network on several chips: what lies on each, and what goes from one to another."""
    placement = found.placement
    sent = placement.between_chips
    across, cores = float(sent.sum() - sent.trace()), placement.cores_on_chips
    if len(cores) < 2:
        return
    share = across / sent.sum() if sent.any() else 0.0
    each = ", ".join(f"{count} on chip {chip}" for chip, count in enumerate(cores))
    _say(
        console,
        f"cores: {each}; {placement.links_between_chips} links from a core to one on another chip, which carry "
        f"{across:,.0f} of {sent.sum():,.0f} messages ({share:.0%}) if every neuron fires once",
    )


def _print_limits(console: Console, found: Fit) -> None:
    mapping = found.mapping
    fullest = (
        f"{i} {mapping.cores[i].population} {mapping.cores[i].usage.load(mapping.chip):.0%}" for i in found.fullest()
    )
    _say(console, f"fullest cores: {', '.join(fullest)}")
    nearest = (f"{name.replace('_', ' ')} on {count} cores" for name, count in found.limited_by().items())
    _say(console, f"what limits: {', '.join(nearest)}")
    unsure = [limit.name for limit in mapping.chip.limits.values() if limit.confidence == "assumed"]
    _say(console, f"limits that are assumed, not published: {', '.join(unsure)}; see docs/chip.md")


def _violation_table(found: Fit) -> Table:
    from rich.table import Table

    table = Table("violation", "layer", _right("core"), _right("value"), _right("limit"), "hint")
    for v in found.violations:
        core = "" if v.core is None else str(v.core)
        table.add_row(v.rule.replace("_", " "), v.layer, core, f"{v.value:,}", f"{v.limit:,}", v.hint)
    return table


def _say(console: Console, text: str) -> None:
    """A line that no terminal width breaks."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _right(name: str) -> Column:
    from rich.table import Column

    return Column(name, justify="right")
