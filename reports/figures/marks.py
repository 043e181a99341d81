"""Points with whiskers, and the keys that explain them: what several plots draw alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.figures.points import Point
from reports.figures.style import MARKERS, Theme, call_style, shown
from reports.reading import ways


@dataclass(frozen=True)
class Series:
    """How the points of one kind look, and what they are called."""

    colour: str
    marker: str
    name: str


def by_call(points: Sequence[Point], theme: Theme) -> dict[str, Series]:
    """A series for each way to ask for gradients that is there, in the order of the palette."""
    found = {call: Series(*call_style(call, theme)) for call in {point.call for point in points}}
    return dict(sorted(found.items(), key=lambda item: (MARKERS.index(item[1].marker), item[0])))


def numbered(names: Sequence[str], theme: Theme) -> list[Series]:
    """A series for each of at most six names."""
    looks = zip(theme.series, MARKERS, names, strict=False)
    return [Series(colour, marker, name) for colour, marker, name in looks]


def estimates(
    axes: Axes,
    points: Sequence[Point],
    places: Sequence[float],
    series: Series,
    theme: Theme,
    *,
    sideways: bool = False,
    faint: bool = False,
    outlined: bool = True,
) -> None:
    """Speedups with the whiskers of their intervals; hollow without one.

    Args:
        axes: to draw on.
        points: what to draw.
        places: where, on the other axis.
        series: how they look.
        theme: of the plot.
        sideways: speedups go to the right, not up.
        faint: the whiskers stand back, where they lie over each other.
        outlined: marks have an edge of ink; without one, small marks keep their colour.
    """
    pairs = list(zip(places, points, strict=True))
    for hollow in (False, True):
        some = [(at, point) for at, point in pairs if (point.interval is None) == hollow]
        if not some:
            continue
        middle = [point.estimate for _, point in some]
        at = [place for place, _ in some]
        ends = [point.interval or (point.estimate, point.estimate) for _, point in some]
        if not hollow:
            lows, highs = [low for low, _ in ends], [high for _, high in ends]
            draw = axes.hlines if sideways else axes.vlines
            width, alpha = (0.5, 0.6) if faint else (1.0, 1.0)
            draw(at, lows, highs, color=series.colour, linewidth=width, alpha=alpha, zorder=2)
        across, up = (middle, at) if sideways else (at, middle)
        axes.plot(
            across,
            up,
            linestyle="",
            marker=series.marker,
            markerfacecolor=theme.paper if hollow else series.colour,
            markeredgecolor=theme.ink if outlined and not hollow else series.colour,
            markeredgewidth=1.0 if hollow else 0.5,
            zorder=3,
        )


def keys(
    series: Sequence[Series], points: Sequence[Point], theme: Theme, *, ceiling: bool = True
) -> list[Artist]:
    """The keys of a legend: the series, hollow marks where there are any, the ceiling."""
    found: list[Artist] = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=one.marker,
            markerfacecolor=one.colour,
            markeredgecolor=theme.ink,
            label=shown(one.name, 44),
        )
        for one in series
    ]
    if any(point.interval is None for point in points):
        found.append(
            Line2D(
                [],
                [],
                linestyle="",
                marker="o",
                markerfacecolor=theme.paper,
                markeredgecolor=theme.ink,
                markeredgewidth=1.0,
                label="hollow: no interval",
            )
        )
    if ceiling:
        whose = "" if all(ways.usual(point.record) for point in points) else " of freezing"
        found.append(
            Line2D(
                [],
                [],
                color=theme.muted,
                linestyle=(0, (4, 2)),
                label=f"ceiling{whose} by theory, 1.5",
            )
        )
    return found
