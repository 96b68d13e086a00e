"""The command line: parse, call, print. Each command lives in its own file of `commands/`."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from typing import NoReturn

import click

from mksgn_neuro import SAID_OF_COMPILED_CODE, __version__
from mksgn_neuro.errors import BadInput, UserError, WorkFailed, printable
from mksgn_neuro.processes.compiled import COMPILING
from mksgn_neuro.processes.ending import Terminated, raise_on_signals

# OpenMP threads that wait actively starve the other thread pools on a shared machine; torch reads this at import.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

UNREAD = 128 + 13  # SIGPIPE, as a shell has it of a program that the signal ends; Windows has none

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
TRAINING = ("train", "tune", "ablate", "demo")


class NobodyReads(Exception):
    """Whoever read our output has seen enough."""


class LazyGroup(click.Group):
    """Imports a command's module only when that command runs, so that `--help` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        if name not in TRAINING:  # numpy reads it when it is first imported; its threads wait actively and win nothing
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        module = __import__(f"mksgn_neuro.commands.{name}", fromlist=["command"])
        module.command.name = name  # the functions are all called `command`
        return module.command

    def invoke(self, ctx: click.Context) -> object:
        """As click's, which would end with status 1 where nobody reads what is written."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise NobodyReads from None

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
@click.option("-q", "--quiet", is_flag=True, help="No progress and no notes on stderr; errors stay.")
def cli(quiet: bool) -> None:
    """Train a spiking graph network on skeletons, write it as files for Loihi-style chips, and simulate it exactly.

    Nothing runs on hardware: everything is simulated on CPU. README.md says where to begin.
    """
    if SAID_OF_COMPILED_CODE and not quiet:
        click.echo(f"note: {SAID_OF_COMPILED_CODE}", err=True)
    COMPILING.tell = None if quiet else _say_in_passing


def _say_in_passing(line: str) -> None:
    """Also from another thread, and above a bar that is there."""
    from mksgn_neuro.commands.options import say

    say(f"note: {line}")


def main() -> None:
    """Entry point: what a user or the machine causes becomes one line on stderr and its exit status."""
    _use_what_there_is_of_a_terminal()
    raise_on_signals()
    try:
        cli(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.UsageError as error:
        _show(error)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _end("interrupted", 130)
    except Terminated as stop:
        _end(f"stopped by {stop.name}", stop.exit_code)
    except UserError as error:
        _end(f"mksgn-neuro: {error}", error.exit_code)
    except (BrokenPipeError, NobodyReads):
        _forget_output()
        sys.exit(UNREAD)
    except OSError as error:
        if error.strerror is None:
            raise
        _end(f"mksgn-neuro: {printable(str(error.filename or 'output'))}: {error.strerror}", BadInput.exit_code)
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        _end("mksgn-neuro: this needs PyTorch, which is not installed; pip install torch", BadInput.exit_code)
    except MemoryError as error:
        _end(f"mksgn-neuro: not enough memory ({str(error) or 'no more was given'})", WorkFailed.exit_code)


def _forget_output() -> None:
    """What is left in the buffers must not be tried again at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _end(line: str, status: int) -> NoReturn:
    click.echo(line, err=True)
    sys.exit(status)


def _use_what_there_is_of_a_terminal() -> None:
    """Stands in for closed standard streams, whose numbers the next files would get; prints what the locale cannot."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            while (opened := os.open(os.devnull, os.O_RDWR)) < number:
                pass
            if opened > number:
                os.dup2(opened, number)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115
        elif number and hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")


def _show(error: click.UsageError) -> None:
    """In one line as every error of a user; help where a command alone asks for it."""
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        error.show()
        return
    command = error.ctx.command_path if error.ctx else "mksgn-neuro"
    click.echo(f"{command}: {' '.join(error.format_message().split())} (see {command} --help)", err=True)


if __name__ == "__main__":
    main()
