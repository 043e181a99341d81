"""Every sample in the order it was taken, to see drift, outliers and what processes differ by."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bench.records.types import ComparisonRecord
from reports.figures import points, style
from reports.figures.plot import Plot, plot
from reports.figures.points import Point
from reports.figures.style import DOUBLE, Theme, shown
from semibackward_bench.grammar import counted

PANELS = 6
FEWEST = 3
"""Blocks from which a drift could be seen."""
EACH = 60
"""Blocks whose samples are drawn one by one; of more, the means."""
MOST = 400
"""Blocks drawn of one comparison."""


@dataclass(frozen=True)
class Series:
    """The samples of one comparison, block by block.

    Attributes:
        baseline, variant: seconds of the two runs of each block; of a case in several parts, over
            the median of the baseline's on the same part.
        processes: the number of each block's process.
        outliers, repeated: the blocks that are so labelled.
        relative: whether they are over a median, not seconds.
    """

    baseline: list[tuple[float, float]]
    variant: list[tuple[float, float]]
    processes: list[int]
    outliers: list[int]
    repeated: list[int]
    relative: bool


def in_blocks(record: ComparisonRecord) -> bool:
    """Whether there are enough blocks, and two samples of each variant for each."""
    count = len(record.order)
    sides = [record.seconds.get(name, []) for name in (record.baseline, record.variant)]
    return (
        count >= FEWEST
        and all(len(samples) == 2 * count for samples in sides)
        and len(record.processes) in (0, count)
    )


def series(record: ComparisonRecord) -> Series:
    """The samples of a comparison that is `in_blocks`."""
    count = len(record.order)
    found = [record.seconds[name] for name in (record.baseline, record.variant)]
    baseline, variant = (list(zip(some[::2], some[1::2], strict=True)) for some in found)
    relative = len(record.parts) == count
    if relative:
        of_part: dict[int, list[float]] = {}
        for part, pair in zip(record.parts, baseline, strict=True):
            of_part.setdefault(part, []).extend(pair)
        scales = [statistics.median(of_part[part]) or 1.0 for part in record.parts]
        baseline, variant = (
            [(a / scale, b / scale) for (a, b), scale in zip(side, scales, strict=True)]
            for side in (baseline, variant)
        )
    outliers = record.diagnosis.outliers if record.diagnosis else []
    return Series(
        baseline,
        variant,
        record.processes or [0] * count,
        [index for index in outliers if 0 <= index < count],
        [index for index in record.repeated if 0 <= index < count],
        relative,
    )


def over_time(found: Sequence[Point]) -> list[Plot]:
    """The samples of the comparisons that drifted most."""
    there = [p for p in found if p.drawable and in_blocks(p.record)]
    if not there:
        return []
    # The order of measuring where all are drawn.
    chosen = sorted(there, key=lambda p: -abs(_drift(p) or 0.0))[:PANELS]
    drawn = [(p, series(p.record)) for p in (chosen if len(there) > PANELS else there)]
    names = points.names([p for p, _ in drawn], ["library", "attack"])
    told = "; ".join(
        f"{name}: {counted(len(told.processes), 'block')}{_drifted(p)},"
        f" {counted(len(told.outliers), 'outlier')},"
        f" {len(told.repeated)} repeated"
        for name, (p, told) in zip(names, drawn, strict=True)
    )
    description = points.sentences(
        f"Time of every run, block after block, both variants: {told}.",
        f"Of {counted(len(there), 'comparison')} the {PANELS} that drifted most are drawn."
        if len(there) > PANELS
        else "",
        points.not_ok(found),
    )
    return [
        plot(
            "samples",
            "Samples in the order they were taken",
            description,
            partial(_over_time, drawn, names),
        )
    ]


def _drift(point: Point) -> float | None:
    found = point.record.diagnosis
    return None if found is None else found.drift


def _drifted(point: Point) -> str:
    drift = _drift(point)
    return "" if drift is None else f", drift {100 * math.expm1(drift):+.0f} %"


def _over_time(drawn: Sequence[tuple[Point, Series]], names: Sequence[str], theme: Theme) -> Figure:
    columns = 1 if len(drawn) == 1 else 2
    rows = -(-len(drawn) // columns)
    figure = Figure(figsize=(DOUBLE, 0.2 + 1.55 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (_, found), name in zip(panels, drawn, names, strict=False):
        _panel(axes, found, theme)
        axes.set_title(shown(name, 58))
    for axes in panels[len(drawn) :]:
        axes.remove()
    for axes in panels[max(0, len(drawn) - columns) : len(drawn)]:
        axes.set_xlabel("block")
    everything = [p for p, _ in drawn]
    style.titled(
        figure,
        "Samples in the order they were taken",
        *points.heading(everything, ["library", "attack"]),
    )
    style.keyed(figure, _keys(drawn, theme), 3)
    return figure


def _panel(axes: Axes, found: Series, theme: Theme) -> None:
    count = len(found.processes)
    marked = {*found.outliers, *found.repeated}
    blocks = sorted({*points.spread_evenly(count, MOST), *sorted(marked)[:MOST]})
    _shaded(axes, found.processes, theme)
    for side, colour, marker in (
        (found.baseline, theme.blue, "o"),
        (found.variant, theme.orange, "s"),
    ):
        if count <= EACH:
            at = [block for block in blocks for _ in (0, 1)]
            seconds = [sample for block in blocks for sample in side[block]]
        else:
            at, seconds = blocks, [statistics.fmean(side[block]) for block in blocks]
        axes.plot(
            at,
            seconds,
            linestyle="",
            marker=marker,
            markersize=2.6 if count <= EACH else 2.0,
            color=colour,
            markeredgecolor=theme.ink,
            markeredgewidth=0.3,
        )
    axes.margins(y=0.14)
    top = 0.96  # of the axes: above every sample
    for some, marker in ((found.outliers, "v"), (found.repeated, "x")):
        if not some:
            continue  # without a place, the layout would fail
        axes.plot(
            some,
            [top] * len(some),
            linestyle="",
            marker=marker,
            markersize=3.5,
            color=theme.vermilion,
            markeredgewidth=0.8,
            transform=axes.get_xaxis_transform(),
        )
    axes.set_xlim(-0.8, count - 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_ylabel("over the median\nof the sentence" if found.relative else "seconds")


def _shaded(axes: Axes, processes: Sequence[int], theme: Theme) -> None:
    """Every other process on a grey ground."""
    edges = [0, *(i for i in range(1, len(processes)) if processes[i] != processes[i - 1])]
    for number, (start, end) in enumerate(zip(edges, [*edges[1:], len(processes)], strict=True)):
        if number % 2:
            axes.axvspan(start - 0.5, end - 0.5, color=theme.faint, linewidth=0, zorder=0)


def _keys(drawn: Sequence[tuple[Point, Series]], theme: Theme) -> list[Line2D | Patch]:
    def mark(colour: str, marker: str, label: str, edge: str) -> Line2D:
        return Line2D(
            [], [], linestyle="", color=colour, marker=marker, label=label, markeredgecolor=edge
        )

    baseline, variant = points.ways_of([p for p, _ in drawn])
    found: list[Line2D | Patch] = [
        mark(theme.blue, "o", baseline, theme.ink),
        mark(theme.orange, "s", variant, theme.ink),
    ]
    if any(told.outliers for _, told in drawn):
        found.append(mark(theme.vermilion, "v", "outlier, counted", theme.vermilion))
    if any(told.repeated for _, told in drawn):
        found.append(mark(theme.vermilion, "x", "run again, not counted", theme.vermilion))
    if any(len(set(told.processes)) > 1 for _, told in drawn):
        found.append(Patch(facecolor=theme.faint, label="every other process"))
    if any(len(told.processes) > EACH for _, told in drawn):
        found.append(Line2D([], [], linestyle="", label=f"beyond {EACH} blocks: their means"))
    return found
