"""Pruning drawn: accuracy against sparsity, saliency by layer, time by stage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from bench.records.reading import Run
from reports.figures import marks, points, style
from reports.figures.marks import Series
from reports.figures.plot import Plot, plot
from reports.figures.points import Point
from reports.figures.style import DOUBLE, SCREEN, Theme, shown
from reports.kinds.pruning import curves, layer_figures, measures, stage_figures
from reports.kinds.pruning.curves import Curve
from reports.kinds.pruning.measures import Pruned
from reports.kinds.pruning.words import attack_head, where
from reports.reading import places
from semibackward_bench.grammar import counted, form

GROUPS = 6
"""Networks with figures of their own."""
CURVES = len(style.MARKERS)
"""In one panel, besides the dense network's."""
_ACROSS = 3
"""Panels beside each other."""
_ASIDE = 0.06
"""How far criteria are drawn from each other, in the logarithm of what is left, so that intervals
do not hide each other."""


def of_points(found: Sequence[Point]) -> list[Plot]:
    """Seconds of each stage, with and without the trick."""
    return stage_figures.of(found)


def of_runs(runs: Sequence[Run]) -> list[Plot]:
    """Accuracy against sparsity, and saliency by layer, of each network."""
    there = places.of(runs)
    groups, scored = [], []
    for found in there:
        label = found.label if len(there) > 1 else ""
        for run in found.runs:
            groups += [(label, group) for group in curves.by_network(measures.pruned(run))]
            scored += [(label, each) for each in measures.scored(run)]
    plots = [
        _accuracy(group, number, label, _left(len(groups)))
        for number, (label, group) in enumerate(groups[:GROUPS], 1)
    ]
    for number, (label, each) in enumerate(scored[:GROUPS], 1):
        plots += layer_figures.of(each, number, label, _left(len(scored)))
    return plots


def _left(count: int) -> str:
    """That some have no figure, in words."""
    left = max(0, count - GROUPS)
    return f"{counted(left, 'other network is', 'other networks are')} not drawn." if left else ""


def _accuracy(group: Sequence[Pruned], number: int, label: str, more: str) -> Plot:
    setting = "; ".join(filter(None, (group[0].name, where(group[0].case), label)))
    found = {attack: curves.of(group, attack) for attack in measures.attacks_of(group)}
    panels = {attack: some for attack, some in found.items() if some}
    told = "; ".join(f"{attack_head(attack)}: {_told(some)}" for attack, some in panels.items())
    empty = sum(not point.left for some in panels.values() for c in some for point in c.points)
    count = max(sum(not curve.dense for curve in some) for some in panels.values())
    left = max(0, count - CURVES)
    description = points.sentences(
        f"Accuracy against the weights that are left, {setting}: {told}.",
        curves.whiskers(group),
        "Networks of which nothing is left are not drawn." if empty else "",
        f"{counted(left, 'curve')} in between {form(left, 'is', 'are')} not drawn." if left else "",
        more,
    )
    paint = partial(_panels, panels, setting)
    title = f"Accuracy against sparsity: {setting}"
    return plot(f"pruning-accuracy-{number}", title, description, paint)


def _told(some: Sequence[Curve]) -> str:
    """Each curve by its first and its last point."""
    said = []
    for curve in some:
        ends = dict.fromkeys((curve.points[0], curve.points[-1]))
        told = (f"{end.within.value:.1f} % with {end.left:.3g} % left" for end in ends)
        said.append(f"{curve.name} {' and '.join(told)}")
    return ", ".join(said)


def _panels(panels: dict[str, list[Curve]], setting: str, theme: Theme) -> Figure:
    across = min(_ACROSS, len(panels))
    rows = -(-len(panels) // across)
    width = DOUBLE if across > 1 else SCREEN
    figure = Figure(figsize=(width, 0.2 + 1.75 * rows), layout="constrained")
    grid = figure.subplots(rows, across, squeeze=False, sharey=True, sharex=True)
    looks = _looks(panels, theme)
    for axes, (attack, some) in zip(grid.flat, panels.items(), strict=False):
        _panel(axes, [(curve, looks[curve.name]) for curve in some if curve.name in looks])
        axes.set_title(shown(attack_head(attack), 30))
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_axis_off()
    for axes in list(grid.flat)[: len(panels)][-across:]:  # nothing is drawn below these
        axes.set_xlabel("weights that are left (%)")
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_ylabel("right (%)")
    _ticks(grid[0, 0], [p.left for some in panels.values() for c in some for p in c.points])
    style.titled(figure, "Accuracy against sparsity", setting)
    style.keyed(figure, [_key(look, theme) for look in looks.values()], 3 if across > 1 else 2)
    return figure


def _ticks(axes: Axes, left: Sequence[float]) -> None:
    """What is left, on a logarithmic axis that runs from dense to sparse."""
    there = [one for one in left if one > 0]
    axes.set_xscale("log")
    low, high = min(there), max(there)
    axes.set_xlim(high * 1.35, low / 1.35)
    known = sorted({float(f"{one:.2g}") for one in there})
    apart = [one for at, one in enumerate(known) if not at or one > 1.5 * known[at - 1]]
    style.fixed_ticks(axes.xaxis, [apart[i] for i in points.spread_evenly(len(apart), 6)])


def _looks(panels: dict[str, list[Curve]], theme: Theme) -> dict[str, Series]:
    """The dense network's in ink, the same criterion's the same in every panel."""
    every = {curve.name: curve for some in panels.values() for curve in some}
    others = [name for name, curve in every.items() if not curve.dense]
    kept = [others[index] for index in points.spread_evenly(len(others), CURVES)]
    dense = [Series(theme.ink, "X", name) for name, curve in every.items() if curve.dense]
    return {look.name: look for look in (*dense, *marks.numbered(kept, theme))}


def _key(look: Series, theme: Theme) -> Line2D:
    return Line2D(
        [],
        [],
        color=look.colour,
        linestyle="--" if look.marker == "X" else "-",
        marker=look.marker,
        markeredgecolor=theme.ink,
        label=shown(look.name, 44),
    )


def _panel(axes: Axes, drawn: Sequence[tuple[Curve, Series]]) -> None:
    pruned = [pair for pair in drawn if not pair[0].dense]
    for curve, look in drawn:
        at = pruned.index((curve, look)) - (len(pruned) - 1) / 2 if not curve.dense else 0.0
        there = [point for point in curve.points if point.left]
        across = [point.left * (1 + _ASIDE) ** at for point in there]
        up = [point.within.value for point in there]
        axes.vlines(
            across,
            [point.within.low for point in there],
            [point.within.high for point in there],
            color=look.colour,
            linewidth=0.8,
            zorder=2,
        )
        axes.plot(across, up, color=look.colour, marker=look.marker, zorder=3)
        if curve.dense and up:
            axes.axhline(up[0], color=look.colour, linestyle="--", linewidth=0.8, zorder=1)
    axes.grid(visible=True, axis="y")
