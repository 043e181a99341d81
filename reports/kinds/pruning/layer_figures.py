"""Saliency by layer drawn: its mean, and how it is distributed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from bench.kinds.pruning.findings import QUANTILES
from reports.figures import points, style
from reports.figures.plot import Plot, plot
from reports.figures.style import SCREEN, Theme
from reports.kinds.pruning import layers
from reports.kinds.pruning.layers import Layer
from reports.kinds.pruning.measures import Scored
from reports.kinds.pruning.words import where
from semibackward_bench.grammar import counted, form

LAYERS = 40
"""In one figure."""
_ROW = 0.155
"""Inches that a layer takes."""
_NAME = 30
"""Characters of a layer's name."""
_REACH = 1e9
"""How many times as large as the smallest the largest mean is, at most, on a logarithmic axis."""
_TOLD = 6
"""Layers whose numbers a description tells."""


def of(each: Scored, number: int, label: str, more: str) -> list[Plot]:
    """Both figures of a network.

    Args:
        each: its saliency.
        number: of the figure, from 1.
        label: of the place where it was found.
        more: a sentence on what is not drawn, or "".
    """
    every = layers.layers(each)
    kept = [every[index] for index in points.spread_evenly(len(every), LAYERS)]
    left = len(every) - len(kept)
    batches = f"{counted(each.batches, 'batch', 'batches')} of {counted(each.case.batch, 'image')}"
    setting = "; ".join(filter(None, (each.name, batches, where(each.case), label)))
    rest = points.sentences(
        f"{counted(left, 'layer')} in between {form(left, 'is', 'are')} not drawn." if left else "",
        more,
    )
    return [_means(kept, number, setting, rest), _spread(kept, number, setting, rest)]


def _means(kept: Sequence[Layer], number: int, setting: str, rest: str) -> Plot:
    several = any(layer.mean.half is not None for layer in kept)
    told = ", ".join(f"{layer.name} {layers.spelt(layer.mean)}" for layer in kept[:_TOLD])
    description = points.sentences(
        f"Mean saliency of each layer's weights, in the order of layers, {setting}: {told}.",
        "Whiskers: 95 % intervals of the mean over networks (Student's t)." if several else "",
        rest,
    )
    paint = partial(_paint_means, kept, setting)
    title = f"Mean saliency by layer: {setting}"
    return plot(f"pruning-saliency-{number}", title, description, paint)


def _spread(kept: Sequence[Layer], number: int, setting: str, rest: str) -> Plot:
    told = ", ".join(
        f"{layer.name} from {layer.quantile(0.05):.1e} to {layer.quantile(0.95):.1e}"
        for layer in kept[:_TOLD]
    )
    several = any(len(layer.found) > 1 for layer in kept)
    description = points.sentences(
        f"Distribution of the saliency of each layer's weights, {setting}; nine tenths of them lie:"
        f" {told}.",
        "Quantiles are means over networks." if several else "",
        rest,
    )
    paint = partial(_paint_spread, kept, setting)
    title = f"Distribution of saliency by layer: {setting}"
    return plot(f"pruning-distribution-{number}", title, description, paint)


def _rows(kept: Sequence[Layer]) -> tuple[Figure, Axes]:
    """Axes with a row for each layer, the first on top."""
    figure = Figure(figsize=(SCREEN, 0.75 + _ROW * len(kept)), layout="constrained")
    axes = figure.add_subplot()
    style.named_rows(axes, range(len(kept)), [layer.name for layer in kept], _NAME)
    axes.set_ylim(len(kept) - 0.4, -0.6)
    axes.grid(visible=True, axis="x")
    return figure, axes


def _paint_means(kept: Sequence[Layer], setting: str, theme: Theme) -> Figure:
    figure, axes = _rows(kept)
    means = [layer.mean for layer in kept]
    values = [mean.value for mean in means]
    positive = min(values) > 0 and max(values) < _REACH * min(values)
    floor = min(values) / 10 if positive else None
    for at, mean in enumerate(means):
        half = mean.half or 0.0
        low, high = mean.value - half, mean.value + half
        low = low if floor is None else max(low, floor)
        axes.hlines(at, low, high, color=theme.blue, linewidth=1.0, zorder=2)
    axes.plot(
        values,
        range(len(kept)),
        linestyle="",
        marker="o",
        markerfacecolor=theme.blue,
        markeredgecolor=theme.ink,
        zorder=3,
    )
    if positive:
        axes.set_xscale("log")
        _powers(axes)
    else:
        axes.axvline(0, color=theme.muted, linewidth=0.8, zorder=1)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter("{x:.2g}")
    axes.set_xlabel("mean saliency (ΔL) of a weight")
    style.titled(figure, "Mean saliency by layer", setting)
    return figure


def _powers(axes: Axes) -> None:
    """Ticks at powers of ten, few enough to be read; at others where there is none of these."""
    low, high = axes.get_xlim()
    found = [10.0**power for power in range(-40, 40) if low <= 10.0**power <= high]
    if len(found) < 2:
        steps = [s * 10.0**power for power in range(-40, 40) for s in (1, 2, 5)]
        found = [tick for tick in steps if low <= tick <= high]
    if len(found) < 2:
        found = [low * (high / low) ** share for share in (0.1, 0.9)]
    kept = [found[index] for index in points.spread_evenly(len(found), 6)]
    style.fixed_ticks(axes.xaxis, kept)
    axes.xaxis.set_major_formatter("{x:.0e}" if len(kept) > 2 else "{x:.1e}")


def _paint_spread(kept: Sequence[Layer], setting: str, theme: Theme) -> Figure:
    figure, axes = _rows(kept)
    for at, layer in enumerate(kept):
        for low, high, width, colour in (
            (0.0, 1.0, 0.6, theme.muted),
            (0.05, 0.95, 1.6, theme.sky),
            (0.25, 0.75, 4.0, theme.blue),
        ):
            ends = layer.quantile(low), layer.quantile(high)
            axes.hlines(at, *ends, color=colour, linewidth=width, zorder=2)
    axes.plot(
        [layer.quantile(0.5) for layer in kept],
        range(len(kept)),
        linestyle="",
        marker="o",
        markersize=3.5,
        markerfacecolor=theme.paper,
        markeredgecolor=theme.ink,
        zorder=4,
    )
    threshold = _threshold(kept)
    axes.set_xscale("symlog", linthresh=threshold, linscale=0.5)
    axes.axvline(0, color=theme.muted, linewidth=0.8, zorder=1)
    style.fixed_ticks(axes.xaxis, _around_zero(kept, threshold))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: "0" if value == 0 else f"{value:.0e}")
    axes.set_xlabel(f"saliency (ΔL) of a weight; linear between ±{threshold:.0e}")
    style.titled(figure, "Distribution of saliency by layer", setting)
    style.keyed(figure, _keys(theme), 2)
    return figure


def _threshold(kept: Sequence[Layer]) -> float:
    """A power of ten near the smallest that tells anything: a millionth of the largest, or what
    half of the quantiles lie below."""
    found = sorted(abs(layer.quantile(at)) for layer in kept for at in QUANTILES)
    there = [one for one in found if one > 0]
    if not there:
        return 1.0
    wanted = max(there[len(there) // 4], there[-1] * 1e-6)
    return float(f"1e{_power_of(wanted)}")


def _power_of(value: float) -> int:
    """The power of ten at or below a positive number."""
    return int(f"{value:e}".partition("e")[2])


def _around_zero(kept: Sequence[Layer], threshold: float) -> list[float]:
    """Ticks: 0, and powers of ten to both sides, so far apart that they can be read."""
    found = [layer.quantile(at) for layer in kept for at in QUANTILES]
    lowest = _power_of(threshold)
    ends = {sign: max(sign * value for value in found) for sign in (-1, 1)}
    reaches = {sign: _power_of(end) for sign, end in ends.items() if end >= threshold}
    decades = sum(reach - lowest + 1 for reach in reaches.values())
    step = max(1, -(-decades // 5))
    ticks = [
        sign * float(f"1e{power}")
        for sign, reach in reaches.items()
        for power in range(reach, lowest - 1, -step)
    ]
    return sorted([0.0, *ticks])


def _keys(theme: Theme) -> list[Line2D]:
    lines = [
        ("smallest to largest", theme.muted, 0.6),
        ("9 of 10 weights", theme.sky, 1.6),
        ("the middle half", theme.blue, 4.0),
    ]
    found = [Line2D([], [], color=c, linewidth=width, label=name) for name, c, width in lines]
    median = Line2D(
        [],
        [],
        linestyle="",
        marker="o",
        markersize=3.5,
        markerfacecolor=theme.paper,
        markeredgecolor=theme.ink,
        label="median",
    )
    return [*found, median]
