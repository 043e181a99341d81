"""The measured speedup against the one that counted operations predict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.cases import FORWARD_ONLY
from reports.figures import marks, points, style
from reports.figures.marks import Series
from reports.figures.plot import Plot, plot
from reports.figures.points import Point
from reports.figures.style import SINGLE, Theme
from semibackward_bench.grammar import counted, form

MANY = 500
"""More points than this are counted in cells, a mark for each."""
CELLS = 40
NEAR = 0.1
"""Share by which measured and predicted may differ and still count as near."""


def prediction(point: Point) -> float | None:
    """The speedup that counted operations predict; None without a count."""
    found = point.record.theory or {}
    value = found.get("speedup")
    if found.get("basis") != "flops" or not isinstance(value, float):
        return None
    return value if math.isfinite(value) and value > 0 else None


def predicted(found: Sequence[Point]) -> list[Plot]:
    """Measured against predicted, a point for each comparison that has both."""
    # Inference mode leaves out bookkeeping; operations say nothing about that.
    wanted = [p for p in found if p.record.variant != FORWARD_ONLY]
    pairs = [(p, value) for p in wanted if p.drawable and (value := prediction(p)) is not None]
    if not pairs:
        return []
    ratios = [p.estimate / value for p, value in pairs]
    middle = points.medians([p for p, _ in pairs], ratios)
    near = sum(1 - NEAR <= ratio <= 1 + NEAR for ratio in ratios)
    uncounted = sum(p.drawable for p in wanted) - len(pairs)
    description = points.sentences(
        f"Measured speedup against the one that counted operations predict,"
        f" {counted(len(pairs), 'comparison')}: {near} {form(near, 'lies', 'lie')} within"
        f" {100 * NEAR:.0f} % of the diagonal; measured over predicted is"
        f" {middle} in the median, {min(ratios):.2f} to {max(ratios):.2f}.",
        f"{uncounted} whose operations were not counted {form(uncounted, 'is', 'are')} not drawn."
        if uncounted
        else "",
        f"So many are drawn by cells; a mark's area grows with their number, {len(pairs)} in all."
        if len(pairs) > MANY
        else points.intervals(p for p, _ in pairs),
        points.not_ok(wanted),
    )
    return [
        plot(
            "predicted",
            "Measured against predicted speedup",
            description,
            partial(_predicted, pairs),
        )
    ]


def _predicted(pairs: Sequence[tuple[Point, float]], theme: Theme) -> Figure:
    everything = [p for p, _ in pairs]
    many = len(pairs) > MANY
    figure = Figure(figsize=(SINGLE, 3.0), layout="constrained")
    axes = figure.add_subplot()
    ends = [] if many else [end for p in everything for end in p.interval or ()]
    style.speedup_axis(axes.xaxis, [value for _, value in pairs])
    style.speedup_axis(axes.yaxis, [p.estimate for p in everything], ends)
    line = numpy.array(axes.get_xlim())
    axes.fill_between(
        line, line * (1 - NEAR), line * (1 + NEAR), color=theme.faint, linewidth=0, zorder=0
    )
    axes.plot(line, line, color=theme.muted, linewidth=0.8, zorder=1)
    series = marks.by_call(everything, theme)
    for call, look in series.items():
        some = [(p, value) for p, value in pairs if p.call == call]
        if many:
            _cells(axes, some, look, theme)
        else:
            marks.estimates(
                axes, [p for p, _ in some], [v for _, v in some], look, theme, faint=True
            )
    axes.set_xlabel("predicted by counted operations")
    axes.set_ylabel("measured speedup")
    style.titled(figure, "Measured against predicted speedup", *points.heading(everything))
    handles = marks.keys(list(series.values()), [] if many else everything, theme, ceiling=False)
    diagonal = f"as predicted, ±{100 * NEAR:.0f} %"
    style.keyed(figure, [*handles, Line2D([], [], color=theme.muted, label=diagonal)], 2)
    return figure


def _cells(axes: Axes, some: Sequence[tuple[Point, float]], look: Series, theme: Theme) -> None:
    """A mark in the middle of each cell that holds points, its area as their number."""
    across = numpy.log([value for _, value in some])
    up = numpy.log([p.estimate for p, _ in some])
    counts, lefts, bottoms = numpy.histogram2d(across, up, bins=CELLS)
    columns, rows = counts.nonzero()
    number = counts[columns, rows]
    axes.scatter(
        numpy.exp((lefts[columns] + lefts[columns + 1]) / 2),
        numpy.exp((bottoms[rows] + bottoms[rows + 1]) / 2),
        s=4 + 60 * number / number.max(),
        marker=look.marker,
        facecolor=look.colour,
        edgecolor=theme.ink,
        linewidth=0.4,
        zorder=3,
    )
