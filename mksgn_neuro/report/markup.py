"""Pieces of HTML that several sections use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def number(key: str, value: float | int, text: str) -> str:
    """A figure of `simulate --json`, marked with its key and exact value so that programs can check the page."""
    return f'<data data-key="{escape(key)}" value="{value!r}">{escape(text)}</data>'


def titled(title: str, chart: str) -> str:
    """A chart under its title."""
    return f"<figure><figcaption>{escape(title)}</figcaption>{chart}</figure>"


def card(title: str, value: str, note: str, kind: str = "") -> str:
    """One figure at a glance; `value` is HTML, `note` text."""
    return f'<div class="{kind}"><dt>{escape(title)}</dt><dd>{value}</dd><dd class="note">{escape(note)}</dd></div>'


def table(head: Sequence[str], rows: Iterable[str], kind: str = "") -> str:
    """A table that scrolls sideways where it does not fit; `rows` are HTML."""
    titles = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    body = f"<thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="wide"><table class="{kind}">{body}</table></div>'


def quantity(value: float, unit: str) -> str:
    """A value in joules or watts with four significant digits and the prefix that suits."""
    prefix, factor = next(((p, f) for p, f in (("m", 1e3), ("µ", 1e6)) if value * f >= 1), ("n", 1e9))
    return f"{value * factor:.4g} {prefix}{unit}"
