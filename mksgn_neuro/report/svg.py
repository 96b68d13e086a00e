"""Small charts as inline SVG: they follow the page's theme, print sharp and need no script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from markupsafe import Markup

from mksgn_neuro.report.markup import tag

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
        parts.append(tag("path", class_="grid", d=f"M{LEFT} {up(tick):.1f}H{width - right}"))
        parts.append(_text(f"{tick:.0%}" if percent else f"{tick:g}", LEFT - 6, up(tick) + 4, "tick end"))
    for tick in ticks(x0, x1, 8, whole=True):
        parts.append(_text(f"{tick:g}", across(tick), height - bottom + 16, "tick mid"))
        if below:
            parts.append(_text(below(tick), across(tick), height - bottom + 16 + SECOND_ROW, "tick mid"))
    for x, label in marks:
        parts.append(tag("path", class_="mark", d=f"M{across(x):.1f} {TOP}V{height - bottom}"))
        parts.append(_text(label, across(x) + 4, height - bottom - 8, "tick"))
    for line in lines:
        points = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in zip(line.x, line.y))
        parts.append(tag("polyline", tag("title", line.name), class_=f"line c{line.colour}", points=points))
        if len(line.x) == 1:  # which a line does not show
            at = {"cx": f"{across(line.x[0]):.1f}", "cy": f"{up(line.y[0]):.1f}"}
            parts.append(tag("circle", class_=f"line c{line.colour}", **at, r=3))
    parts += _axis_labels(x_label, y_label, (LEFT + width) / 2, height - 8, (TOP + height - bottom) / 2)
    return figure(width, height, parts, alt, "lines") + (legend(lines) if len(lines) > 1 else "")


def legend(lines: Sequence[Line]) -> str:
    """Names beside their colours and dashes."""
    sample = lambda line: tag("path", class_=f"line c{line.colour}", d="M0 4H26")
    picture = lambda line: tag("svg", sample(line), width=26, height=8, aria_hidden="true")
    return tag("ul", Markup("").join(tag("li", picture(line) + line.name) for line in lines), class_="legend")


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
    left = 12 + 6.9 * max(map(len, rows), default=0) + (18 if y_label else 0)
    longest = max(map(len, columns), default=0)
    below = (4.1 * longest + 14 if longest > 4 else 18 * bool(columns)) + 20 * bool(x_label)
    width, height = left + w * values.shape[1] + 24, h * values.shape[0] + below + 6
    ground = tag("rect", x=left, y=4, width=w * values.shape[1], height=h * values.shape[0], fill=shade(0))
    tipped = tip and values.size <= MOST_TITLED
    cells = [
        tag(
            "rect", tag("title", tip(r, c)) if tipped else "", x=f"{left + c * w:.1f}", y=f"{4 + r * h:.1f}",
            width=f"{w:g}", height=f"{h:g}", fill=shade(values[r, c] / high),
        )
        for r, c in zip(*np.nonzero(values))
    ]  # fmt: skip
    parts = [tag("g", Markup("").join([ground, *cells]), class_="cells")]
    parts += _row_labels(rows, left, h) + _column_labels(columns, left, 4 + h * values.shape[0], w, column_step)
    if text:
        parts += _cell_texts(values, left, w, h, high, text)
    middle = (left + w * values.shape[1] / 2, 4 + h * values.shape[0] / 2)
    parts += _axis_labels(x_label, y_label, middle[0], height - 4, middle[1])
    return figure(width, height, parts, alt)


def _text(content: object, x: float, y: float, kind: str, **attributes: str) -> str:
    return tag("text", content, class_=kind, x=f"{x:.1f}", y=f"{y:.1f}", **attributes)


def _axis_labels(x_label: str, y_label: str, across: float, bottom: float, up: float) -> list[str]:
    """What the axes count: below the middle `across`, and turned at the left of the middle `up`."""
    labels = [_text(x_label, across, bottom, "axis mid")] if x_label else []
    return labels + ([_text(y_label, 13, up, "axis mid", transform=f"rotate(-90 13 {up:.1f})")] if y_label else [])


def _row_labels(rows: Sequence[str], left: float, h: float) -> list[str]:
    return [_text(name, left - 5, 4 + (r + 0.5) * h + 4, "tick end") for r, name in enumerate(rows)]


def _column_labels(columns: Sequence[str], left: float, top: float, w: float, step: int) -> list[str]:
    slanted = max(map(len, columns), default=0) > 4
    labels = []
    for c in range(0, len(columns), step):
        x, y = left + (c + 0.5) * w, top + 14
        turned = {"transform": f"rotate(-40 {x:.1f} {y:.1f})"} if slanted else {}
        labels.append(_text(columns[c], x, y, "tick end" if slanted else "tick mid", **turned))
    return labels


def _cell_texts(
    values: np.ndarray, left: float, w: float, h: float, high: float, text: Callable[[float], str]
) -> list[str]:
    return [
        _text(
            text(value), left + (c + 0.5) * w, 4 + (r + 0.5) * h + 4, "cell mid",
            fill="#000" if value / high > 0.5 else "#fff",
        )
        for (r, c), value in np.ndenumerate(values)
    ]  # fmt: skip


def scale(high: str, low: str = "0") -> str:
    """The colours' meaning, from low to high."""
    stops = ", ".join(palette()[i] for i in range(0, 256, 51))
    bar = tag("span", class_="ramp", style=f"background:linear-gradient(90deg, {stops})")
    return tag("p", Markup("{} {} {}").format(low, bar, high), class_="scale")


def figure(width: float, height: float, parts: Sequence[str], alt: str, kind: str = "map") -> str:
    """An SVG that never grows beyond its drawn size and scrolls sideways where it would be unreadable."""
    width, height = (f"{size:.0f}" for size in (width, height))
    said = {"role": "img", "aria_label": alt}
    drawing = tag("svg", Markup("").join(parts), viewBox=f"0 0 {width} {height}", width=width, height=height, **said)
    return tag("div", drawing, class_=f"chart {kind}", tabindex=0, role="group", aria_label=alt)
