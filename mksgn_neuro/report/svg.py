"""Small charts as inline SVG: they follow the page's theme, print sharp and need no script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape

import numpy as np

LEFT, RIGHT, TOP, BOTTOM = 78, 14, 12, 48  # margins of a line chart, in user units
SECOND_ROW = 18  # below the numbers of an axis
MOST_TITLED = 2500  # cells beyond which a heat map has no tooltips: they would outweigh the picture


@dataclass(frozen=True)
class Line:
    """A named series (x, y), drawn in the page's colour number `colour`."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int = 1


@cache
def palette() -> tuple[str, ...]:
    """Cividis as 256 hex colours: it reads the same with every kind of colour blindness, and in grey."""
    from matplotlib import colormaps

    return tuple("#{:02x}{:02x}{:02x}".format(*(int(255 * c) for c in rgb)) for rgb in colormaps["cividis"].colors)


def shade(share: float) -> str:
    """Colour of a share in [0, 1]."""
    return palette()[int(np.clip(share, 0, 1) * 255)]


def ticks(low: float, high: float, most: int = 6, *, whole: bool = False) -> list[float]:
    """Round values that divide [low, high]; `whole` numbers only if asked for."""
    span = max(high - low, 1e-12)
    step = 10 ** np.floor(np.log10(span / most))
    step = next(step * m for m in (1, 2, 5, 10) if span / (step * m) <= most)
    step = max(step, 1.0) if whole else step
    first = np.ceil(low / step - 1e-9)
    return [round(float(step * k), 12) + 0.0 for k in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def line_chart(
    lines: Sequence[Line],
    *,
    alt: str,
    x_label: str,
    y_label: str,
    y_range: tuple[float, float],
    percent: bool = False,
    size: tuple[int, int] = (640, 280),
    marks: Sequence[tuple[float, str]] = (),
    below: Callable[[float], str] | None = None,
) -> str:
    """Lines over a common x, which counts, with axes, units and a legend; `marks` are vertical lines (x, label).

    `below`: what stands below each number of the x axis.
    """
    width, height = size
    bottom, right = (BOTTOM + SECOND_ROW, 2 * RIGHT) if below else (BOTTOM, RIGHT)
    xs = [x for line in lines for x in line.x]
    x0, x1, (y0, y1) = min(xs), max(max(xs), min(xs) + 1), y_range
    across = lambda x: LEFT + (x - x0) / (x1 - x0) * (width - LEFT - right)
    up = lambda y: height - bottom - (y - y0) / (y1 - y0) * (height - TOP - bottom)
    parts = []
    for tick in ticks(y0, y1):
        text = f"{tick:.0%}" if percent else f"{tick:g}"
        parts.append(f'<path class="grid" d="M{LEFT} {up(tick):.1f}H{width - right}"/>')
        parts.append(f'<text class="tick end" x="{LEFT - 6}" y="{up(tick) + 4:.1f}">{text}</text>')
    for tick in ticks(x0, x1, 8, whole=True):
        parts.append(f'<text class="tick mid" x="{across(tick):.1f}" y="{height - bottom + 16}">{tick:g}</text>')
        if below:
            y = height - bottom + 16 + SECOND_ROW
            parts.append(f'<text class="tick mid" x="{across(tick):.1f}" y="{y}">{escape(below(tick))}</text>')
    for x, label in marks:
        parts.append(f'<path class="mark" d="M{across(x):.1f} {TOP}V{height - bottom}"/>')
        parts.append(f'<text class="tick" x="{across(x) + 4:.1f}" y="{height - bottom - 8}">{escape(label)}</text>')
    for line in lines:
        points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in zip(line.x, line.y))
        parts.append(f'<polyline class="line c{line.colour}" points="{points}"><title>{escape(line.name)}</title>')
        parts.append("</polyline>")
        if len(line.x) == 1:  # which a line does not show
            at = f'cx="{across(line.x[0]):.1f}" cy="{up(line.y[0]):.1f}" r="3"'
            parts.append(f'<circle class="line c{line.colour}" {at}/>')
    middle = (TOP + height - bottom) / 2
    parts.append(f'<text class="axis mid" x="{(LEFT + width) / 2}" y="{height - 8}">{escape(x_label)}</text>')
    turned = f'transform="rotate(-90 14 {middle})"'
    parts.append(f'<text class="axis mid" x="14" y="{middle}" {turned}>{escape(y_label)}</text>')
    return figure(width, height, parts, alt, "lines") + (legend(lines) if len(lines) > 1 else "")


def legend(lines: Sequence[Line]) -> str:
    """Names beside their colours and dashes."""
    keys = "".join(
        f'<li><svg width="26" height="8" aria-hidden="true"><path class="line c{line.colour}" d="M0 4H26"/></svg>'
        f"{escape(line.name)}</li>"
        for line in lines
    )
    return f'<ul class="legend">{keys}</ul>'


def heat_map(
    values: np.ndarray,
    *,
    alt: str,
    rows: Sequence[str],
    columns: Sequence[str] = (),
    x_label: str = "",
    y_label: str = "",
    cell: tuple[float, float] = (14, 14),
    most: float | None = None,
    text: Callable[[float], str] | None = None,
    tip: Callable[[int, int], str] | None = None,
    column_step: int = 1,
) -> str:
    """A matrix (R, C) as coloured cells, 0 dark and `most` (its maximum) bright; zeros show the ground."""
    values = np.asarray(values, dtype=float)
    high, (w, h) = (most or values.max(initial=0) or 1.0), cell
    left = 12 + 6.2 * max(map(len, rows), default=0) + (18 if y_label else 0)
    longest = max(map(len, columns), default=0)
    below = (4.1 * longest + 14 if longest > 4 else 18 * bool(columns)) + 20 * bool(x_label)
    width, height = left + w * values.shape[1] + 24, h * values.shape[0] + below + 6
    parts = [
        '<g class="cells">',
        f'<rect x="{left}" y="4" width="{w * values.shape[1]}" height="{h * values.shape[0]}" fill="{shade(0)}"/>',
    ]
    tipped = tip and values.size <= MOST_TITLED
    for r, c in zip(*np.nonzero(values)):
        place = f'x="{left + c * w:.1f}" y="{4 + r * h:.1f}" width="{w:g}" height="{h:g}"'
        title = f"<title>{escape(tip(r, c))}</title></rect>" if tipped else "</rect>"
        parts.append(f'<rect {place} fill="{shade(values[r, c] / high)}">{title}')
    parts.append("</g>")
    parts += _row_labels(rows, left, h) + _column_labels(columns, left, 4 + h * values.shape[0], w, column_step)
    if text:
        parts += _cell_texts(values, left, w, h, high, text)
    if x_label:
        middle = left + w * values.shape[1] / 2
        parts.append(f'<text class="axis mid" x="{middle:.1f}" y="{height - 4:.1f}">{escape(x_label)}</text>')
    if y_label:
        middle = 4 + h * values.shape[0] / 2
        turned = f'transform="rotate(-90 12 {middle})"'
        parts.append(f'<text class="axis mid" x="12" y="{middle}" {turned}>{escape(y_label)}</text>')
    return figure(width, height, parts, alt)


def _row_labels(rows: Sequence[str], left: float, h: float) -> list[str]:
    return [
        f'<text class="tick end" x="{left - 5:.1f}" y="{4 + (r + 0.5) * h + 4:.1f}">{escape(name)}</text>'
        for r, name in enumerate(rows)
    ]


def _column_labels(columns: Sequence[str], left: float, top: float, w: float, step: int) -> list[str]:
    slanted = max(map(len, columns), default=0) > 4
    labels = []
    for c in range(0, len(columns), step):
        x, y = left + (c + 0.5) * w, top + 14
        turned = f' transform="rotate(-40 {x:.1f} {y:.1f})"' if slanted else ""
        anchor = "end" if slanted else "mid"
        labels.append(f'<text class="tick {anchor}" x="{x:.1f}" y="{y:.1f}"{turned}>{escape(columns[c])}</text>')
    return labels


def _cell_texts(
    values: np.ndarray, left: float, w: float, h: float, high: float, text: Callable[[float], str]
) -> list[str]:
    texts = []
    for (r, c), value in np.ndenumerate(values):
        ink = "#000" if value / high > 0.5 else "#fff"
        x, y = left + (c + 0.5) * w, 4 + (r + 0.5) * h + 4
        texts.append(f'<text class="cell mid" x="{x:.1f}" y="{y:.1f}" fill="{ink}">{escape(text(value))}</text>')
    return texts


def scale(high: str, low: str = "0") -> str:
    """The colours' meaning, from low to high."""
    stops = ", ".join(palette()[i] for i in range(0, 256, 51))
    bar = f'<span class="ramp" style="background:linear-gradient(90deg, {stops})"></span>'
    return f'<p class="scale">{escape(low)} {bar} {escape(high)}</p>'


def figure(width: float, height: float, parts: Sequence[str], alt: str, kind: str = "map") -> str:
    """An SVG that never grows beyond its drawn size and scrolls sideways where it would be unreadable."""
    box = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    drawing = f'<svg {box} role="img" aria-label="{escape(alt)}">{"".join(parts)}</svg>'
    return f'<div class="chart {kind}" tabindex="0" role="group" aria-label="{escape(alt)}">{drawing}</div>'
