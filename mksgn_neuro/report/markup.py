"""HTML from templates and elements, in which every value that is not markup itself is escaped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@cache
def _environment() -> Environment:
    loader = PackageLoader("mksgn_neuro.report", "assets")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip


def asset(name: str) -> Markup:
    """The text of a file in `assets`, which is markup, style or script of ours."""
    environment = _environment()
    return Markup(environment.loader.get_source(environment, name)[0])


def rendered(template: str, **values: object) -> Markup:
    """A template of `assets`, filled in; a value that it asks for and does not get is an error."""
    return Markup(_environment().get_template(template).render(asset=asset, **values))


def tag(name: str, content: object = "", **attributes: object) -> Markup:
    """An element; `class_` is the attribute class, `data_key` is data-key."""
    said = [Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items()]
    return Markup("<{0}{1}>{2}</{0}>").format(name, Markup("").join(said), content)


@dataclass(frozen=True)
class Number:
    """A figure of `simulate --json`, marked with its key and exact value so that programs can check the page."""

    key: str
    value: float
    text: str

    def __html__(self) -> str:
        return tag("data", self.text, data_key=self.key, value=self.value)


@dataclass(frozen=True)
class Card:
    """One figure at a glance."""

    title: str
    value: Number | str
    note: str


def quantity(value: float, unit: str) -> str:
    """A value in joules or watts with four significant digits and the prefix that suits."""
    prefix, factor = next(((p, f) for p, f in (("m", 1e3), ("µ", 1e6)) if value * f >= 1), ("n", 1e9))
    return f"{value * factor:.4g} {prefix}{unit}"
