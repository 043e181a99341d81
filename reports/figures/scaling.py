"""Against what a user chooses: speedup and seconds by batch size, speedup by model size."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from reports.figures import marks, points, style
from reports.figures.marks import Series
from reports.figures.plot import Plot, plot
from reports.figures.points import Point, short
from reports.figures.style import DOUBLE, SINGLE, Theme, shown
from semibackward_bench.grammar import counted

LINES = 6
TICKS = 8
MODELS = 16
"""Names of models that find a place beside each other."""
LIKENESS = 0.02
"""Logarithm by which two models of the same name may differ and still have one name written."""


def batches(found: Sequence[Point]) -> list[Plot]:
    """Speedup and seconds against batch size, where a case was measured at several."""
    wanted = [p for p in found if p.stands_in("scaling")]
    lines = points.grouped((p for p in wanted if p.drawable), {"batch"})
    lines = [line for line in lines if len({p.case.batch for p in line}) > 1]
    lines.sort(key=lambda line: -len({p.case.batch for p in line}))
    if not lines:
        return []
    drawn = [sorted(line, key=lambda p: p.case.batch) for line in lines[:LINES]]
    names = _names(drawn, {"batch"})
    everything = [p for line in drawn for p in line]
    told = "; ".join(
        f"{name or 'speedup'} {line[0].estimate:.2f} at {line[0].case.batch} and"
        f" {line[-1].estimate:.2f} at {line[-1].case.batch}"
        for name, line in zip(names, drawn, strict=True)
    )
    description = points.sentences(
        f"Speedup, and seconds of a run of both variants, against the number of images: {told}.",
        _others(len(lines) - len(drawn)),
        points.intervals(everything),
        points.not_ok(_of_lines(wanted, drawn, {"batch"})),
    )
    return [
        plot(
            "batch",
            "Speedup and seconds against batch size",
            description,
            partial(_batches, drawn, names),
        )
    ]


def _names(lines: Sequence[Sequence[Point]], apart: Collection[str]) -> list[str]:
    return points.names([line[0] for line in lines], apart=apart)


_OTHER_CASES = "other cases, as widely measured or less, are"


def _others(count: int) -> str:
    others = counted(count, "other case, as widely measured or less, is", _OTHER_CASES)
    return f"{others} not drawn." if count else ""


def _of_lines(
    wanted: Sequence[Point], lines: Sequence[Sequence[Point]], apart: Collection[str]
) -> list[Point]:
    """All points that differ from a drawn line in what it is drawn against alone."""
    drawn = {id(p) for line in lines for p in line}
    groups = points.grouped(wanted, apart)
    return [p for group in groups if any(id(p) in drawn for p in group) for p in group]


def _batches(lines: Sequence[Sequence[Point]], names: Sequence[str], theme: Theme) -> Figure:
    everything = [p for line in lines for p in line]
    figure = Figure(figsize=(SINGLE, 3.3), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    series = marks.numbered(names, theme)
    style.reference_lines(above, theme, vertical=False)
    for line, look in zip(lines, series, strict=True):
        sizes = [p.case.batch for p in line]
        above.plot(sizes, [p.estimate for p in line], color=look.colour)
        marks.estimates(above, line, sizes, look, theme)
        _seconds(below, line, look, theme)
    ends = [end for p in everything for end in p.interval or ()]
    style.speedup_axis(above.yaxis, [p.estimate for p in everything], ends)
    above.set_ylabel("speedup")
    below.set(ylabel="seconds of a run", xlabel="images in a batch", xscale="log", yscale="log")
    sizes = sorted({p.case.batch for p in everything})
    style.fixed_ticks(below.xaxis, [sizes[i] for i in points.spread_evenly(len(sizes), TICKS)])
    _plain_log(below)
    style.titled(
        figure, "Speedup and seconds against batch size", *points.heading(everything, ["batch"])
    )
    handles = marks.keys(series if any(names) else [], everything, theme)
    baseline, variant = points.ways_of(everything)
    handles += [
        Line2D([], [], color=theme.ink, marker="o", label=baseline),
        Line2D(
            [],
            [],
            color=theme.ink,
            marker="o",
            linestyle="--",
            markerfacecolor=theme.paper,
            label=variant,
        ),
    ]
    style.keyed(figure, handles, 1 if any(len(name) > 20 for name in names) else 2)
    return figure


def _seconds(axes: Axes, line: Sequence[Point], look: Series, theme: Theme) -> None:
    for variant, dashes, face in (
        (line[0].record.baseline, "-", look.colour),
        (line[0].record.variant, "--", theme.paper),
    ):
        timed = [(p.case.batch, p.seconds(variant)) for p in line]
        known = [(size, seconds) for size, seconds in timed if seconds]
        axes.plot(
            [size for size, _ in known],
            [seconds for _, seconds in known],
            linestyle=dashes,
            color=look.colour,
            marker=look.marker,
            markerfacecolor=face,
        )


def _plain_log(axes: Axes) -> None:
    """Round numbers of seconds, written plainly."""
    low, high = axes.get_ylim()
    wide = high / low > 100 if low > 0 else False
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")


def operations(point: Point) -> float | None:
    """Floating-point operations of one forward pass of one image; None where not counted."""
    record = point.record
    counted = (record.operations or {}).get(record.baseline)
    if counted is not None and counted.images and counted.forward:
        return counted.forward / counted.images
    part = record.anatomy and record.anatomy.parts.get(record.baseline)
    if record.anatomy is None or not part or not part.forward_flops or not record.anatomy.forwards:
        return None
    return part.forward_flops / (record.anatomy.forwards * record.case.batch)


def models(found: Sequence[Point]) -> list[Plot]:
    """Speedup against the operations of a model's forward pass, where several were measured."""
    wanted = [p for p in found if p.stands_in("scaling")]
    counted = [p for p in wanted if p.drawable and operations(p) is not None]
    apart = {"model", "size"}
    series = points.grouped(counted, apart)
    series = [line for line in series if len({p.case.model for p in line}) > 1]
    series.sort(key=lambda line: -len({p.case.model for p in line}))
    if not series:
        return []
    drawn = [sorted(line, key=lambda p: operations(p) or 0.0) for line in series[:LINES]]
    names = _names(drawn, apart)
    everything = [p for line in drawn for p in line]
    told = "; ".join(
        f"{name or 'speedup'} {_models_told(line)}" for name, line in zip(names, drawn, strict=True)
    )
    description = points.sentences(
        "Speedup against the floating-point operations of a model's forward pass for one image,"
        f" smallest model first: {told}.",
        _others(len(series) - len(drawn)),
        points.intervals(everything),
        points.not_ok(_of_lines(wanted, drawn, apart)),
    )
    return [
        plot(
            "models",
            "Speedup against the model's operations",
            description,
            partial(_models, drawn, names),
        )
    ]


def _models_told(line: Sequence[Point]) -> str:
    told = [f"{short(p.facet('model'))} {p.estimate:.2f}" for p in line[:12]]
    return ", ".join([*told, *(["…"] if len(line) > len(told) else [])])


def _models(lines: Sequence[Sequence[Point]], names: Sequence[str], theme: Theme) -> Figure:
    everything = [p for line in lines for p in line]
    figure = Figure(figsize=(DOUBLE, 3.5), layout="constrained")
    axes = figure.add_subplot()
    style.reference_lines(axes, theme, vertical=False)
    series = marks.numbered(names, theme)
    for line, look in zip(lines, series, strict=True):
        places = [(operations(p) or 0.0) / 1e9 for p in line]
        marks.estimates(axes, line, places, look, theme)
    ends = [end for p in everything for end in p.interval or ()]
    style.speedup_axis(axes.yaxis, [p.estimate for p in everything], ends)
    axes.set(
        xscale="log",
        xlabel="operations of a forward pass, 10⁹ for each image",
        ylabel="speedup",
    )
    sizes = [(operations(p) or 0.0) / 1e9 for p in everything]
    axes.set_xlim(min(sizes) / 1.25, max(sizes) * 1.25)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=9))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    _named(axes, _places(everything), theme)
    style.titled(
        figure, "Speedup against the model's operations", *points.heading(everything, ["model"])
    )
    style.keyed(figure, marks.keys(series if any(names) else [], everything, theme), 2)
    return figure


def _places(everything: Sequence[Point]) -> list[tuple[float, str]]:
    """Where the name of each model belongs, in 10⁹ operations; a name once for each size."""
    found: dict[tuple[str, int], list[float]] = {}
    for p in everything:
        size = operations(p) or 0.0
        found.setdefault((p.facet("model"), round(math.log(size) / LIKENESS)), []).append(
            size / 1e9
        )
    places = sorted((statistics.median(sizes), model) for (model, _), sizes in found.items())
    return [places[index] for index in points.spread_evenly(len(places), MODELS)]


def _named(axes: Axes, places: Sequence[tuple[float, str]], theme: Theme) -> None:
    """Write the models' names above, apart from each other, each with a line to its place."""
    low, high = (math.log(limit) for limit in axes.get_xlim())
    true = [(math.log(size) - low) / (high - low) for size, _ in places]
    for at, written, (_, model) in zip(true, _apart(true, 1 / 22), places, strict=True):
        axes.plot(
            [at, at, written],
            [0.0, 1.0, 1.06],
            transform=axes.transAxes,
            color=theme.faint,
            linewidth=0.6,
            zorder=0,
            clip_on=False,
        )
        axes.text(
            written,
            1.07,
            shown(model, 24),
            transform=axes.transAxes,
            rotation=50,
            rotation_mode="anchor",
            ha="left",
            va="center",
        )


def _apart(places: Sequence[float], gap: float) -> list[float]:
    """Sorted places moved until each is a gap from the next, about where they were."""
    moved: list[float] = []
    for at in places:
        moved.append(max(at, moved[-1] + gap) if moved else at)
    over = max(0.0, moved[-1] - 1.0) if moved else 0.0
    for index in range(len(moved) - 1, -1, -1):
        most = 1.0 if index == len(moved) - 1 else moved[index + 1] - gap
        moved[index] = min(moved[index], most) if over else moved[index]
    return moved
