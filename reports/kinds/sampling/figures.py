"""Attacks by Monte-Carlo gradients drawn: seconds by N, accuracy and rewards against λ."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from bench.cases import BASELINE, SEMI_BACKWARD
from bench.kinds.sampling.options import SamplingOptions
from bench.records.reading import Run
from reports.figures import marks, points, style
from reports.figures.marks import Series
from reports.figures.plot import Plot, plot
from reports.figures.points import Point
from reports.figures.style import DOUBLE, SCREEN, Theme, shown
from reports.kinds.sampling import calibration, curves, measures
from reports.kinds.sampling.curves import Curve, Drawing, Panel
from reports.kinds.sampling.measures import told
from reports.kinds.sampling.words import NOISE, base_name, defended, options, place, where
from reports.reading import ceilings, models, numbers, places
from semibackward_bench.grammar import counted, form

GROUPS = 8
"""Networks with figures of their own."""
CURVES = len(style.MARKERS)
"""In one panel, besides the dense network's."""
_ACROSS = 3
"""Panels beside each other."""
_WIDE = 30
"""Characters in a line above a panel, and in its key."""
_BELOW = 0.4
"""Inches from axes to their key."""
_TOLD = 8
"""Panels whose numbers a description tells."""


def of_runs(runs: Sequence[Run]) -> list[Plot]:
    """Accuracy and rewards against λ, and calibration: figures 1 to 5 of the paper."""
    there = places.of(runs)
    groups, playing = [], []
    for found in there:
        label = found.label if len(there) > 1 else ""
        for run in found.runs:
            groups += [(label, group) for group in curves.by_base(measures.evaluated(run))]
            playing += [(label, group) for group in measures.grouped(measures.agents(run))]
    plots: list[Plot] = []
    left = max(0, len(groups) - GROUPS)
    more = f"{counted(left, 'other network is', 'other networks are')} not drawn." if left else ""
    for number, (label, group) in enumerate(groups[:GROUPS], 1):
        first = group[0].case
        setting = "; ".join(filter(None, (base_name(first), where(first), label)))
        plots += [_plot(each, number, setting, more, "right (%)") for each in curves.of(group)]
        plots += calibration.of(group, number, setting)
    for number, (label, some) in enumerate(playing[:GROUPS], 1):
        setting = "; ".join(filter(None, (where(some[0].case), label)))
        plots.append(_plot(curves.of_agents(some), number, setting, "", "reward"))
    return plots


def _plot(drawing: Drawing, number: int, setting: str, more: str, measure: str) -> Plot:
    left = sum(max(0, len(_others(panel)) - CURVES) for panel in drawing.panels)
    several = any(mean.count > 1 for p in drawing.panels for c in p.curves for _, mean in c.means)
    description = points.sentences(
        f"{drawing.title}, {measure}, {setting}:"
        f" {'; '.join(_panel_told(panel) for panel in drawing.panels[:_TOLD])}.",
        "Whiskers: 95 % intervals of the mean." if several else "",
        "Hollow marks: published, on CIFAR-10." if _known(drawing) else "",
        f"{counted(left, 'curve')} in between {form(left, 'is', 'are')} not drawn." if left else "",
        more,
    )
    paint = partial(_panels, drawing, setting, measure)
    name = f"sampling-{drawing.name}-{number}"
    return plot(name, f"{drawing.title}: {setting}", description, paint)


def _others(panel: Panel) -> list[Curve]:
    return [curve for curve in panel.curves if not curve.plain]


def _known(drawing: Drawing) -> bool:
    return any(curve.known for panel in drawing.panels for curve in panel.curves)


def _panel_told(panel: Panel) -> str:
    """Each curve by its first and its last value."""
    said = []
    for curve in panel.curves:
        (low, first), (high, last) = curve.means[0], curve.means[-1]
        end = f", {told(last)} at λ = {high:g}" if high != low else ""
        said.append(f"{curve.name} {told(first)} at λ = {low:g}{end}")
    return f"{f'{panel.title}: ' if panel.title else ''}{', '.join(said)}"


def _panels(drawing: Drawing, setting: str, measure: str, theme: Theme) -> Figure:
    panels = drawing.panels
    across = min(_ACROSS, len(panels))
    rows = -(-len(panels) // across)
    keys = [max(_lines(panel) for panel in panels[at * across :][:across]) for at in range(rows)]
    height = sum(1.85 + style.KEY_LINE * lines for lines in keys)
    figure = Figure(figsize=(DOUBLE if across > 1 else SCREEN, height), layout="constrained")
    grid = figure.subplots(rows, across, squeeze=False, sharey=True)
    strengths = sorted({s for panel in panels for c in panel.curves for s, _ in c.means})
    for axes, panel in zip(grid.flat, panels, strict=False):
        _panel(figure, axes, panel, strengths, theme)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))  # as wide however high it is
        axes.set_ylabel(measure)
    style.titled(figure, drawing.title, setting)
    if _known(drawing):
        style.keyed(figure, [_hollow(theme)], 1)
    return figure


def _hollow(theme: Theme) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        marker="o",
        markerfacecolor=theme.paper,
        markeredgecolor=theme.ink,
        label="hollow: published, on CIFAR-10",
    )


def _lines(panel: Panel) -> int:
    """Of its key."""
    others = _others(panel)
    kept = [others[index] for index in points.spread_evenly(len(others), CURVES)]
    plain = [curve for curve in panel.curves if curve.plain]
    return sum(_broken(curve.name).count("\n") + 1 for curve in (*plain, *kept))


def _broken(text: str) -> str:
    """In lines that are no wider than a panel."""
    return "\n".join(textwrap.wrap(shown(text, 2 * _WIDE), _WIDE))


def looks(found: Sequence[Curve], theme: Theme) -> list[tuple[Curve, Series]]:
    """The curves that are drawn, each with its look: the dense network's in ink."""
    others = [curve for curve in found if not curve.plain]
    kept = [others[index] for index in points.spread_evenly(len(others), CURVES)]
    plain = [(c, Series(theme.ink, "", c.name)) for c in found if c.plain]
    return [*plain, *zip(kept, marks.numbered([c.name for c in kept], theme), strict=True)]


def _panel(
    figure: Figure, axes: Axes, panel: Panel, strengths: Sequence[float], theme: Theme
) -> None:
    """Its curves; λ stand evenly, for they double from one to the next and begin with 0."""
    for curve, look in looks(panel.curves, theme):
        across = [strengths.index(strength) for strength, _ in curve.means]
        up = [mean.value for _, mean in curve.means]
        half = [mean.half or 0.0 for _, mean in curve.means]
        low = [value - side for value, side in zip(up, half, strict=True)]
        high = [value + side for value, side in zip(up, half, strict=True)]
        axes.vlines(across, low, high, color=look.colour, linewidth=0.8)
        axes.plot(
            across,
            up,
            color=look.colour,
            linestyle="--" if curve.plain else "-",
            marker=look.marker,
            markeredgecolor=theme.ink,
            label=_broken(look.name),
        )
        axes.plot(
            [strengths.index(strength) for strength, _ in curve.known],
            [value for _, value in curve.known],
            linestyle="",
            marker=look.marker or "o",
            markerfacecolor="none",
            markeredgecolor=look.colour,
            markersize=6,
        )
    axes.set_xticks(range(len(strengths)), [f"{strength:g}" for strength in strengths])
    axes.set_xlabel("λ, on a scale of 0 to 255")
    axes.grid(visible=True, axis="y")
    axes.tick_params(labelleft=True)
    if panel.title:
        axes.set_title(_broken(panel.title))
    below = ScaledTranslation(0, -_BELOW, figure.dpi_scale_trans)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, 0),
        bbox_transform=axes.transAxes + below,
        borderaxespad=0,
        fontsize=6.5,
    )


def of_points(found: Sequence[Point]) -> list[Plot]:
    """Seconds of a gradient against its samples, in both variants."""
    wanted = [
        p
        for p in found
        if isinstance(p.case.options, SamplingOptions)
        and p.record.variant == SEMI_BACKWARD
        and p.case.attack != NOISE
    ]
    timed = [p for p in wanted if p.drawable and _both(p) is not None]
    if not timed:
        return []
    families: dict[tuple[object, ...], list[Point]] = {}
    for point in sorted(timed, key=lambda p: options(p.case).samples):
        families.setdefault(_family(point), []).append(point)
    kept = [list(families.values())[i] for i in points.spread_evenly(len(families), CURVES)]
    names = _names(kept)
    fastest = max(timed, key=lambda p: p.estimate)
    left = len(families) - len(kept)
    description = points.sentences(
        f"Seconds of a gradient against N, original and semi-backward: {_listed(kept, names)}.",
        f"The largest speedup is {numbers.ratio(fastest.record.speedup)} (N ="
        f" {options(fastest.case).samples}).",
        f"{counted(left, 'line')} in between {form(left, 'is', 'are')} not drawn." if left else "",
        points.not_ok(wanted),
    )
    paint = partial(_costs, kept, names)
    return [plot("sampling-time", "Seconds of a gradient by samples", description, paint)]


def _both(point: Point) -> tuple[float, float] | None:
    """Median seconds a gradient of the original and of the variant."""
    found = [ceilings.median(point.record, way) for way in (BASELINE, SEMI_BACKWARD)]
    return (found[0], found[1]) if found[0] and found[1] else None


def _family(point: Point) -> tuple[object, ...]:
    """All but N."""
    case, found = point.case, options(point.case)
    told = (found.defence, found.gradient, found.chunk, found.strength, found.step)
    return point.facet("run"), case.model, case.attack, case.batch, *told, *place(case)


def _names(families: Sequence[Sequence[Point]]) -> list[str]:
    """The families by what differs between them."""
    facts = []
    for first in (family[0] for family in families):
        case = first.case
        whose = "" if options(case).gradient == "own" else "dense gradient"
        size = counted(case.batch, "image")
        shape = "×".join(map(str, options(case).input_shape))
        who = (models.name(case), defended(case), models.attack(case), whose)
        facts.append((*who, size, shape, case.dtype, case.device, *map(str, place(case)[:1])))
    columns = list(zip(*facts, strict=True))
    told_apart = [len(set(column)) > 1 or at == 1 for at, column in enumerate(columns)]
    return [
        ", ".join(word for word, shows in zip(each, told_apart, strict=True) if shows and word)
        for each in facts
    ]


def _listed(families: Sequence[Sequence[Point]], names: Sequence[str]) -> str:
    told = []
    for family, name in zip(families, names, strict=True):
        each = []
        for point in family[:5]:
            before, after = _both(point) or (0.0, 0.0)
            count = options(point.case).samples
            seconds = f"{numbers.significant(before)} → {numbers.significant(after)} s"
            each.append(f"{seconds} at N = {count}")
        told.append(f"{name} {', '.join(each)}")
    return "; ".join(told)


def _costs(families: Sequence[Sequence[Point]], names: Sequence[str], theme: Theme) -> Figure:
    figure = Figure(figsize=(SCREEN, 2.6), layout="constrained")
    axes = figure.add_subplot()
    series = marks.numbered(names, theme)
    keys = []
    for family, look in zip(families, series, strict=True):
        across = [options(point.case).samples for point in family]
        pairs = [_both(point) or (1.0, 1.0) for point in family]
        for at, line in enumerate(("--", "-")):
            axes.plot(
                across,
                [pair[at] for pair in pairs],
                color=look.colour,
                linestyle=line,
                marker=look.marker,
                markerfacecolor=look.colour if at else theme.paper,
                markeredgecolor=theme.ink if at else look.colour,
            )
        keys.append(
            Line2D([], [], color=look.colour, marker=look.marker, label=shown(look.name, 66))
        )
    keys += [
        Line2D([], [], color=theme.ink, linestyle="--", label="original"),
        Line2D([], [], color=theme.ink, label=SEMI_BACKWARD),
    ]
    axes.set(xscale="log", yscale="log", xlabel="N, samples of a gradient", ylabel="seconds")
    counts = sorted({options(point.case).samples for family in families for point in family})
    style.fixed_ticks(axes.xaxis, [counts[i] for i in points.spread_evenly(len(counts), 8)])
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, axis="y")
    every = [point for family in families for point in family]
    heading = points.heading(every, ["library", "attack", "model", "samples", "defence"])
    style.titled(figure, "Seconds of a gradient, original and semi-backward", *heading)
    style.keyed(figure, keys, 1)
    return figure
