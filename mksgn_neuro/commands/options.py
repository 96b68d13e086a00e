"""Options and output that several commands share."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mksgn_neuro.data.registry import DATASETS
from mksgn_neuro.errors import BadInput
from mksgn_neuro.files import require_writable
from mksgn_neuro.gates.regular import printable
from mksgn_neuro.names import MAX_MESSAGE_BITS, PROFILES
from mksgn_neuro.processes.together import is_first

if TYPE_CHECKING:
    from rich.console import Console


def stderr() -> Console:
    """The console of progress and notes; silent under --quiet, which stands before the command's name, and in all but
    the first of several processes.
    """
    context = click.get_current_context(silent=True)
    quiet = context is not None and bool(context.find_root().params.get("quiet"))
    return _console(quiet=quiet or not is_first())


@cache
def _console(*, quiet: bool) -> Console:
    """Made when it is first written to, so that --help needs no rich."""
    from rich.console import Console

    return Console(stderr=True, quiet=quiet)


def say(line: str) -> None:
    """One line to stderr, never wrapped: logs and pipes have no width."""
    stderr().print(printable(line), highlight=False, markup=False, soft_wrap=True)


full_option = click.option(
    "--full",
    is_flag=True,
    help="Run even a large .net whole in Intel's loader, not level by level: takes gigabytes and minutes.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout, nothing else.")
MOST_SEED = 2**31 - 1
seed_option = click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0, MOST_SEED),
    help="Seed of all random numbers.",
)


DATA = "The data set's file or folder (docs/recordings.md for npz); none for synthetic."


def dataset_options(default: str | None = "synthetic") -> Callable:
    """--dataset, --data and --skip-bad."""
    which = "npz: your own file." + ("" if default else " Default: the one that MODEL was trained on.")

    def decorate(command: Callable) -> Callable:
        for option in reversed(
            (
                click.option("--dataset", type=click.Choice(DATASETS), default=default, show_default=True, help=which),
                click.option("--data", "data_path", type=click.Path(path_type=Path), help=DATA),
                click.option("--skip-bad", is_flag=True, help="Leave out clips that cannot be read, and list them."),
            )
        ):
            command = option(command)
        return command

    return decorate


class Shape(click.ParamType):
    """C,H,W as three positive integers."""

    name = "C,H,W"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Raises click's usage error for anything else."""
        parts = value if isinstance(value, tuple) else str(value).split(",")
        if len(parts) != 3 or not all(str(part).strip().isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"{value!r} is not C,H,W, three numbers such as 3,32,32: channels first", param, ctx)
        return tuple(int(part) for part in parts)


def port_options(command: Callable) -> Callable:
    """--input-shape and --input-bits: what a netx file, as the stock loader has it, need not say of its input."""
    for option in reversed(
        (
            click.option(
                "--input-shape",
                type=Shape(),
                help="Shape of the input of a .net file that does not say it; lava-dl's input_shape in reverse order.",
            ),
            click.option(
                "--input-bits",
                type=click.IntRange(0, MAX_MESSAGE_BITS),
                help="Bits of a .net file's graded input, lava-dl's input_message_bits. Default: 0, binary.",
            ),
        )
    ):
        command = option(command)
    return command


class EnergyProfile(click.Choice):
    """One of PROFILES; `chip.energy` says why another is none."""

    def __init__(self) -> None:
        super().__init__(PROFILES)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Raises BadInput for another name."""
        if value not in PROFILES:
            from mksgn_neuro.chip.energy import load_profile

            load_profile(str(value))
        return str(value)


energy_option = click.option(
    "--energy-profile",
    type=EnergyProfile(),
    default="paper",
    show_default=True,
    help="Price of each operation, see docs/chip.md.",
)
force_option = click.option("--force", is_flag=True, help="Overwrite files that are there.")


def refuse_overwriting(paths: Iterable[Path], *, force: bool, hint: str = "give --force to overwrite it") -> None:
    """Raises BadInput, before any work, for the first of the paths that is there; with `force` says what goes."""
    for path in paths:
        if path.exists():
            if not force:
                raise BadInput("is there already", location=str(path), hint=hint)
            say(f"overwriting {path}")


chip_option = click.option(
    "--chip",
    "chip_name",
    default="loihi2",
    show_default=True,
    help="loihi2, loihi1 or a .toml file of your own, see docs/chip.md.",
)


class FiniteFloat(click.FloatRange):
    """A number from `low`, or only `above` it, up to `high`: neither nan, which a range lets pass, nor infinite."""

    def __init__(self, low: float, *, above: bool = False, high: float | None = None) -> None:
        super().__init__(min=low, min_open=above, max=high)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; raises click's BadParameter."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number


class Output(click.Path):
    """A path to write to, refused at once where nothing can be written."""

    def __init__(self, *, folder: bool = False) -> None:
        super().__init__(path_type=Path)
        self.folder = folder

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; raises BadInput."""
        return require_writable(super().convert(value, param, ctx), folder=self.folder)


def refuse_options(names: Iterable[str], because: str, hint: str) -> None:
    """Raises BadInput if the user gave one of these parameters: nothing that is asked for is ignored."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
        if parameter.name in names and given:
            raise BadInput(f"{parameter.opts[0]} {because}", hint=hint)


def print_findings(findings: Iterable[str]) -> None:
    """What is odd about the file, before any figure that it has led to."""
    for finding in findings:
        click.echo(f"note: {printable(finding)}")


def print_populations(populations: list[dict]) -> None:
    """Spikes and synaptic operations of each population, as `sim.measure.Activity` has them."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("population", "role", "neurons", "spikes", "rate", "synaptic operations")
    for p in populations:
        numbers = (str(p["neurons"]), str(p["spikes"]), f"{p['spike_rate']:.1%}", str(p["synops"]))
        table.add_row(escape(printable(p["name"])), escape(printable(p["role"])), *numbers)
    Console().print(table)


def find_model(path: Path | None) -> Path:
    """The file or shipped model that the user named; says on stderr which file, where it is not a path that was given.

    Without a name: the newest under runs/, else a shipped one.
    """
    from mksgn_neuro.workflows.load import SHIPPED_MODEL, resolve, shipped

    if path is not None:
        found = resolve(path)
        if found != path:
            say(f"model: {found}")
        return found
    trained = sorted(Path("runs").glob("**/model.pt"), key=lambda p: p.stat().st_mtime)
    if not trained and SHIPPED_MODEL not in shipped():
        raise BadInput("no MODEL was given and runs/ holds none", hint="run mksgn-neuro train first")
    chosen = trained[-1] if trained else shipped()[SHIPPED_MODEL]
    say(f"model: {chosen}")
    return chosen


def beside(model: Path, suffix: str) -> Path:
    """Where a command writes by default: MODEL's folder, or the current one for a shipped model."""
    from mksgn_neuro.workflows.load import shipped, stem_of

    is_shipped = model.resolve() in {path.resolve() for path in shipped().values()}
    stem = stem_of(Path(model.name) if is_shipped else model)
    return stem.with_name(stem.name + suffix)


def print_json(document: dict) -> None:
    """The one document that --json promises."""
    click.echo(json.dumps(document, indent=1, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"no JSON for {type(value)}")
