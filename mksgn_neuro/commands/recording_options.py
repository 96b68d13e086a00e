"""Options of commands that take recordings: what the user says of them, and when nothing is decided."""

from __future__ import annotations

from collections.abc import Callable

import click

from mksgn_neuro.commands.options import FiniteFloat
from mksgn_neuro.errors import BadInput


class Aspect(click.ParamType):
    """W:H as one number, width by height."""

    name = "W:H"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Raises click's usage error for anything else."""
        if isinstance(value, float):
            return value
        width, _, height = str(value).partition(":")
        if not all(part.isdecimal() and 0 < int(part) < 1 << 20 for part in (width, height)):
            self.fail(f"{value!r} is not W:H, two whole numbers such as 16:9, or 9:16 held upright", param, ctx)
        return int(width) / int(height)


aspect_option = click.option(
    "--aspect",
    type=Aspect(),
    help="Width to height of the picture, where coordinates are fractions of it. Default: 1:1.",
)


def recording_options(command: Callable) -> Callable:
    """--unit, --up, --rate, --flat, --aspect: what a recording may not say of itself."""
    for option in reversed(
        (
            click.option("--unit", help="m, cm, mm or inch, where the format does not say."),
            click.option("--up", help="The axis that points up: x, -x, y, -y, z or -z. Default: the format's, else y."),
            click.option("--rate", type=float, help="Frames per second. Default: the recording's, else 30."),
            click.option(
                "--flat", is_flag=True, help="Give 2-D recordings to a 3-D network: depth 0, size from the torso."
            ),
            aspect_option,
        )
    ):
        command = option(command)
    return command


def _as_names(_: click.Context, __: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    """{old: new} from old=new; raises BadInput for what is no pair, or one old name twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        old, equals, new = pair.partition("=")
        if not (old and equals and new) or old in found:
            raise BadInput(f"{pair!r} is no old=new", location="--map", hint="give each class once, as old=new")
        found[old] = new
    return found


map_option = click.option(
    "--map",
    "renames",
    multiple=True,
    callback=_as_names,
    metavar="OLD=NEW",
    help="Class OLD of the data is class NEW of the network; repeatable.",
)
evidence_option = click.option(
    "--evidence",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="With fewer class spikes than this the answer is none.",
)
hold_option = click.option(
    "--hold", type=FiniteFloat(0), help="Seconds for which an unseen joint stays where it was. Default: 0.5."
)
