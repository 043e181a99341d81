"""The course of energy attacks drawn: gates on and off over the iterations, and the angle between
the two gradients before and after masking (GradMDM, figures 2A and 2B)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from bench.kinds.energy.findings import Step
from reports.figures import points, style
from reports.figures.plot import Plot, plot
from reports.figures.style import DOUBLE, SCREEN, Theme, shown
from reports.kinds.energy.against import BASE
from reports.kinds.energy.measures import Ended, options, where
from reports.reading import models
from semibackward_bench.grammar import counted

GATES = 64
"""Gates drawn; of more, as many, evenly spread."""
_FIRST = ("gradmdm", "masking", "power")
"""The methods that stand beside ILFO, the first that is there."""
_HEIGHT = 0.86
"""Of a gate's row."""
_RIGHT_ANGLE = 90.0

Course = tuple[str, list[str]]
"""A method, and which gates were on in each iteration of its attack."""


@dataclass(frozen=True)
class OnNetwork:
    """What has figures of its own: attacks on one network, of one place.

    Attributes:
        attacks: that came to their end.
        number: of these, from 1.
        place: where, where there are several places.
        more: a sentence on what is left out.
    """

    attacks: Sequence[Ended]
    number: int
    place: str = ""
    more: str = ""

    @property
    def network(self) -> str:
        """Its name."""
        return models.name(self.attacks[0].case)

    @property
    def setting(self) -> str:
        """What was attacked on it, and where."""
        return "; ".join(filter(None, (where(self.attacks[0].case), self.place)))

    def plot(self, what: str, title: str, told: str, paint: Callable[[Theme], Figure]) -> Plot:
        """One of its plots, named after what it shows, with a description."""
        network = ", ".join(filter(None, (self.network, self.place)))
        name = f"energy-{what}-{self.number}-{self.network}"
        return plot(name, f"{title}: {network}", points.sentences(told, self.more), paint)


def gates(group: OnNetwork) -> list[Plot]:
    """Gates of the first image over the iterations, by ILFO and by another method."""
    drawn = list(filter(None, (_course(group.attacks, [BASE]), _course(group.attacks, _FIRST))))
    if not drawn:
        return []
    told = "; ".join(_gates_told(each) for each in drawn)
    total = len(drawn[0][1][0])
    description = points.sentences(
        f"Which of {counted(total, 'gate')} of {group.network} are on for one image, iteration"
        f" by iteration: {told}.",
        f"{GATES} of the gates are drawn, evenly spread." if total > GATES else "",
    )
    paint = partial(_gates, drawn, group)
    return [group.plot("gates", "Gates over the iterations", description, paint)]


def _course(group: Sequence[Ended], names: Sequence[str]) -> Course | None:
    """The first attack by one of these methods, the first of its networks whose gates are known."""
    for name in names:
        for attack in sorted((a for a in group if a.case.attack == name), key=_unusual):
            for record in attack.records.values():
                rows = [step.on for step in record.steps if step.on]
                rows = [row for row in rows if len(row) == len(rows[0])]
                if len(rows) > 1:
                    return attack.label, rows
    return None


def _unusual(attack: Ended) -> int:
    """How many of its settings are not as the seed has them."""
    return len(options(attack.case).settings())


def _gates_told(course: Course) -> str:
    name, rows = course
    lost = sum(
        a == "1" and b != "1"
        for before, after in pairwise(rows)
        for a, b in zip(before, after, strict=True)
    )
    return (
        f"{name} has {rows[0].count('1')} on at first and {rows[-1].count('1')} in iteration"
        f" {len(rows)}; one of them goes off again {counted(lost, 'time')}"
    )


def _gates(drawn: Sequence[Course], group: OnNetwork, theme: Theme) -> Figure:
    kept = points.spread_evenly(len(drawn[0][1][0]), GATES)
    figure = Figure(figsize=(DOUBLE, 0.9 + 0.035 * max(16, len(kept))), layout="constrained")
    panels = figure.subplots(1, len(drawn), squeeze=False)[0]
    for axes, (name, rows) in zip(panels, drawn, strict=True):
        _panel(axes, rows, theme)
        axes.set_title(shown(name, 44))
        axes.set_xlabel("iteration")
    panels[0].set_ylabel("gate")
    style.titled(figure, f"Gates of {shown(group.network, 60)} for one image", group.setting)
    keys = [
        Patch(facecolor=theme.blue, edgecolor=theme.ink, label="on"),
        Patch(facecolor=theme.faint, edgecolor=theme.ink, label="off"),
    ]
    style.keyed(figure, keys, 2)
    return figure


def _panel(axes: Axes, rows: Sequence[str], theme: Theme) -> None:
    """What is on, as one shape: a long row of patches would make a large file."""
    kept = points.spread_evenly(len(rows[0]), GATES)
    corners = [
        corner
        for place, gate in enumerate(kept)
        for start, end in _stretches([row[gate] == "1" for row in rows])
        for corner in _box(start, end, place)
    ]
    axes.set_facecolor(theme.faint)
    if corners:
        codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
        shape = Path(corners, codes * (len(corners) // len(codes)))
        axes.add_patch(PathPatch(shape, facecolor=theme.blue, linewidth=0))
    axes.set_xlim(0, len(rows))
    axes.set_ylim(len(kept) - 0.5, -0.5)
    ticks = points.spread_evenly(len(kept), 6)
    axes.set_yticks(ticks, [str(kept[tick] + 1) for tick in ticks])


def _stretches(on: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """From where to where it is on without a break."""
    at = 0
    for value, run in groupby(on):
        length = len(list(run))
        if value:
            yield at, at + length
        at += length


def _box(start: float, end: float, row: float) -> list[tuple[float, float]]:
    low, high = row - _HEIGHT / 2, row + _HEIGHT / 2
    return [(start, low), (end, low), (end, high), (start, high), (start, low)]


def angles(group: OnNetwork) -> list[Plot]:
    """Mean angle between the complexity and the finished gradient, before and after masking."""
    masked = [a for a in group.attacks if _mean(a, "angle") and _mean(a, "masked_angle")]
    masked.sort(key=lambda a: (a.case.attack != _FIRST[0], _unusual(a)))
    if not masked:
        return []
    attack = masked[0]
    both = [_mean(attack, which) for which in ("angle", "masked_angle")]
    known = [[value for value in one if not math.isnan(value)] for one in both]
    obtuse = sum(value > _RIGHT_ANGLE for value in known[0])
    description = (
        "Angle between the complexity gradient and the finished gradient, before and after masking,"
        f" of {attack.name}, mean over images"
        f" {'and networks ' if len(attack.records) > 1 else ''}in each iteration: before, it is"
        f" obtuse in {obtuse} of {counted(len(known[0]), 'iteration')} and"
        f" {statistics.fmean(known[0]):.0f}° on average; after, {statistics.fmean(known[1]):.0f}°"
        f" on average and {max(known[1]):.0f}° at most."
    )
    paint = partial(_angles, attack, both, group)
    return [group.plot("angles", "Angle between the gradients", description, paint)]


def _mean(attack: Ended, which: str) -> list[float]:
    """An angle's mean over networks, by iteration; NaN where none has it. Empty without any."""
    courses = [record.steps for record in attack.records.values()]
    found = []
    for number in range(max(map(len, courses), default=0)):
        here: list[Step] = [steps[number] for steps in courses if number < len(steps)]
        values = [value for step in here if (value := getattr(step, which)) is not None]
        found.append(statistics.fmean(values) if values else math.nan)
    return [] if all(map(math.isnan, found)) else found


def _angles(
    attack: Ended, both: Sequence[Sequence[float]], group: OnNetwork, theme: Theme
) -> Figure:
    figure = Figure(figsize=(SCREEN, 2.2), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(_RIGHT_ANGLE, color=theme.muted, linewidth=0.8)
    before, after = both
    axes.plot(before, color=theme.orange, linestyle="--", linewidth=1.2)
    axes.plot(after, color=theme.blue, linewidth=1.2)
    keys = [
        Line2D([], [], color=theme.orange, linestyle="--", label="before masking"),
        Line2D([], [], color=theme.blue, label="after masking"),
    ]
    axes.set_xlabel("iteration")
    # Whole degrees: the room for longer labels is not made in time.
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("angle (°)")
    style.titled(
        figure,
        f"Between the complexity and the finished gradient: {shown(attack.label, 60)}",
        f"{shown(group.network, 60)}, {group.setting}",
    )
    style.keyed(figure, keys, 2)
    return figure
