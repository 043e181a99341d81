"""From records to plots, by matplotlib: as files, or as SVG in a web page.

`plots` says what the records have something for and draws nothing; a plot's `draw` makes a
matplotlib figure, `draw` files of all plots, and `inline` an SVG element for HTML. What records say
is text to them, never mathematics or markup. Imports matplotlib, and no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.records.reading import Run
from reports.figures import costs, points, predicted, samples, saving, scaling, speedups
from reports.figures.plot import Plot
from reports.figures.saving import inline
from reports.figures.style import DARK, LIGHT, Theme, variables
from reports.reading import kind

__all__ = [
    "DARK",
    "LIGHT",
    "NothingToDraw",
    "Plot",
    "Theme",
    "draw",
    "inline",
    "plots",
    "variables",
]


def _of_kinds(found: Sequence[points.Point]) -> list[Plot]:
    """Plots that only one kind of workload has."""
    makers = [kind.named_by(told.plots) for told in kind.every().values() if told.plots]
    return [plot for make in makers for plot in make(found)]


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


class NothingToDraw(Exception):
    """The records hold nothing that a figure could show."""


def plots(runs: Sequence[Run]) -> list[Plot]:
    """Every plot that some runs have something for, not yet drawn."""
    found = points.collect(runs)
    return [plot for series in _SERIES for plot in series(found)]


def draw(runs: Sequence[Run], folder: Path) -> list[Path]:
    """Draw every plot into a folder: light as SVG, PDF and PNG, dark as SVG and PNG.

    Args:
        runs: what was measured.
        folder: where the files go; made if it is not there.

    Returns:
        the files.

    Raises:
        NothingToDraw: no comparison ended with a speedup.
        OSError: the folder can't be written into.
    """
    found = plots(runs)
    if not found:
        raise NothingToDraw(
            "nothing to draw: no comparison in these records ended with a speedup; `report` tells"
            " why"
        )
    return saving.save(found, folder)
