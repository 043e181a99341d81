"""Records to draw, their plots, and what is to be seen in a plot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from bench.records.types import ComparisonRecord, Operations
from bench.statistics.anatomy import Anatomy, Part
from bench.statistics.estimate import Speedup
from reports import figures
from reports.figures.plot import Plot
from tests.cases import FIELDS, changed
from tests.records import GAIN, run

HOSTILE = (
    '$\\frac{1}{0}$</title><script>alert("x")</script>&\u202e\x00 漢字 \U0001f98a' + "long " * 50
)
ANATOMY = Anatomy(
    runs=3,
    calls={"backward": 5},
    computing=5,
    forwards=6.0,
    backwards=5.0,
    parameters={},
    own_functions=[],
    parts={
        "original": Part(1.0, 0.3, 0.6, 2400, 4000),
        "semi-backward": Part(0.7, 0.3, 0.3, 2400, 2000),
    },
)


def measured(estimate: float = 1.5, width: float = 0.05, **changes: Any) -> ComparisonRecord:
    """A comparison of `case`, else of `GAIN`'s, with what is given of a case in place."""
    of_case = {key: changes.pop(key) for key in list(changes) if key in FIELDS}
    case = changed(changes.pop("case", GAIN.case), **of_case)
    low, high = estimate * (1 - width), estimate * (1 + width)
    speedup = Speedup(estimate, low, high, 0.95, 3, 24, "")
    return replace(GAIN, **{"case": case, "case_id": case.id, "speedup": speedup, **changes})


def bare(record: ComparisonRecord) -> ComparisonRecord:
    """With a speedup and nothing else to plot."""
    return replace(record, theory=None, memory=None, memory_parts=None, order=[], seconds={})


def hollow(record: ComparisonRecord) -> ComparisonRecord:
    assert record.speedup is not None
    return replace(record, speedup=replace(record.speedup, low=None, high=None))


def plots(*comparisons: ComparisonRecord) -> dict[str, Plot]:
    return {plot.name: plot for plot in figures.plots([run(*comparisons)])}


def marks(axes: Axes) -> list[tuple[float, float]]:
    """Where points were drawn."""
    found = (line for line in axes.lines if line.get_linestyle() == "None")
    return [pair for line in found for pair in path(line)]


def path(line: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in numpy.asarray(line.get_xydata())]


def upright(axes: Axes) -> set[float]:
    """Where the vertical lines from end to end are."""
    found = (path(line) for line in axes.lines)
    return {pairs[0][0] for pairs in found if [y for _, y in pairs] == [0.0, 1.0]}


def whiskers(axes: Axes) -> int:
    lines = [some for some in axes.collections if isinstance(some, LineCollection)]
    found = [some for some in lines if some.get_zorder() == 2]  # not those along the rows
    return sum(len(some.get_segments()) for some in found)


def words(figure: Figure) -> str:
    """All that is written in a figure."""
    return "\n".join(found.get_text() for found in figure.findobj(Text))


BY_BATCH = [measured(batch=batch) for batch in (1, 4, 16)]
COUNTED = [
    measured(model=model, operations={"original": Operations(forward, 0, 12)})
    for model, forward in (("small", 1200), ("large", 24000))
]

ALONE = {"attacks", "predicted", "memory", "samples"}
