"""The command line: parse, call, print. Each command lives in its own file of `commands/`."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches

import click

from mksgn_neuro import __version__
from mksgn_neuro.errors import UserError
from mksgn_neuro.gates.regular import printable

# OpenMP threads that wait actively starve the other thread pools on a shared machine; torch reads this at import.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

COMMANDS: tuple[str, ...] = (
    "train",
    "tune",
    "ablate",
    "export",
    "recognise",
    "simulate",
    "verify",
    "inspect",
    "report",
    "stream",
    "models",
    "data",
    "demo",
)


class LazyGroup(click.Group):
    """Imports a command's module only when that command runs, so that `--help` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = __import__(f"mksgn_neuro.commands.{name}", fromlist=["command"])
        return module.command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with a suggestion for a name that is nearly a command's."""
        name = str(args[0])
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(name, COMMANDS, 1)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(COMMANDS)}"
            raise click.UsageError(f"no command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mksgn-neuro")
def cli() -> None:
    """Train a spiking graph network on skeletons and run exactly what you trained on Loihi-style hardware."""


def main() -> None:
    """Entry point: user errors become one line on stderr and their exit status."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.UsageError as error:
        _show(error)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except UserError as error:
        click.echo(f"mksgn-neuro: {printable(str(error), keep=chr(10))}", err=True)
        sys.exit(error.exit_code)


def _show(error: click.UsageError) -> None:
    """In one line as every error of a user; help where a command alone asks for it."""
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        error.show()
        return
    command = error.ctx.command_path if error.ctx else "mksgn-neuro"
    click.echo(f"{command}: {' '.join(error.format_message().split())} (see {command} --help)", err=True)


if __name__ == "__main__":
    main()
