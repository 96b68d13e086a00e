"""JSON and TOML of a size and depth that the parsers bear, checked before they see it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from mksgn_neuro.errors import BadInput
from mksgn_neuro.gates.regular import TEXT_BYTES, require_regular, shown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MOST_DEPTH = 64
MOST_DIGITS = 4300  # of one number: reading n digits takes n² steps
TOML_BYTES = 1 << 16


def parsed_json(text: str | bytes) -> object:
    """The value of a JSON text; raises ValueError, also for one that is nested deeper than MOST_DEPTH."""
    try:
        value = json.loads(text, parse_int=_integer, parse_constant=_constant)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    _require_shallow(value)
    return value


def json_at(location: str, text: str, hint: str) -> object:
    """The same of a text that was found at `location`; raises BadInput."""
    try:
        return parsed_json(text)
    except ValueError as error:
        raise BadInput(f"not JSON ({error})", location=location, hint=hint) from error


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _constant(name: str) -> float:
    return float(name)


def _require_shallow(value: object) -> None:
    """Level by level: a parser that is written in C goes deeper than Python's own functions can follow."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [inner for outer in level if type(outer) in (dict, list) for inner in _inside(outer)]
        if not level:
            return
    raise ValueError(f"nested deeper than {MOST_DEPTH}")


def _inside(value: dict | list) -> Iterable:
    """Exact types are what parsers make, and asking for them takes a third of the time of `isinstance`."""
    return value.values() if type(value) is dict else value


def read_json(path: Path, hint: str) -> object:
    """A JSON file; raises BadInput."""
    require_regular(path, hint, most=TEXT_BYTES)
    try:
        return parsed_json(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"not JSON ({shown(error)})", location=str(path), hint=hint) from error


def read_toml(path: Path, hint: str) -> dict:
    """A TOML file of at most TOML_BYTES; raises BadInput."""
    require_regular(path, hint, most=TOML_BYTES)
    try:
        text = Path(path).read_text(encoding="utf-8")
        _require_short_lines(text)
        value = tomllib.loads(text)
        _require_shallow(value)
        return value
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"not a readable TOML file ({shown(error)})", location=str(path), hint=hint) from error


def _require_short_lines(text: str) -> None:
    """The parser's time grows with the square of a key's dots, a number's digits and the nesting of a value."""
    for n, line in enumerate(text.splitlines(), 1):
        if line.count(".") > MOST_DEPTH or line.count("[") > MOST_DEPTH or line.count("{") > MOST_DEPTH:
            raise ValueError(f"line {n} is nested too deep")
        if len(line) > 2000:
            raise ValueError(f"line {n} has {len(line)} characters")
