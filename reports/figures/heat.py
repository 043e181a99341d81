"""A matrix as heat maps, one for each mode: a row an attack of a version, a column a torch.

What a square says stands in it too; its colour says the same again.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from bench.records.matrix import CellRecord
from bench.records.reading import Run
from reports.figures import style
from reports.figures.plot import Plot, plot
from reports.figures.style import DOUBLE, Theme
from reports.reading import changes, matrix, naming
from reports.reading.matrix import ALL, ASKS_NONE, NONE, Matrix, Row

ROWS = 72
"""Rows of one plot; more go on in the next."""
COLUMNS = 26
"""Columns of maps beside each other; of more, each mode has a plot of its own."""
_ROW, _HEAD = 0.13, 0.95
"""Inches: a row, and what the maps have above and below."""
_BETWEEN_VERSIONS, _BETWEEN_LIBRARIES = 0.18, 0.55
"""Rows that are left free."""
_FAINTEST = 0.14
"""How much colour the smallest share has that is not 0."""
_DARK = 0.6
"""The share from which letters are as light as paper."""
_LETTERS = 5.2
"""Points: of what stands in a square, where there is room."""
_CAPITAL = 0.73
"""The height of a capital, and of a digit, for each point of size."""
_NAME = 34
"""Letters of a row's name."""
_REASONS = 10
"""Reasons that stand below the maps; the others are in the words beside the plot and in tables."""
TITLE = "Parameter gradients computed"
_HOW = "of all that a run's calls for gradients could compute, by version of torch"
_HATCH = "//////"


@dataclass(frozen=True)
class _Line:
    """A row of the plot: one of each mode, of the same case and version.

    Attributes:
        place: of its middle, in rows from above.
        begins: whether it is the first of its version, and tells it.
        rows: by mode.
    """

    place: float
    begins: bool
    rows: dict[str, Row]

    @property
    def first(self) -> Row:
        return next(iter(self.rows.values()))


def matrices(runs: Sequence[Run]) -> list[Plot]:
    """The heat maps of each run's matrix, not yet drawn."""
    with naming.told_apart(runs):
        found = [made for run in runs if (made := matrix.of(run.cells)) is not None]
    return [
        _plot(number, *page)
        for number, page in enumerate(itertools.chain.from_iterable(map(_pages, found)), 1)
    ]


def of(found: Matrix) -> list[Plot]:
    """The heat maps of one matrix."""
    return [_plot(number, *page) for number, page in enumerate(_pages(found), 1)]


def _plot(number: int, found: Matrix, modes: Sequence[str], rows: Sequence[Row], some: str) -> Plot:
    name = "matrix" if number == 1 else f"matrix-{number}"
    title = f"{TITLE} by version{some}"
    said = " ".join([*changes.sentences(found), *(f"{text}." for text in _reasons(found))])
    description = (
        f"{TITLE}, of those that the calls for gradients could compute{found.common}; a row for"
        f" each attack with each version of its library, a column for each version of torch. {said}"
    )
    return plot(name, title, description, partial(_drawn, found, modes, rows))


def _pages(found: Matrix) -> Iterator[tuple[Matrix, Sequence[str], Sequence[Row], str]]:
    """What each plot is of: its modes, its rows, and what its title tells of them."""
    modes = [mode for mode in found.modes if found.of_mode(mode)]
    apart = sum(len(found.torches_of(mode)) for mode in modes) > COLUMNS and len(modes) > 1
    for some in [[mode] for mode in modes] if apart else [modes] if modes else []:
        rows = [row for row in found.rows if row.mode in some and row.counted]
        keys = list(dict.fromkeys(row.label for row in rows))
        for start in range(0, len(keys), ROWS):
            kept = set(keys[start : start + ROWS])
            last = min(start + ROWS, len(keys))
            part = f", rows {start + 1} to {last} of {len(keys)}" if len(keys) > ROWS else ""
            told = f", {some[0]}" if apart else ""
            yield found, some, [row for row in rows if row.label in kept], f"{told}{part}"


def _reasons(found: Matrix) -> Iterator[str]:
    """Why squares are hatched, each with its letter."""
    for one in (*found.reasons, *matrix.marked(found)):
        yield f"{one.mark}: {one.status}: {one.text}"


def _lines(rows: Sequence[Row]) -> list[_Line]:
    by_label: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_label.setdefault(row.label, {})[row.mode] = row
    made: list[_Line] = []
    place = 0.0
    for by_mode in by_label.values():
        row = next(iter(by_mode.values()))
        before = made[-1].first if made else None
        begins = before is None or before.whose != row.whose
        if before is not None:
            place += 1.0
            if before.library != row.library:
                place += _BETWEEN_LIBRARIES
            elif begins:
                place += _BETWEEN_VERSIONS
        made.append(_Line(place, begins, by_mode))
    return made


def _drawn(found: Matrix, modes: Sequence[str], rows: Sequence[Row], theme: Theme) -> Figure:
    lines = _lines(rows)
    torches = {mode: found.torches_of(mode) for mode in modes}
    height = lines[-1].place + 1
    engine = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.02)
    figure = Figure(figsize=(DOUBLE, _HEAD + _ROW * height), layout=engine)
    widths = [len(torches[mode]) for mode in modes]
    every = figure.subplots(1, len(modes), squeeze=False, sharey=True, width_ratios=widths)[0]
    size = min(_LETTERS, _LETTERS * COLUMNS / sum(widths))
    for axes, mode in zip(every, modes, strict=True):
        _map(axes, found, mode, lines, torches[mode], size, theme)
        axes.set_ylim(height - 0.5, -0.5)
    first = every[0]
    names = [_name(line) for line in lines]
    first.set_yticks([line.place for line in lines], names, fontsize=6)
    style.titled(figure, f"{TITLE}{found.common}", _HOW)
    style.keyed(figure, _keys(theme), 5)
    _told(figure, list(_reasons(found)))
    return figure


def _name(line: _Line) -> str:
    row = line.first
    name = style.shown(row.name, _NAME)
    return f"{style.shown(row.whose, _NAME)}  {name}" if line.begins else name


def _map(
    axes: Axes,
    found: Matrix,
    mode: str,
    lines: Sequence[_Line],
    torches: Sequence[str],
    size: float,
    theme: Theme,
) -> None:
    """One mode's."""
    squares = _Squares(axes, size, theme)
    for line in lines:
        row = line.rows.get(mode)
        for at, torch in enumerate(torches):
            record = None if row is None else row.counted.get(torch)
            if record is not None:
                squares.add(found, record, (at, line.place))
    squares.draw()
    axes.set_xlim(-0.5, len(torches) - 0.5)
    axes.xaxis.tick_top()
    names = [style.shown(torch, 16) for torch in torches]
    axes.set_xticks(range(len(torches)), names, rotation=90, fontsize=6)
    axes.tick_params(length=0, pad=1.5)
    axes.spines[:].set_visible(False)
    axes.set_title(mode, loc="left", fontweight="bold")


class _Squares:
    """The squares of a map; those that look alike are one path, and those that say the same are
    marks of one series, so that many take little room in a file.

    Args:
        axes: to draw on.
        size: of letters, in points.
        theme: of the plot.
    """

    def __init__(self, axes: Axes, size: float, theme: Theme) -> None:
        self._axes, self._size, self._theme = axes, size, theme
        self._said: dict[tuple[str, str], list[tuple[float, float]]] = {}
        self._counted: dict[float, list[Path]] = {}
        self._hatched: list[Path] = []
        self._behind: list[Path] = []

    def add(self, found: Matrix, record: CellRecord, place: tuple[float, float]) -> None:
        """Add one, with what is written in it."""
        state, ink = matrix.state(record), self._theme.ink
        if state is None:
            said = found.mark(record).removeprefix(matrix.NOT_COUNTED)
            self._hatched.append(_rectangle(place, 0.92, 0.88))
            self._behind.append(_rectangle(place, 0.14 + 0.16 * len(said), 0.66))
        else:
            share = min(state.share, 1.0)
            said = found.text(record).replace("0.", ".", 1).replace(ASKS_NONE, "·")
            ink = self._theme.paper if share > _DARK else ink
            self._counted.setdefault(share, []).append(_rectangle(place, 0.92, 0.88))
        self._said.setdefault((said, ink), []).append(place)

    def draw(self) -> None:
        """Draw all that were added."""
        theme = self._theme
        for share, paths in self._counted.items():
            self._path(paths, facecolor=_colour(share, theme), edgecolor=theme.faint, linewidth=0.5)
        look = {"facecolor": theme.faint, "linewidth": 0.0}
        self._path(self._hatched, **look, edgecolor=theme.muted, hatch=_HATCH)
        self._path(self._behind, **look)
        for (said, ink), places in self._said.items():
            self._write(said, ink, places)

    def _write(self, said: str, ink: str, places: Sequence[tuple[float, float]]) -> None:
        word = TextPath((0.0, 0.0), said, size=self._size)
        ends = word.get_extents()
        middle = ((ends.x0 + ends.x1) / 2, _CAPITAL * self._size / 2)
        outline = numpy.asarray(word.vertices) - middle
        self._axes.plot(
            *zip(*places, strict=True),
            linestyle="",
            marker=Path(outline, word.codes),
            markersize=2 * numpy.abs(outline).max(),  # what matplotlib makes of a path's size
            markeredgewidth=0.0,
            color=ink,
            label=said,
        )

    def _path(self, paths: Sequence[Path], **look: Any) -> None:
        if paths:
            self._axes.add_patch(PathPatch(Path.make_compound_path(*paths), **look))


def _rectangle(place: tuple[float, float], width: float, height: float) -> Path:
    x, y = place
    left, right, low, high = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    return Path([(left, low), (right, low), (right, high), (left, high), (left, low)], closed=True)


def _colour(share: float, theme: Theme) -> tuple[float, float, float, float]:
    """Of a square: the more is computed, the stronger."""
    strength = _FAINTEST + (1 - _FAINTEST) * share
    return to_rgba(theme.blue, strength) if share else to_rgba(theme.paper)


def _told(figure: Figure, reasons: Sequence[str]) -> None:
    """Reasons between the maps and the keys; the figure grows by them."""
    if not reasons:
        return
    width = int(figure.get_figwidth() * 18)
    more = len(reasons) - _REASONS
    kept = [*reasons[:_REASONS], *([f"and {more} more, in the tables"] if more > 0 else [])]
    lines = [
        part
        for text in kept
        for part in textwrap.wrap(
            style.shown(text, 2 * width), width, max_lines=2, placeholder=" …"
        )
    ]
    (legend,) = figure.legends
    legend.set_title("\n".join(lines), FontProperties(size=6))
    legend.set_alignment("left")
    figure.set_figheight(figure.get_figheight() + 0.1 * len(lines) + 0.05)


def _keys(theme: Theme) -> list[Artist]:
    hatched = Patch(facecolor=theme.faint, edgecolor=theme.muted, linewidth=0.0, hatch=_HATCH)
    hatched.set_label("not counted, by its reason's letter")
    none = Patch(facecolor=theme.paper, edgecolor=theme.muted, linewidth=0.5, label=NONE)
    dot = Line2D([], [], linestyle="", color=theme.ink, marker=".", markersize=2.5)
    dot.set_label(f"{ASKS_NONE}: no gradient is asked for")
    return [
        Patch(facecolor=_colour(1.0, theme), label=ALL),
        Patch(facecolor=_colour(0.5, theme), label="half of them"),
        none,
        hatched,
        dot,
    ]
