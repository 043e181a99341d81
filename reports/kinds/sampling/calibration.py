"""Confidence against accuracy, a panel for each λ: figure 4 of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.kinds.sampling.findings import Bin
from reports.figures import marks, points, style
from reports.figures.marks import Series
from reports.figures.plot import Plot, plot
from reports.figures.style import DOUBLE, Theme, shown
from reports.kinds.sampling import curves, judging
from reports.kinds.sampling.measures import Evaluated, told
from reports.kinds.sampling.words import OWN, is_dense, options, short_name
from semibackward_bench.grammar import form

PANELS = 8
"""Of the paper's λ."""
_ACROSS = 4
_SMALLEST, _LARGEST = 6.0, 60.0
"""Areas of marks, in points squared: of bins with next to no image, and with all of them."""


def of(group: Sequence[Evaluated], number: int, setting: str) -> list[Plot]:
    """The figure of the networks of one data and base; none without bins.

    Args:
        group: what was judged.
        number: of the group, from 1.
        setting: the same in words.
    """
    own = [e for e in group if options(e.case).gradient == OWN and e.case.attack == curves.FGSM]
    four = curves.of_figure_3(judging.strongest(own))[: len(style.MARKERS)]
    strengths = sorted({s for each in four for s in each.strengths if pooled(each, s)})
    if not strengths:
        return []
    kept = [strengths[index] for index in points.spread_evenly(len(strengths), PANELS)]
    left = len(strengths) - len(kept)
    description = points.sentences(
        f"Accuracy of the images in each bin of confidence, {setting}; on the diagonal both are"
        f" the same. Expected calibration error: {_told(four, kept)}.",
        "The larger a mark, the more images are in its bin.",
        f"{left} λ in between {form(left, 'is', 'are')} not drawn." if left else "",
    )
    name = f"sampling-calibration-{number}"
    paint = partial(_draw, four, kept, setting)
    return [plot(name, f"Calibration by λ: {setting}", description, paint)]


def pooled(each: Evaluated, strength: float) -> list[Bin]:
    """Its bins with one λ, the images of all its networks together; those without any left out."""
    found: dict[int, list[Bin]] = {}
    for judged in each.at(strength).values():
        for index, one in enumerate(judged.bins):
            found.setdefault(index, []).append(one)
    return [_sum(some) for _, some in sorted(found.items()) if any(one.images for one in some)]


def _sum(some: Sequence[Bin]) -> Bin:
    images = sum(one.images for one in some)
    return Bin(
        images,
        sum(one.images * one.confidence for one in some) / images,
        sum(one.images * one.accuracy for one in some) / images,
    )


def _told(four: Sequence[Evaluated], strengths: Sequence[float]) -> str:
    said = []
    for each in four:
        there = ", ".join(f"{told(each.error(s))} % at λ = {s:g}" for s in strengths if each.at(s))
        said.append(f"{short_name(each.case)} {there}")
    return "; ".join(said)


def _draw(
    four: Sequence[Evaluated], strengths: Sequence[float], setting: str, theme: Theme
) -> Figure:
    across = min(_ACROSS, len(strengths))
    rows = -(-len(strengths) // across)
    figure = Figure(figsize=(DOUBLE, 0.3 + 1.75 * rows), layout="constrained")
    grid = figure.subplots(rows, across, squeeze=False, sharex=True, sharey=True)
    looks = _looks(four, theme)
    for axes, strength in zip(grid.flat, strengths, strict=False):
        _panel(axes, list(zip(four, looks, strict=True)), strength, theme)
    for axes in list(grid.flat)[len(strengths) :]:
        axes.set_axis_off()
    for axes in list(grid.flat)[: len(strengths)][-across:]:  # nothing is drawn below these
        axes.set_xlabel("confidence (%)")
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel("right (%)")
    style.titled(figure, "Calibration by λ", setting)
    keys = [
        Line2D([], [], color=look.colour, marker=look.marker, label=shown(look.name, 44))
        for look in looks
    ]
    keys.append(Line2D([], [], color=theme.muted, linestyle="--", label="as right as confident"))
    style.keyed(figure, keys, 3)
    return figure


def _looks(four: Sequence[Evaluated], theme: Theme) -> list[Series]:
    """The dense network in ink, as in every figure."""
    names = [short_name(each.case) for each in four if not _plain(each)]
    others = iter(marks.numbered(names, theme))
    return [Series(theme.ink, "X", curves.DENSE) if _plain(e) else next(others) for e in four]


def _plain(each: Evaluated) -> bool:
    return is_dense(each.case) and judging.untrained(each)


def _panel(
    axes: Axes, drawn: Sequence[tuple[Evaluated, Series]], strength: float, theme: Theme
) -> None:
    axes.plot([0, 100], [0, 100], color=theme.muted, linestyle="--", linewidth=0.8, zorder=1)
    for each, look in drawn:
        found = pooled(each, strength)
        images = max(1, sum(one.images for one in found))
        across = [100 * one.confidence for one in found]
        up = [100 * one.accuracy for one in found]
        size = [_SMALLEST + (_LARGEST - _SMALLEST) * one.images / images for one in found]
        axes.plot(across, up, color=look.colour, linewidth=0.9, zorder=2)
        axes.scatter(
            across,
            up,
            size,
            color=look.colour,
            marker=look.marker,
            edgecolors=theme.paper,
            linewidths=0.4,
            zorder=3,
        )
    axes.set(xlim=(-3, 103), ylim=(-3, 103))
    axes.set_xticks([0, 50, 100])
    axes.set_yticks([0, 50, 100])
    axes.set_title(f"λ = {strength:g}")
