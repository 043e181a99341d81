"""Time by stage drawn: seconds of the original and of semi-backward beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bench.cases import BASELINE, SEMI_BACKWARD
from bench.kinds.pruning.options import PruningOptions
from reports.figures import points, style
from reports.figures.plot import Plot, plot
from reports.figures.points import Point
from reports.figures.style import SCREEN, Theme, shown
from reports.kinds.pruning.timing import family
from reports.kinds.pruning.words import (
    is_attacked,
    network,
    options,
    place,
    stage,
    stage_rank,
    where,
)
from reports.reading import ceilings, levels, numbers
from semibackward_bench.grammar import counted, form

GROUPS = 6
"""Networks with a figure of their own."""
ROWS = 24
"""Stages in one figure."""
_ROW = 0.3
"""Inches that a stage takes."""


def of(found: Sequence[Point]) -> list[Plot]:
    """A figure for each network and batch.

    Args:
        found: all points of a report.
    """
    wanted = [
        point
        for point in found
        if isinstance(point.case.options, PruningOptions) and point.record.variant == SEMI_BACKWARD
    ]
    groups: dict[tuple[object, ...], list[Point]] = {}
    for point in wanted:
        key = (point.facet("run"), *family(point.case), *place(point.case))
        groups.setdefault(key, []).append(point)
    drawn = [group for group in groups.values() if any(map(_both, group))]
    left = max(0, len(drawn) - GROUPS)
    more = f"{counted(left, 'other network is', 'other networks are')} not drawn." if left else ""
    return [_plot(group, number, more) for number, group in enumerate(drawn[:GROUPS], 1)]


def _both(point: Point) -> tuple[float, float] | None:
    """Median seconds of the original and of the variant."""
    if not point.drawable:
        return None
    found = [ceilings.median(point.record, way) for way in (BASELINE, SEMI_BACKWARD)]
    return (found[0], found[1]) if found[0] and found[1] else None


def _plot(group: Sequence[Point], number: int, more: str) -> Plot:
    first = group[0]
    size = counted(first.case.batch, "image")
    setting = "; ".join(
        filter(None, (network(first.case), size, where(first.case), first.facet("run")))
    )
    timed = sorted((point for point in group if _both(point)), key=_rank)
    kept = [timed[index] for index in points.spread_evenly(len(timed), ROWS)]
    left = len(timed) - len(kept)
    description = points.sentences(
        f"Seconds of each stage, original and semi-backward, {setting}:"
        f" {'; '.join(f'{_name(point)} {_seconds(point)}, {_gain(point)}' for point in kept)}.",
        f"{counted(left, 'stage')} in between {form(left, 'is', 'are')} not drawn." if left else "",
        points.not_ok(group),
        more,
    )
    paint = partial(_paint, kept, setting)
    return plot(f"pruning-stages-{number}", f"Time by stage: {setting}", description, paint)


def _rank(point: Point) -> tuple[object, ...]:
    found = options(point.case)
    told = (*stage_rank(point.case.attack), found.percent or 0.0)
    return *told, found.inside, found.steps


def _name(point: Point) -> str:
    told = [stage(point.case)]
    if is_attacked(point.case):
        told += [options(point.case).inside]
        usual = PruningOptions.__dataclass_fields__["steps"].default
        steps = options(point.case).steps
        told += [] if steps == usual else [counted(steps, "step")]
    return ", ".join(told)


def _seconds(point: Point) -> str:
    before, after = _both(point) or (0.0, 0.0)
    return f"{numbers.significant(before)} → {numbers.significant(after)} s"


def _gain(point: Point) -> str:
    return levels.beside(f"{numbers.ratio(point.record.speedup)}×", point.record)


def _paint(kept: Sequence[Point], setting: str, theme: Theme) -> Figure:
    figure = Figure(figsize=(SCREEN, 0.65 + _ROW * len(kept)), layout="constrained")
    axes = figure.add_subplot()
    most = 0.0
    for at, point in enumerate(kept):
        both = _both(point) or (0.0, 0.0)
        most = max(most, *both)
        for aside, seconds, colour in zip((-0.2, 0.2), both, _colours(theme), strict=True):
            axes.barh(at + aside, seconds, 0.36, color=colour, linewidth=0)
        _beside(axes, at, max(both), f"{_seconds(point)}, {_gain(point)}", theme)
    axes.set_yticks(range(len(kept)), [shown(_name(point), 40) for point in kept])
    axes.tick_params(axis="y", left=False)
    axes.set_ylim(len(kept) - 0.4, -0.6)
    axes.set_xlim(0, most * 1.75)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, axis="x")
    axes.set_xlabel("seconds")
    style.titled(figure, "Time by stage", setting)
    names = (BASELINE, SEMI_BACKWARD)
    keys = [Patch(color=c, label=n) for c, n in zip(_colours(theme), names, strict=True)]
    style.keyed(figure, keys, 2)
    return figure


def _colours(theme: Theme) -> tuple[str, str]:
    """Of the original, and of semi-backward."""
    return theme.muted, theme.blue


def _beside(axes: Axes, at: int, end: float, text: str, theme: Theme) -> None:
    """What a pair of bars comes to, behind them."""
    axes.annotate(
        text,
        (end, at),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=6.5,
        color=theme.ink,
    )
