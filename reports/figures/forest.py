"""The plot that opens a page: every speedup with its interval, a row each, or many to a row."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.records.reading import Run
from reports.figures import marks, points, style
from reports.figures.marks import Series
from reports.figures.plot import Plot, plot
from reports.figures.points import Point
from reports.figures.style import DOUBLE, SINGLE, Theme
from reports.reading import levels, numbers
from semibackward_bench import grammar

ALONE = 32
"""Comparisons that have a row each; of more, those of one library share a row."""
GROUPS = 24
"""Rows that more than those are put into."""
IN_A_ROW = 48
"""Marks that a row bears."""
FEW = 12
"""Rows up to which runs are told apart."""
_TOGETHER = ("library", "training", "level", "variant", "run")
"""What comparisons that share a row have in common; of many rows, the run is not."""
_LETTERS = 56
"""Of a row's name."""
_SPREAD, _SPREAD_BELOW = 0.38, 0.29
"""How far from the middle of its row the outermost of several marks lie; below a name, less."""


@dataclass(frozen=True)
class Opening:
    """The first plot of a page.

    Attributes:
        wide: for a desktop.
        narrow: the same for a phone.
        what: what all of it is of, and how it was measured, in words; "" where nothing is common.
        repeats: the names of the plots that would show the same again.
    """

    wide: Plot
    narrow: Plot
    what: str
    repeats: frozenset[str]

    @property
    def drawn(self) -> tuple[tuple[str, Plot], ...]:
        """Both, by which they are."""
        return ("wide", self.wide), ("narrow", self.narrow)


@dataclass(frozen=True)
class _Line:
    """A row of the plot: a comparison, or several from the largest speedup to the smallest."""

    name: str
    points: tuple[Point, ...]

    @property
    def median(self) -> float:
        return statistics.median(p.estimate for p in self.points)


def opening(runs: Sequence[Run]) -> Opening | None:
    """What opens a page of some runs, not yet drawn; None where no comparison has a speedup."""
    every = points.collect(runs)
    ranked = sorted((p for p in every if p.drawable), key=lambda p: -p.estimate)
    if not ranked:
        return None
    alone = len(ranked) <= ALONE
    lines = _alone(ranked) if alone else _together(ranked)
    shown = lines if alone else _largest(lines)
    told = points.sentences(_said(ranked, shown, len(lines)), points.not_ok(every))
    wide, narrow = (
        plot(name, "Speedups", told, partial(_drawn, shown, width))
        for name, width in (("opening", DOUBLE), ("opening-narrow", SINGLE))
    )
    what = "; ".join(filter(None, points.heading(ranked, ["library"])))
    return Opening(wide, narrow, what, _repeated(ranked) if alone else frozenset())


def _repeated(ranked: Sequence[Point]) -> frozenset[str]:
    """The forest of attacks; libraries beside each other, where nothing else tells points apart."""
    by_library = set(points.varying(ranked)) <= {"library"}
    return frozenset(["attacks", *(["libraries"] if by_library else [])])


def _alone(ranked: Sequence[Point]) -> list[_Line]:
    told = points.varying(ranked)
    first = [name for name in ("library", "attack") if name in told] or ["library", "attack"]
    names = points.names(ranked, first)
    return [_Line(name, (p,)) for name, p in zip(names, ranked, strict=True)]


def _together(ranked: Sequence[Point]) -> list[_Line]:
    """By library and variant, the row whose median is largest first."""
    for common in (_TOGETHER, _TOGETHER[:-1]):
        apart = set(points.NAMES) - set(common)
        groups = points.grouped(ranked, apart)
        if len(groups) <= FEW:
            break
    names = points.names([group[0] for group in groups], ["library"], apart)
    lines = [
        _Line(f"{name} ({len(group)})", tuple(group))
        for name, group in zip(names, groups, strict=True)
    ]
    return sorted(lines, key=lambda line: -line.median)


def _largest(lines: Sequence[_Line]) -> list[_Line]:
    kept = sorted(lines, key=lambda line: -len(line.points))[:GROUPS]
    return [line for line in lines if line in kept]


def _said(ranked: Sequence[Point], shown: Sequence[_Line], lines: int) -> str:
    """What is seen, in words."""
    if len(ranked) <= ALONE:
        said = [f"{line.name} {numbers.ratio(line.points[0].record.speedup)}" for line in shown]
        return points.sentences(f"{', '.join(said)}.", points.intervals(ranked))
    drawn = [p for line in shown for p in line.points]
    rows = [f"{line.name} {line.median:.2f}" for line in shown]
    most = any(len(line.points) > IN_A_ROW for line in shown)
    left = lines - len(shown)
    return points.sentences(
        f"{grammar.counted(len(drawn), 'speedup')}, a row for each library, in brackets how many;"
        f" the line across a row is its median: {', '.join(rows)}.",
        f"Of a row with more than {IN_A_ROW}, so many are drawn, from the largest to the smallest."
        if most
        else "",
        f"{left} more {'row is' if left == 1 else 'rows are'} not drawn." if left else "",
        points.intervals(drawn),
    )


def _drawn(lines: Sequence[_Line], width: float, theme: Theme) -> Figure:
    everything = [p for line in lines for p in line.points]
    several, narrow = len(lines) < len(everything), width == SINGLE
    spread = _SPREAD_BELOW if narrow else _SPREAD
    row = (0.3 if several else 0.17) + (0.2 if narrow else 0)
    figure = Figure(figsize=(width, 0.4 + row * len(lines)), layout="constrained")
    axes = figure.add_subplot()
    style.reference_lines(axes, theme)
    if narrow:
        _named_above(axes, lines, theme)
    else:
        style.named_rows(axes, range(len(lines)), [line.name for line in lines], _LETTERS)
    series = marks.by_call(everything, theme)
    with mpl.rc_context({"lines.markersize": 2.6 if several else 4.5}):
        for call, look in series.items():
            some = [found for row, line in enumerate(lines) for found in _places(row, line, spread)]
            _mark(axes, [found for found in some if found[0].call == call], look, theme, several)
    ends = [end for p in everything for end in p.interval or ()]
    style.speedup_axis(axes.xaxis, [p.estimate for p in everything], ends)
    axes.set_ylim(len(lines) - 0.5, -0.85 if narrow else -0.55)
    axes.set_xlabel("speedup")
    keys = marks.keys(list(series.values()), everything, theme)
    if several:
        keys.append(_medians(axes, lines, spread + 0.06, theme))
    else:
        _numbers(axes, lines, wide=not narrow)
    style.keyed(figure, keys, 2 if narrow else 4)
    return figure


def _mark(
    axes: Axes, placed: Sequence[tuple[Point, float]], look: Series, theme: Theme, faint: bool
) -> None:
    some, rows = [p for p, _ in placed], [row for _, row in placed]
    marks.estimates(axes, some, rows, look, theme, sideways=True, faint=faint, outlined=not faint)


def _named_above(axes: Axes, lines: Sequence[_Line], theme: Theme) -> None:
    """The names of rows over them, where there is no room at their left."""
    style.named_rows(axes, range(len(lines)), [""] * len(lines), 0)
    for row, line in enumerate(lines):
        axes.text(
            0.01,
            row - 0.48,
            style.shown(line.name, _LETTERS),
            transform=axes.get_yaxis_transform(),
            va="center",
            bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 0.8},
        )


def _places(row: int, line: _Line, spread: float) -> list[tuple[Point, float]]:
    """The marks of a row, each a little lower than the one before."""
    kept = [line.points[at] for at in points.spread_evenly(len(line.points), IN_A_ROW)]
    step = 2 * spread / max(len(kept) - 1, 1)
    first = row - spread if len(kept) > 1 else row
    return [(p, first + step * number) for number, p in enumerate(kept)]


def _medians(axes: Axes, lines: Sequence[_Line], half: float, theme: Theme) -> Line2D:
    """A line across each row at its median; the key for it."""
    rows = range(len(lines))
    axes.vlines(
        [line.median for line in lines],
        [row - half for row in rows],
        [row + half for row in rows],
        color=theme.ink,
        linewidth=1.2,
        zorder=4,
    )
    return Line2D([], [], color=theme.ink, linewidth=1.2, label="median of the row")


def _numbers(axes: Axes, lines: Sequence[_Line], *, wide: bool) -> None:
    """Each speedup in figures at the right of its row, with its interval where there is room."""
    for row, line in enumerate(lines):
        found = line.points[0].record
        whole = wide and line.points[0].interval is not None
        told = numbers.with_interval(found.speedup) if whole else numbers.ratio(found.speedup)
        axes.text(
            1.015,
            row,
            levels.beside(told, found),
            transform=axes.get_yaxis_transform(),
            va="center",
        )
