"""Adversarial training against the number of attack steps, beside the theory: Bu 2022, figure 2."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.cases import SEMI_BACKWARD
from bench.kinds.training.options import TrainingOptions
from reports.figures import marks, points, style
from reports.figures.plot import Plot, plot
from reports.figures.points import Point
from reports.figures.style import SINGLE, Theme
from reports.reading.words import WITHIN
from semibackward_bench.grammar import counted, form

FIGURES = 3
RUNS = 5
TICKS = 8
_TITLE = ("library", "attack", "model")


def theory(steps: float) -> float:
    """Speedup of K-PGD training that counting passes predicts (Bu 2022, section 4.4)."""
    return (3 * steps + 3) / (2 * steps + 3)


def by_steps(found: Sequence[Point]) -> list[Plot]:
    """Speedup of K-PGD training against K, where it was measured with several."""
    wanted = [
        p
        for p in found
        if isinstance(p.case.options, TrainingOptions)
        and p.case.options.training == "pgd"
        and p.case.options.steps
        and p.record.variant == SEMI_BACKWARD
    ]
    groups = points.grouped((p for p in wanted if p.drawable), {"steps", "run"})
    groups = [group for group in groups if len({_steps(p) for p in group}) > 1]
    plots, taken = [], set()
    for group in groups[:FIGURES]:
        case = group[0].case
        name = f"training-{case.library}-{case.attack}-{group[0].facet('model')}-{case.batch}"
        while name in taken:
            name += "-also"
        taken.add(name)
        runs = list(dict.fromkeys(p.run for p in group))[:RUNS]
        drawn = sorted((p for p in group if p.run in runs), key=_steps)
        others = [p for p in wanted if _task(p) == _task(group[0]) and not p.drawable]
        description = points.sentences(
            "Speedup of a step of adversarial training against the steps K of its attack, beside"
            f" the theory (3K + 3) / (2K + 3): {_told(drawn)}.",
            f"{len(group) - len(drawn)} of other runs"
            f" {form(len(group) - len(drawn), 'is', 'are')} not drawn."
            if len(group) > len(drawn)
            else "",
            f"{counted(len(groups) - FIGURES, 'other setting is', 'other settings are')} not drawn."
            if len(groups) > FIGURES
            else "",
            points.intervals(drawn),
            points.not_ok(others),
        )
        plots.append(
            plot(
                name,
                f"Training against attack steps: {points.name(group[0], _TITLE)}",
                description,
                partial(_by_steps, drawn, runs),
            )
        )
    return plots


def _steps(point: Point) -> int:
    """K, of a point that is drawn."""
    return TrainingOptions.of(point.case).steps or 0


def _task(point: Point) -> list[str]:
    return [point.facet(name) for name in points.FACETS if name != "steps"]


def _told(drawn: Sequence[Point]) -> str:
    return ", ".join(
        f"{p.estimate:.2f} at K = {_steps(p)}"
        f"{f' ({points.short(p.run)})' if p.run else ''}, theory {theory(_steps(p)):.2f}"
        for p in drawn[:12]
    )


def _by_steps(drawn: Sequence[Point], runs: Sequence[str], theme: Theme) -> Figure:
    figure = Figure(figsize=(SINGLE, 2.2), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(1.0, color=theme.muted, linewidth=0.8)
    steps = sorted({_steps(p) for p in drawn})
    curve = numpy.geomspace(steps[0], steps[-1], 60)
    axes.plot(curve, [theory(k) for k in curve], color=theme.muted, linestyle="--")
    alone = all(p.single for p in drawn)
    names = [run or f"measured, {WITHIN if alone else 'with its interval'}" for run in runs]
    series = marks.numbered(names, theme)
    for number, (run, look) in enumerate(zip(runs, series, strict=True)):
        some = [p for p in drawn if p.run == run]
        # Runs side by side, a little apart.
        places = [_steps(p) * 1.06 ** (number - (len(runs) - 1) / 2) for p in some]
        marks.estimates(axes, some, places, look, theme)
    axes.set_xscale("log")
    axes.set_xlim(steps[0] / 1.15, steps[-1] * 1.15)
    style.fixed_ticks(axes.xaxis, [steps[i] for i in points.spread_evenly(len(steps), TICKS)])
    axes.set_xlabel("attack steps in a training step, K")
    axes.set_ylabel("speedup of training")
    style.titled(
        figure,
        f"K-PGD training with {points.name(drawn[0], ['library', 'attack'])}",
        *points.heading(drawn, ["library", "attack", "training"]),
    )
    curve_key = Line2D(
        [], [], color=theme.muted, linestyle="--", label="theory: (3K + 3) / (2K + 3)"
    )
    style.keyed(figure, [*marks.keys(series, drawn, theme, ceiling=False), curve_key], 1)
    return figure
