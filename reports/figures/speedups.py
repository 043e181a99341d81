"""Speedups in rows: of each library, and of every attack."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.cases import SEMI_BACKWARD
from reports.figures import marks, points, style
from reports.figures.marks import Series
from reports.figures.plot import Plot, plot
from reports.figures.points import Point, short
from reports.figures.style import DOUBLE, SCREEN, SINGLE, Theme, shown
from reports.reading.kind import USER
from semibackward_bench.grammar import counted, form

PANELS = 4
LIBRARIES = 20
RUNS = 4
ROWS = 60
PAGES = 5
"""With more attacks than these pages hold, one page shows the most and the least of them."""


def libraries(found: Sequence[Point], *, wide: bool = False) -> list[Plot]:
    """Speedup of each library, where two or more were measured on the same task.

    Args:
        found: the points of some runs.
        wide: for a screen, and not for a column of print.
    """
    wanted = [p for p in found if p.stands_in("libraries") and p.case.library != USER]
    groups = points.grouped([p for p in wanted if p.drawable], {"library", "run"})
    shared = [group for group in groups if len({p.case.library for p in group}) > 1]
    shared.sort(key=lambda group: (group[0].facet("variant") != SEMI_BACKWARD, -len(group)))
    if not shared:
        return []
    panels = [_bounded(group) for group in shared[:PANELS]]
    drawn = [p for panel in panels for p in panel]
    asked = {p.facets for p in drawn}
    settings = _settings(panels)
    tasks = {tuple(p.facets[1:-1]) for p in drawn}
    description = points.sentences(
        f"Speedup by library, {', '.join(filter(None, points.heading(drawn, ['library'])))}:"
        if len(panels) == 1
        else f"Speedup by library in {counted(len(panels), 'setting')}, {settings[0]}:",
        f"{_told(panels[0])}.",
        _left_out(
            len(shared) - len(panels),
            "other setting with several libraries is",
            "other settings with several libraries are",
        ),
        _left_out(
            sum(map(len, shared[:PANELS])) - len(drawn),
            f"comparison beyond {LIBRARIES} libraries and {RUNS} runs is",
            f"comparisons beyond {LIBRARIES} libraries and {RUNS} runs are",
        ),
        points.intervals(drawn),
        points.not_ok(
            p for p in wanted if tuple(p.facets[1:-1]) in tasks and p.facets not in asked
        ),
    )
    return [
        plot(
            "libraries",
            "Speedup of each library",
            description,
            partial(_libraries, panels, wide),
        )
    ]


def _bounded(group: Sequence[Point]) -> list[Point]:
    names = list(dict.fromkeys(p.case.library for p in group))[:LIBRARIES]
    runs = list(dict.fromkeys(p.run for p in group))[:RUNS]
    return [p for p in group if p.case.library in names and p.run in runs]


def _settings(panels: Sequence[Sequence[Point]]) -> list[str]:
    """What tells the panels apart."""
    return points.names([panel[0] for panel in panels], ["attack"], ["library", "run"])


def _told(panel: Sequence[Point]) -> str:
    ranked = sorted(panel, key=lambda p: -p.estimate)
    told = [
        f"{short(p.case.library)}{f' ({short(p.run)})' if p.run else ''} {p.estimate:.2f}"
        for p in ranked[:12]
    ]
    return ", ".join([*told, *(["…"] if len(ranked) > len(told) else [])])


def _left_out(count: int, one: str, many: str) -> str:
    return f"{counted(count, one, many)} not drawn." if count > 0 else ""


def _libraries(panels: Sequence[Sequence[Point]], wide: bool, theme: Theme) -> Figure:
    everything = [p for panel in panels for p in panel]
    names = _ranked(everything)
    runs = list(dict.fromkeys(p.run for p in everything))
    by_run = marks.numbered(runs, theme)
    by_call = marks.by_call(everything, theme)
    columns = 1 if len(panels) == 1 else 2
    rows = -(-len(panels) // columns)
    lanes = 0.14 + 0.1 * len(runs)
    figure = Figure(
        figsize=(
            DOUBLE if columns > 1 else SCREEN if wide else SINGLE,
            0.15 + rows * (0.45 + lanes * len(names)),
        ),
        layout="constrained",
    )
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for at, panel, setting in zip(axes, panels, _settings(panels), strict=False):
        _panel(at, panel, names, runs, by_run if len(runs) > 1 else by_call, theme)
        if len(panels) > 1:
            at.set_title(shown(setting, 54))
    for at in axes[len(panels) :]:
        at.remove()
    ends = [end for p in everything for end in p.interval or ()]
    style.speedup_axis(axes[0].xaxis, [p.estimate for p in everything], ends)
    for at in axes[max(0, len(panels) - columns) : len(panels)]:
        at.set_xlabel("speedup")
        at.tick_params(labelbottom=True)
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    style.titled(figure, "Speedup by library", *points.heading(everything, ["library"]))
    series = by_run if len(runs) > 1 else list(by_call.values())
    style.keyed(figure, marks.keys(series, everything, theme), 4 if wide else columns)
    return figure


def _ranked(found: Sequence[Point]) -> list[str]:
    """Libraries, the one that gains most first."""
    gains: dict[str, list[float]] = {}
    for p in found:
        gains.setdefault(p.case.library, []).append(p.estimate)
    return sorted(gains, key=lambda library: -statistics.median(gains[library]))


def _panel(
    axes: Axes,
    panel: Sequence[Point],
    names: Sequence[str],
    runs: Sequence[str],
    series: list[Series] | dict[str, Series],
    theme: Theme,
) -> None:
    style.reference_lines(axes, theme)
    style.named_rows(axes, range(len(names)), names, 20)
    there = [run for run in runs if any(p.run == run for p in panel)]
    for number in range(len(series)):
        if isinstance(series, dict):
            call, look = list(series.items())[number]
            some = [p for p in panel if p.call == call]
        else:
            look = series[number]
            some = [p for p in panel if p.run == runs[number]]
        places = [names.index(p.case.library) + _lane(there.index(p.run), len(there)) for p in some]
        marks.estimates(axes, some, places, look, theme, sideways=True)


def _lane(number: int, count: int) -> float:
    """How far from the middle of its row one of several marks lies."""
    return 0.0 if count == 1 else 0.36 * (number / (count - 1) - 0.5)


def attacks(found: Sequence[Point]) -> list[Plot]:
    """A forest plot: every attack, sorted by speedup."""
    wanted = [p for p in found if p.stands_in("attacks")]
    ranked = sorted((p for p in wanted if p.drawable), key=lambda p: -p.estimate)
    if not ranked:
        return []
    gap = len(ranked) - ROWS if len(ranked) > ROWS * PAGES else 0
    if gap:
        half = ROWS // 2
        pages = [(0, [*ranked[:half], *ranked[-half:]])]
    else:
        size = -(-len(ranked) // -(-len(ranked) // ROWS))  # pages of the same length, about
        pages = [(start, ranked[start : start + size]) for start in range(0, len(ranked), size)]
    middle = points.medians(ranked, [p.estimate for p in ranked])
    named = iter(points.names([p for _, some in pages for p in some], ["library", "attack"]))
    plots = []
    for number, (start, some) in enumerate(pages, 1):
        labels = list(itertools.islice(named, len(some)))
        which = "" if len(pages) == 1 else f" {start + 1} to {start + len(some)} of {len(ranked)}"
        description = points.sentences(
            f"{_range(some, labels, which)}; the median of all {len(ranked)} is {middle}."
            if len(ranked) > 1
            else f"Speedup of the one attack: {middle} ({labels[0]}).",
            f"Coloured by how gradients are asked for: {_calls(some)}.",
            f"{gap} in the middle {form(gap, 'is', 'are')} not drawn." if gap else "",
            points.intervals(some),
            points.not_ok(wanted),
        )
        plots.append(
            plot(
                "attacks" if len(pages) == 1 else f"attacks-{number}",
                f"Attacks by speedup{which and f',{which}'}",
                description,
                partial(_forest, some, labels, ranked, which, gap),
            )
        )
    return plots


def _range(some: Sequence[Point], labels: Sequence[str], which: str) -> str:
    return (
        f"Attacks{which} sorted by speedup, from {some[0].estimate:.2f} ({labels[0]}) to"
        f" {some[-1].estimate:.2f} ({labels[-1]})"
    )


def _calls(some: Sequence[Point]) -> str:
    gains: dict[str, list[float]] = {}
    for p in some:
        gains.setdefault(style.call_style(p.call, style.LIGHT)[2], []).append(p.estimate)
    return "; ".join(
        f"{name} {len(found)}, {min(found):.2f} to {max(found):.2f}"
        for name, found in gains.items()
    )


def _forest(
    some: Sequence[Point],
    names: Sequence[str],
    ranked: Sequence[Point],
    which: str,
    gap: int,
    theme: Theme,
) -> Figure:
    half = len(some) // 2 if gap else len(some)
    # The rows after the gap lie two lower, and what is missing is said in between.
    rows = [row if row < half else row + 2 for row in range(len(some))]
    figure = Figure(figsize=(DOUBLE, 0.5 + 0.135 * (rows[-1] + 1)), layout="constrained")
    axes = figure.add_subplot()
    style.reference_lines(axes, theme)
    series = marks.by_call(some, theme)
    for call, look in series.items():
        chosen = [(row, p) for row, p in zip(rows, some, strict=True) if p.call == call]
        marks.estimates(
            axes, [p for _, p in chosen], [row for row, _ in chosen], look, theme, sideways=True
        )
    ends = [end for p in ranked for end in p.interval or ()]
    style.speedup_axis(axes.xaxis, [p.estimate for p in ranked], ends)
    style.named_rows(axes, rows, names, 52)
    axes.set_ylim(rows[-1] + 0.7, -0.7)
    axes.set_xlabel("speedup")
    if gap:
        axes.text(
            0.5,
            half + 0.5,
            f"{gap} more between {some[half - 1].estimate:.2f} and {some[half].estimate:.2f}"
            f" {form(gap, 'is', 'are')} not drawn",
            transform=axes.get_yaxis_transform(),
            ha="center",
            va="center",
            backgroundcolor=theme.paper,
        )
    style.titled(
        figure,
        f"Attacks by speedup{which and f',{which}'}",
        *points.heading(ranked, ["library", "attack"]),
    )
    style.keyed(figure, marks.keys(list(series.values()), some, theme), 3)
    return figure
