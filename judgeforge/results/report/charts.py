"""Where the parts of a chart lie, in the units of its view box. Pure; the template draws them.

No text is ever put into markup here: labels are values, and escaped like all others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from judgeforge.results.figures.distribution import Histogram

WIDTH, HEIGHT = 640, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 12, 12, 20, 26
_GAP = 1.5
_ROW, _ROW_GAP, _LABELS, _FIGURES = 20, 6, 210, 110


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    count: int
    label: str
    """What the bar stands for, in words."""


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Columns:
    """A histogram. The height of a bar is proportional to its count; the highest is full."""

    width: int
    height: int
    baseline: float
    bars: tuple[Bar, ...]
    others: tuple[Bar, ...]
    """A second histogram over the same bins and scale, beside the first."""
    labels: tuple[Label, ...]
    marker: Label | None


@dataclass(frozen=True, slots=True)
class Line:
    y: float
    width: float
    """Of the bar."""
    label: str
    figure: str
    faint: bool


@dataclass(frozen=True, slots=True)
class Lines:
    """Horizontal bars with their names. The width of a bar is proportional to its value."""

    width: int
    height: int
    thickness: int
    left: int
    lines: tuple[Line, ...]


def columns(
    histogram: Histogram,
    name: Callable[[float], str],
    *,
    other: Histogram | None = None,
    label_every: int = 2,
    marker: tuple[float, str] | None = None,
) -> Columns:
    """``name`` writes an edge of a bin; ``marker`` is a vertical line at a value, with its name."""
    edges = histogram.edges
    most = max(1, *histogram.counts, *(other.counts if other else ()))
    step = (WIDTH - _LEFT - _RIGHT) / len(histogram.counts)
    part = step / 2 if other else step

    def place(value: float) -> float:
        return round(
            _LEFT + (value - edges[0]) / (edges[-1] - edges[0]) * (WIDTH - _LEFT - _RIGHT), 1
        )

    def bars(counts: Sequence[int], shift: float) -> tuple[Bar, ...]:
        full = HEIGHT - _TOP - _BOTTOM
        return tuple(
            Bar(
                x=round(_LEFT + number * step + shift + _GAP / 2, 1),
                y=round(HEIGHT - _BOTTOM - full * count / most, 2),
                width=round(part - _GAP, 1),
                height=round(full * count / most, 2),
                count=count,
                label=f"{name(edges[number])} to {name(edges[number + 1])}",
            )
            for number, count in enumerate(counts)
            if count
        )

    return Columns(
        width=WIDTH,
        height=HEIGHT,
        baseline=HEIGHT - _BOTTOM,
        bars=bars(histogram.counts, 0.0),
        others=bars(other.counts, part) if other else (),
        labels=tuple(Label(place(edge), name(edge)) for edge in edges[::label_every]),
        marker=Label(place(marker[0]), marker[1]) if marker else None,
    )


def lines(values: Sequence[tuple[str, float, str, bool]]) -> Lines:
    """``values``: name, value, the value in words, and whether the bar is a faint one."""
    most = max((value for _, value, _, _ in values), default=0.0) or 1.0
    room = WIDTH - _LABELS - _FIGURES
    return Lines(
        width=WIDTH,
        height=len(values) * (_ROW + _ROW_GAP),
        thickness=_ROW,
        left=_LABELS,
        lines=tuple(
            Line(
                y=number * (_ROW + _ROW_GAP),
                width=round(room * value / most, 1),
                label=label,
                figure=figure,
                faint=faint,
            )
            for number, (label, value, figure, faint) in enumerate(values)
        ),
    )
