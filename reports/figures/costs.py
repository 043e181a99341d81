"""What a run is made of: its time, stacked, and its memory."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bench.records.memory import MemoryParts
from reports.figures import points, style
from reports.figures.plot import Plot, plot
from reports.figures.points import Point
from reports.figures.style import DOUBLE, Theme, shown
from reports.reading import kind, ways
from reports.reading import shares as reading
from semibackward_bench.grammar import counted, form

BARS = 40
"""Attacks with a bar each; more are averaged."""
PAIRS = 20
"""Comparisons with their memory drawn, two bars each."""
TOLERANCE = 1.05
"""How much more than the peak its parts may add up to, and still be drawn as its parts."""

Shares = tuple[float, float, float, float, float]
"""Of the time: forward, output gradients, parameter gradients, both not told apart, overhead."""


@dataclass(frozen=True)
class Part:
    """A layer of a stack: its name, the theme's colour and a hatch to tell it apart in grey."""

    name: str
    colour: str
    hatch: str = ""


_TIME = (
    Part("forward", "blue"),
    Part("output gradients", "sky"),
    Part("parameter gradients", "orange", "////"),
    Part("gradients, not told apart", "green", "xxx"),
    Part("overhead", "faint"),
)
_MEMORY = (
    Part("held before", "blue"),
    Part("saved activations", "sky"),
    Part(".grad buffers", "orange", "////"),
    Part("rest", "faint"),
    Part("peak, parts not known", "muted"),
)


def shares(point: Point) -> Shares | None:
    """The shares of the baseline's time; None where it was not dissected, or can't be divided."""
    record = point.record
    split = reading.of(record)
    if split is None:
        return None
    # Where forward-only leaves both gradients out, they can't be told apart.
    spared = ways.infers(record) and kind.of(record.case).forward_only_spares
    parameter = None if spared else split.parameter_gradients
    if parameter is None:
        return split.forward, 0.0, 0.0, split.backward, split.overhead
    return split.forward, split.backward - parameter, parameter, 0.0, split.overhead


def time(found: Sequence[Point]) -> list[Plot]:
    """Where the baseline's time goes, a bar for each case, or for each group of many."""
    cases: dict[tuple[str, str, str], tuple[Point, Shares]] = {}
    for p in sorted(found, key=lambda p: not ways.freezes(p.record)):
        told = shares(p) if p.drawable else None
        if told is not None:
            cases.setdefault((p.record.case_id, p.record.baseline, p.run), (p, told))
    if not cases:
        return []
    rows, grouped = _rows(list(cases.values()))
    rows.sort(key=lambda row: -row[1][2])
    drawn = [rows[index] for index in points.spread_evenly(len(rows), BARS)]
    everything = [p for p, _ in cases.values()]
    whose = ways.the(ways.baseline_of(p.record for p in everything))
    name, first = drawn[0]
    left = len(rows) - len(drawn)
    median = statistics.median(told[2] for _, told in cases.values())
    description = points.sentences(
        f"Shares of {whose}'s time in forward passes, output gradients, parameter gradients"
        f" and overhead, {counted(len(cases), 'case')}; parameter gradients take"
        f" {100 * median:.0f} % (median), and most in {name}, {100 * first[2]:.0f} %.",
        "A bar is the mean of a library's attacks that ask for gradients in the same way."
        if grouped
        else "",
        f"{counted(left, 'bar')} in between {form(left, 'is', 'are')} not drawn." if left else "",
        points.not_ok(found),
    )
    return [
        plot(
            "anatomy",
            "Where the time goes",
            description,
            partial(_time, drawn, everything, grouped),
        )
    ]


def _rows(cases: Sequence[tuple[Point, Shares]]) -> tuple[list[tuple[str, Shares]], bool]:
    """A named bar for each case; of too many, for each library and way to ask for gradients."""
    everything = [p for p, _ in cases]
    if len(cases) <= BARS:
        names = points.names(everything, ["library", "attack"])
        return [(name, told) for name, (_, told) in zip(names, cases, strict=True)], False
    groups: dict[tuple[str, str, str], list[Shares]] = {}
    for p, told in cases:
        call = style.call_style(p.call, style.LIGHT)[2]
        groups.setdefault((p.case.library, call, p.run), []).append(told)
    alike = Counter((library, call) for library, call, _ in groups)
    rows = []
    for (library, call, run), some in groups.items():
        first, second, third, fourth, fifth = map(statistics.fmean, zip(*some, strict=True))
        name = f"{library}, {call} ({len(some)})"
        name += f", {run}" if alike[library, call] > 1 else ""
        rows.append((name, (first, second, third, fourth, fifth)))
    return rows, True


def _time(
    rows: Sequence[tuple[str, Shares]], everything: Sequence[Point], grouped: bool, theme: Theme
) -> Figure:
    figure = Figure(figsize=(DOUBLE, 0.5 + 0.16 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    stacks = [[100 * share for share in told] for _, told in rows]
    there = _stacked(axes, list(range(len(rows))), stacks, _TIME, 0.72, theme)
    axes.set_yticks(range(len(rows)), [shown(name, 52) for name, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    whose = f"{ways.the(ways.baseline_of(p.record for p in everything))}'s time"
    axes.set_xlabel(f"% of {whose}")
    axes.tick_params(axis="y", left=False)
    apart = ["library", "attack", "variant"]
    title = f"Where {whose} goes"
    style.titled(
        figure,
        f"{title}, means of attacks (their number)" if grouped else title,
        *points.heading(everything, apart),
    )
    style.keyed(figure, there, 4)
    return figure


def _stacked(
    axes: Axes,
    places: Sequence[float],
    stacks: Sequence[Sequence[float]],
    parts: Sequence[Part],
    height: float,
    theme: Theme,
) -> list[Patch]:
    """Bars of stacked parts; the keys of those that are there."""
    keys = []
    lefts = [0.0] * len(stacks)
    for number, part in enumerate(parts):
        widths = [stack[number] for stack in stacks]
        if any(widths):
            look = {
                "facecolor": getattr(theme, part.colour),
                "edgecolor": theme.ink,
                "linewidth": 0.4,
                "hatch": part.hatch,
            }
            there = [index for index, width in enumerate(widths) if width]
            axes.barh(
                [places[index] for index in there],
                [widths[index] for index in there],
                height,
                [lefts[index] for index in there],
                **look,
            )
            keys.append(Patch(label=part.name, **look))
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    return keys


def memory(found: Sequence[Point]) -> list[Plot]:
    """Peak memory of both variants, stacked where its parts are known."""
    wanted = [p for p in found if p.record.status == "ok" and _peaks(p) is not None]
    if not wanted:
        return []
    ranked = sorted(wanted, key=lambda p: -_ratio(p))
    drawn = [ranked[index] for index in points.spread_evenly(len(ranked), PAIRS)]
    names = points.names(drawn, ["library", "attack"])
    whose = ways.baseline_of(p.record for p in ranked)
    told = (
        f"{whose} over variant is {_ratio(ranked[0]):.2f} at most ({names[0]}),"
        f" {points.medians(ranked, list(map(_ratio, ranked)))} in the median and"
        f" {_ratio(ranked[-1]):.2f} at least ({names[-1]})"
        if len(ranked) > 1
        else f"{whose} over variant is {_ratio(ranked[0]):.2f} ({names[0]})"
    )
    other = len(found) - len(wanted)
    whole = sum(stack[-1] > 0 for p in drawn for stack in _stacks(p))
    description = points.sentences(
        f"Peak memory of a run of both variants, {counted(len(wanted), 'comparison')}, the largest"
        f" ratio first: {told}.",
        f"{len(drawn)} are drawn, evenly spread over that order, {len(ranked) - len(drawn)}"
        f" {form(len(ranked) - len(drawn), 'is', 'are')} not."
        if len(ranked) > len(drawn)
        else "",
        f"{whole} of the bars {form(whole, 'is', 'are')} not split, where parts are not known or"
        " exceed the peak."
        if whole
        else "",
        f"{counted(other, 'comparison')} without an account of memory"
        f" {form(other, 'is', 'are')} not drawn."
        if other
        else "",
    )
    return [
        plot("memory", "Peak memory", description, partial(_memory, drawn, names)),
    ]


def _peaks(point: Point) -> tuple[int, int] | None:
    record = point.record
    found: Mapping[str, int | float | str] = record.memory or {}
    values = [found.get(record.baseline), found.get(record.variant)]
    peaks = [int(value) for value in values if isinstance(value, int) and value >= 0]
    return (peaks[0], peaks[1]) if len(peaks) == 2 and peaks[0] else None


def _ratio(point: Point) -> float:
    before, after = _peaks(point) or (1, 1)
    return before / max(after, 1)


def _stack(peak: int, parts: MemoryParts | None) -> list[float]:
    """The parts of a peak, in bytes; the peak alone where they are not known or add up to more."""
    if parts is not None:
        known = [parts.before, parts.saved, parts.gradients, parts.rest]
        if min(known) >= 0 and sum(known) <= TOLERANCE * peak:
            return [*map(float, known), 0.0]
    return [0.0, 0.0, 0.0, 0.0, float(peak)]


def _stacks(point: Point) -> list[list[float]]:
    """Of the baseline and of the variant."""
    record, parts = point.record, point.record.memory_parts or {}
    variants = (record.baseline, record.variant)
    both = zip(_peaks(point) or (), variants, strict=True)
    return [_stack(peak, parts.get(variant)) for peak, variant in both]


def _memory(drawn: Sequence[Point], names: Sequence[str], theme: Theme) -> Figure:
    stacks = [stack for p in drawn for stack in _stacks(p)]
    most = max(map(sum, stacks))
    scale, unit = next(
        (scale, unit) for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "bytes"))
        if most >= scale or scale == 1
    )  # fmt: skip
    places = [3 * row + at for row in range(len(drawn)) for at in (0, 1)]
    figure = Figure(figsize=(DOUBLE, 0.5 + 0.29 * len(drawn)), layout="constrained")
    axes = figure.add_subplot()
    scaled = [[part / scale for part in stack] for stack in stacks]
    there = _stacked(axes, places, scaled, _MEMORY, 0.86, theme)
    axes.set_yticks([3 * row + 0.5 for row in range(len(drawn))], [shown(n, 52) for n in names])
    axes.tick_params(axis="y", left=False)
    axes.set_ylim(3 * len(drawn) - 1.3, -0.7)
    axes.set_xlabel(f"peak of a run, {unit}; {_bars(drawn)}")
    style.titled(figure, "Peak memory", *points.heading(drawn, ["library", "attack"]))
    style.keyed(figure, there, 4)
    return figure


def _bars(drawn: Sequence[Point]) -> str:
    baseline, variant = points.ways_of(drawn)
    return f"upper bar: {baseline}, lower bar: {variant}"
