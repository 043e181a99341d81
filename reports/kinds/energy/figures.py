"""Energy attacks drawn: the time of a step, and recovery against error (GradMDM, figure 2C)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.cases import SEMI_BACKWARD, Case
from bench.kinds.energy.options import EnergyOptions
from bench.records.reading import Run
from bench.statistics.seeds import Mean
from reports.figures import marks, points, style
from reports.figures.marks import Series
from reports.figures.plot import Plot, plot
from reports.figures.points import Point
from reports.figures.style import DOUBLE, SCREEN, Theme, shown
from reports.kinds.energy import courses, measures
from reports.kinds.energy.courses import OnNetwork
from reports.kinds.energy.measures import Ended, method, options, place
from reports.reading import ceilings, levels, models, numbers, places
from semibackward_bench.grammar import counted, form

ROWS = 36
"""Comparisons with their times drawn."""
NETWORKS = 8
"""Networks with a figure each."""
SERIES = len(style.MARKERS)
"""Methods in one figure."""
_METHODS = ("ilfo", "gradmdm", "masking", "power", "joint", "in-turn", "deepsloth")
"""In the order in which they get their colours."""
_FINE = (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9)
"""Ticks of a short logarithmic axis, between two powers of ten."""


def of_points(found: Sequence[Point]) -> list[Plot]:
    """The time of a step in both variants, a row for each network and method."""
    wanted = [
        p
        for p in found
        if isinstance(p.case.options, EnergyOptions) and p.record.variant == SEMI_BACKWARD
    ]
    timed = [p for p in wanted if p.drawable and _both(p) is not None]
    if not timed:
        return []
    kept = [timed[index] for index in points.spread_evenly(len(timed), ROWS)]
    names = points.names(kept, ["attack", "model"], ["library", "iterations"])
    fastest = max(timed, key=lambda p: p.estimate)
    left = len(timed) - len(kept)
    description = points.sentences(
        f"Seconds a step of energy attacks, original and semi-backward,"
        f" {counted(len(timed), 'comparison')}: {_listed(kept, names)}.",
        f"The largest speedup is {numbers.ratio(fastest.record.speedup)}"
        f" ({method(fastest.case)} on {models.name(fastest.case)}).",
        f"{counted(left, 'row')} in between {form(left, 'is', 'are')} not drawn." if left else "",
        points.not_ok(wanted),
    )
    return [plot("energy-time", "Time of a step", description, partial(_time, kept, names))]


def _both(point: Point) -> tuple[float, float] | None:
    """Median seconds a step of the original and of the variant."""
    found = [
        ceilings.median(point.record, v) for v in (point.record.baseline, point.record.variant)
    ]
    return (found[0], found[1]) if found[0] and found[1] else None


def _listed(drawn: Sequence[Point], names: Sequence[str]) -> str:
    told = []
    for point, name in list(zip(drawn, names, strict=True))[:8]:
        before, after = _both(point) or (0.0, 0.0)
        told.append(f"{name} {numbers.significant(before)} → {numbers.significant(after)} s")
    return ", ".join(told)


def _time(drawn: Sequence[Point], names: Sequence[str], theme: Theme) -> Figure:
    figure = Figure(figsize=(DOUBLE, 0.55 + 0.17 * len(drawn)), layout="constrained")
    axes = figure.add_subplot()
    rows = list(range(len(drawn)))
    pairs = [_both(p) or (1.0, 1.0) for p in drawn]
    axes.hlines(rows, *zip(*map(sorted, pairs), strict=True), color=theme.muted, linewidth=1.2)
    series = [
        Series(theme.orange, "o", "original"),
        Series(theme.blue, "s", SEMI_BACKWARD),
    ]
    for number, look in enumerate(series):
        axes.plot(
            [pair[number] for pair in pairs],
            rows,
            linestyle="",
            marker=look.marker,
            markerfacecolor=look.colour,
            markeredgecolor=theme.ink,
        )
    for row, point in zip(rows, drawn, strict=True):
        said = levels.beside(f"{numbers.ratio(point.record.speedup)}×", point.record)
        axes.text(1.01, row, said, transform=axes.get_yaxis_transform(), va="center", fontsize=7)
    axes.set_xscale("log")
    values = [value for pair in pairs for value in pair]
    _log_limits(axes.xaxis, min(values), max(values))
    style.named_rows(axes, rows, names, 52)
    axes.set_ylim(len(drawn) - 0.4, -0.6)
    axes.set_xlabel("seconds a step, the median; at the right, the speedup")
    style.titled(
        figure,
        "A step of energy attacks, original and semi-backward",
        *points.heading(drawn, ["library", "attack", "model", "settings"]),
    )
    style.keyed(figure, marks.keys(series, [], theme, ceiling=False), 2)
    return figure


def _log_limits(axis: Axis, low: float, high: float) -> None:
    """A logarithmic axis around some values, with few, round ticks."""
    low, high = low / 1.15, high * 1.15
    for steps in (_FINE, (1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 5), (1,)):
        ticks = [s * 10.0**power for power in range(-12, 13) for s in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= 7:
            break
    axis.axes.set_xlim(low, high)
    style.fixed_ticks(axis, inside[:: 1 + len(inside) // 8])


def of_runs(runs: Sequence[Run]) -> list[Plot]:
    """Recovery against error, gates over the iterations, and angles between gradients."""
    there = places.of(runs)
    groups: dict[tuple[object, ...], list[Ended]] = {}
    for found in there:
        label = found.label if len(there) > 1 else ""
        for run in found.runs:
            for attack in measures.ended(run, run.comparisons):
                key = (label, attack.case.model, *place(attack.case))
                groups.setdefault(key, []).append(attack)
    left = max(0, len(groups) - NETWORKS)
    more = f"{counted(left, 'other network is', 'other networks are')} not drawn." if left else ""
    plots: list[Plot] = []
    for number, (key, attacks) in enumerate(list(groups.items())[:NETWORKS], 1):
        group = OnNetwork(attacks, number, str(key[0]), more)
        plots += [*_tradeoff(group), *courses.gates(group), *courses.angles(group)]
    return plots


def _tradeoff(group: OnNetwork) -> list[Plot]:
    """Recovery against error on one network, a line for each method through its values of alpha."""
    methods: dict[str, list[Ended]] = {}
    for attack in group.attacks:
        if _place(attack) is not None:
            methods.setdefault(_method(attack), []).append(attack)
    if not methods:
        return []
    order = sorted(methods, key=lambda told: _rank(methods[told][0].case))
    series = {
        told: sorted(methods[told], key=lambda attack: options(attack.case).alpha)
        for told in order[:SERIES]
    }
    left = len(order) - len(series)
    without = len(group.attacks) - sum(map(len, methods.values()))
    description = points.sentences(
        "Recovery against the mean squared error of the perturbed images, a point for each value"
        f" of alpha: {_told(series)}.",
        "Whiskers: 95 % intervals of the mean over networks."
        if any(len(a.reached) > 1 for some in series.values() for a in some)
        else "",
        f"{counted(left, 'method')} more {form(left, 'is', 'are')} not drawn." if left else "",
        f"{counted(without, 'attack')} with nothing to recover, or that left images as they were,"
        f" {form(without, 'is', 'are')} not drawn."
        if without
        else "",
    )
    paint = partial(_curves, series, group)
    return [group.plot("recovery", "Recovery against error", description, paint)]


def _method(attack: Ended) -> str:
    """What it is but for alpha."""
    return method(_usual_alpha(attack.case))


def _usual_alpha(case: Case) -> Case:
    return case.with_options(alpha=EnergyOptions.__dataclass_fields__["alpha"].default)


def _rank(case: Case) -> tuple[int, int]:
    """Methods as the seed has them first, in the same order on every network."""
    known = _METHODS.index(case.attack) if case.attack in _METHODS else len(_METHODS)
    return len(options(_usual_alpha(case)).settings()), known


def _place(attack: Ended) -> tuple[Mean, Mean] | None:
    """Its error and its recovery; None where a logarithmic axis has no place for it."""
    error, recovery = attack.over_seeds(measures.mse), attack.over_seeds(measures.arp)
    return (error, recovery) if error and recovery and error.value > 0 else None


def _told(series: dict[str, list[Ended]]) -> str:
    told = []
    for name, attacks in series.items():
        at = [
            f"{measures.told(recovery)} % at {measures.error_told(error)}"
            f" (alpha = {options(attack.case).alpha:g})"
            for attack in attacks[:5]
            for error, recovery in [_place(attack) or (None, None)]
        ]
        told.append(f"{name} {', '.join(at)}")
    return "; ".join(told)


def _curves(series: dict[str, list[Ended]], group: OnNetwork, theme: Theme) -> Figure:
    figure = Figure(figsize=(SCREEN, 2.9), layout="constrained")
    axes = figure.add_subplot()
    looks = marks.numbered(list(series), theme)
    several = "; numbers: alpha" if any(map(_sweeps, series.values())) else ""
    errors = []
    for look, attacks in zip(looks, series.values(), strict=True):
        errors += _curve(axes, attacks, look, theme)
    axes.set_xscale("log")
    _log_limits(axes.xaxis, min(errors), max(errors))
    axes.set_xlabel(f"mean squared error of the images, on 0 to 255{several}")
    axes.set_ylabel("recovery, ARP (%)")
    axes.grid(visible=True, axis="y")
    style.titled(figure, f"Recovery against error: {shown(group.network, 60)}", group.setting)
    keys = [
        Line2D([], [], color=look.colour, marker=look.marker, markeredgecolor=theme.ink,
               label=shown(look.name, 44))
        for look in looks
    ]  # fmt: skip
    style.keyed(figure, keys, 2)
    return figure


def _sweeps(attacks: Sequence[Ended]) -> bool:
    """Whether there are several values of alpha."""
    return len({options(attack.case).alpha for attack in attacks}) > 1


def _curve(axes: Axes, attacks: Sequence[Ended], look: Series, theme: Theme) -> list[float]:
    """One method's points, joined, each with its alpha where there are several; their errors."""
    found = [(attack, at) for attack in attacks if (at := _place(attack)) is not None]
    across = [error.value for _, (error, _) in found]
    up = [recovery.value for _, (_, recovery) in found]
    half = [recovery.half or 0.0 for _, (_, recovery) in found]
    axes.vlines(
        across,
        [value - side for value, side in zip(up, half, strict=True)],
        [value + side for value, side in zip(up, half, strict=True)],
        color=look.colour,
        linewidth=1.0,
    )
    axes.plot(
        across, up, color=look.colour, marker=look.marker, markeredgecolor=theme.ink, zorder=3
    )
    if _sweeps(attacks):
        for (attack, _), x, y in zip(found, across, up, strict=True):
            axes.annotate(
                f"{options(attack.case).alpha:g}",
                (x, y),
                xytext=(4, -8),
                textcoords="offset points",
                fontsize=6,
                color=theme.muted,
            )
    return across
