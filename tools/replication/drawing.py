"""The estimates of all runs and their intervals as a plot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tools.replication.analysis import Answer, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

COLUMNS = 3
_ENTRIES = 4
"""Of the legend."""
_GAP = 1
"""Between one folder's runs and the next one's, in runs."""
_LOG_MARGIN = 0.02
"""Least log distance from the outermost estimate to the edge."""
_REACH = 4
"""Most of it, in half-widths of an interval that is narrower than three quarters of them."""


@dataclass(frozen=True)
class _Style:
    label: str
    colour: str
    marker: str


_WITHOUT = _Style("without another program", "C0", "o")
_WITH = _Style("with another program", "C1", "s")


def draw(groups: Mapping[str, Sequence[Row]], path: Path) -> None:
    """A panel for each comparison: every run's estimate and interval, group by group.

    Args:
        groups: what the runs of each folder say, by the folder's name; of one comparison at least.
        path: of the PNG.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(row.name for rows in groups.values() for row in rows))
    starts, width = _starts(groups)
    columns = min(COLUMNS, len(names))
    lines = math.ceil(len(names) / columns)
    entries = _ENTRIES if columns == COLUMNS else columns
    legend = 0.15 + 0.2 * math.ceil(_ENTRIES / entries)
    figure, axes = pyplot.subplots(
        lines,
        columns,
        figsize=(columns * max(2.8, 1.2 + 0.16 * width), 0.6 + 2.4 * lines + legend),
        sharex=True,
        squeeze=False,
    )
    for axis, name in zip(axes.flat, names, strict=False):
        found = {group: _answers(rows, name) for group, rows in groups.items()}
        _panel(axis, found, starts)
        axis.set_title(name, fontsize=10, loc="left", pad=18 if len(groups) > 1 else 6)
        axis.set_xlim(-0.7, width - 0.3)
    for place, axis in enumerate(axes.flat):
        below = place + columns >= len(names)
        axis.tick_params(axis="x", labelbottom=below, labelsize=8)
        axis.tick_params(axis="y", labelsize=8)
        if below:
            axis.set_xlabel("run", fontsize=9)
        if place % columns == 0:
            axis.set_ylabel("speedup", fontsize=9)
        axis.set_visible(place < len(names))
    figure.legend(handles=_marks(), loc="upper center", ncols=entries, fontsize=9, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 1 - legend / figure.get_figheight()))
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def _marks() -> list[Line2D]:
    """What the legend explains."""
    from matplotlib.lines import Line2D

    return [
        *(
            Line2D([], [], color=style.colour, marker=style.marker, ms=5, label=style.label)
            for style in (_WITHOUT, _WITH)
        ),
        Line2D([], [], color="0.6", lw=0.9, ls="--", label="median of the runs"),
        Line2D([], [], color="0.4", marker="^", ms=5, label="the interval goes on"),
    ]


def _panel(axis: Axes, found: Mapping[str, Sequence[Answer]], starts: Mapping[str, int]) -> None:
    low, high = _limits(answer for answers in found.values() for answer in answers)
    axis.set_ylim(low, high)
    ticks: dict[int, str] = {}
    for group, answers in found.items():
        start = starts[group]
        if start:
            axis.axvline(start - (1 + _GAP) / 2, color="0.8", lw=0.8)
        if len(found) > 1:
            axis.annotate(
                group,
                (start - 0.5, 1),
                xycoords=axis.get_xaxis_transform(),
                xytext=(0, 4),
                textcoords="offset points",
                fontsize=8,
                color="0.4",
            )
        for answer in answers:
            ticks[start + answer.run] = str(answer.run)
            _mark(axis, start + answer.run, answer, low, high)
        if answers:
            middle = median(answer.speedup.estimate for answer in answers)
            ends = [start - 0.4, start + max(answer.run for answer in answers) + 0.4]
            axis.plot(ends, [middle, middle], color="0.6", lw=0.9, ls="--", zorder=0)
    axis.set_xticks(list(ticks), list(ticks.values()))


def _mark(axis: Axes, place: int, answer: Answer, low: float, high: float) -> None:
    """One run: an arrow where the interval goes on beyond the panel."""
    style = _WITH if answer.load else _WITHOUT
    found = answer.speedup
    if found.low is not None and found.high is not None:
        axis.plot([place, place], [found.low, found.high], color=style.colour, lw=1.4)
        for beyond, edge, mark in ((found.low < low, low, "v"), (found.high > high, high, "^")):
            if beyond:
                axis.plot(place, edge, mark, color=style.colour, ms=5, clip_on=False)
    axis.plot(place, found.estimate, style.marker, color=style.colour, ms=5, mec="white", mew=0.6)


def _limits(answers: Iterable[Answer]) -> tuple[float, float]:
    """Ends of the axis: all estimates, and all intervals but those far wider than usual."""
    found = [answer.speedup for answer in answers]
    if not found:
        return 0.9, 1.1
    logs = [math.log(each.estimate) for each in found]
    widths = [each.half_width for each in found if math.isfinite(each.half_width)]
    narrow = sorted(widths)[len(widths) // 4] if widths else 0.0
    margin = max(_LOG_MARGIN, _REACH * narrow)
    ends = [math.log(end) for each in found for end in (each.low, each.high) if end is not None]
    low = max(min(logs) - margin, min([*logs, *ends]) - _LOG_MARGIN / 2)
    high = min(max(logs) + margin, max([*logs, *ends]) + _LOG_MARGIN / 2)
    return math.exp(low), math.exp(high)


def _answers(rows: Sequence[Row], name: str) -> tuple[Answer, ...]:
    return next((row.answers for row in rows if row.name == name), ())


def _starts(groups: Mapping[str, Sequence[Row]]) -> tuple[dict[str, int], int]:
    """Where along the axis each folder's run 0 is, and where the last one ends."""
    starts, place = {}, 0
    for group, rows in groups.items():
        starts[group] = place
        runs = [answer.run for row in rows for answer in row.answers]
        place += max(runs, default=0) + 1 + _GAP
    return starts, place - _GAP
