"""Which plots some records have something for. Draws nothing."""

from __future__ import annotations

from collections.abc import Sequence

from bench.records.reading import Run
from reports.figures import costs, heat, points, predicted, samples, scaling, speedups
from reports.figures.plot import Plot
from reports.reading import kind


def _of_kinds(found: Sequence[points.Point]) -> list[Plot]:
    """Plots that only one kind of workload has."""
    makers = [kind.named_by(told.plots) for told in kind.every().values() if told.plots]
    return [plot for make in makers for plot in make(found)]


def _of_own_lines(runs: Sequence[Run]) -> list[Plot]:
    """Plots of lines of records that only one kind has."""
    makers = [kind.named_by(told.own_plots) for told in kind.every().values() if told.own_plots]
    return [plot for make in makers for plot in make(runs)]


_SERIES = (
    speedups.libraries,
    speedups.attacks,
    predicted.predicted,
    scaling.batches,
    scaling.models,
    _of_kinds,
    costs.time,
    costs.memory,
    samples.over_time,
)


def plots(runs: Sequence[Run]) -> list[Plot]:
    """Every plot that some runs have something for, not yet drawn."""
    found = points.collect(runs)
    of_points = (plot for series in _SERIES for plot in series(found))
    return [*of_points, *_of_own_lines(runs), *heat.matrices(runs)]
