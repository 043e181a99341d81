"""How every plot looks: colours of paper, ink and series, sizes of type, names, axes of speedup.

Colours are those of Okabe and Ito ("Color universal design", 2008), which colour-blind people tell
apart, made lighter or darker until a grey copy tells them apart as well.
"""

from __future__ import annotations

import contextlib
import functools
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import matplotlib as mpl
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import FixedLocator, NullLocator

from reports.figures.points import short
from reports.reading.words import spelt

SINGLE, DOUBLE = 3.4, 7.0
"""Inches: the width of a column of print, and of two."""
SCREEN = 5.2
"""Inches: as wide as a page on a screen has it, where it can still be read on a phone."""
CEILING = 1.5
"""Full backward over semi-backward, forward passes included, where F = D = W (Bu 2022)."""
MARKERS = ("o", "s", "^", "D", "v", "P")
DPI = 200
TITLE_LINE, KEY_LINE = 0.135, 0.13
"""Inches: what a line of a title takes, and of a legend."""


@dataclass(frozen=True)
class Theme:
    """The colours of a plot.

    Attributes:
        paper: behind everything.
        ink: text, and the edges of marks.
        muted: axes and lines of reference.
        faint: areas and grids in the background.
        blue, orange, vermilion, sky, green, purple: of series, in this order.
    """

    paper: str
    ink: str
    muted: str
    faint: str
    blue: str
    orange: str
    vermilion: str
    sky: str
    green: str
    purple: str

    @property
    def series(self) -> tuple[str, ...]:
        """The colours of series, in the order they are given out."""
        return (self.blue, self.orange, self.vermilion, self.sky, self.green, self.purple)


LIGHT = Theme(
    "#ffffff", "#1a1a1a", "#6b6b6b", "#e9e9e9",
    "#00558a", "#e69f00", "#c8500a", "#8accf2", "#009e73", "#4a1f3d",
)  # fmt: skip
DARK = Theme(
    "#16181d", "#ececec", "#9a9a9a", "#2b2f37",
    "#3a8fd0", "#eeb43c", "#b84e15", "#a9dbf8", "#35b892", "#f7e3ee",
)  # fmt: skip
PLACEHOLDERS = Theme(*(f"#f1e2{index:02x}" for index in range(1, len(fields(Theme)) + 1)))
"""Colours that stand for CSS variables until the drawing is text."""


def variables(theme: Theme) -> dict[str, str]:
    """A theme as the CSS variables that an inline plot reads, as {"--plot-ink": "#1a1a1a", …}."""
    return {f"--plot-{field.name}": getattr(theme, field.name) for field in fields(theme)}


@contextlib.contextmanager
def saving(salt: str | None = None) -> Iterator[None]:
    """Inside the block, what is laid out and saved does not depend on the user's own settings.

    Args:
        salt: what the names of an SVG's parts are made from; without one they are random.
    """
    with mpl.rc_context(
        {
            "svg.hashsalt": salt,
            "svg.fonttype": "path",
            "pdf.fonttype": 42,
            "text.hinting": "none",  # text is as wide at every resolution
        }
    ):
        yield


@contextlib.contextmanager
def applied(theme: Theme) -> Iterator[None]:
    """Inside the block, matplotlib draws in this theme, whatever the user's own settings are."""
    settings = {
        "figure.dpi": DPI,  # the layout is made for it
        "figure.constrained_layout.w_pad": 0.06,
        "figure.facecolor": theme.paper,
        "axes.facecolor": theme.paper,
        "savefig.facecolor": theme.paper,
        "text.color": theme.ink,
        "axes.labelcolor": theme.ink,
        "axes.titlecolor": theme.ink,
        "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink,
        "axes.edgecolor": theme.muted,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "grid.color": theme.faint,
        "hatch.color": theme.ink,
        "patch.edgecolor": theme.ink,
        "lines.color": theme.ink,
        "font.family": "DejaVu Sans",  # matplotlib brings it along
        "font.size": 7.5,
        "axes.labelsize": 7.5,
        "axes.titlesize": 7.5,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "figure.titlesize": 8,
        "axes.titlelocation": "left",
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "grid.linewidth": 0.6,
        "hatch.linewidth": 0.5,
        "lines.linewidth": 1.0,
        "lines.markersize": 4,
        "lines.markeredgewidth": 0.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "legend.frameon": False,
        "legend.handlelength": 1.8,
        "legend.columnspacing": 1.2,
        "legend.labelspacing": 0.3,
        "text.parse_math": False,  # what records say is text
    }
    with matplotlib.style.context(["default", settings]), saving():
        yield


def shown(text: str, most: int = 36) -> str:
    """What a record says, in characters that can be drawn, cut in the middle where it is long."""
    return "".join(
        character if ord(character) in _drawn() else "\N{REPLACEMENT CHARACTER}"
        for character in short(text, most)
    )


@functools.cache
def _drawn() -> frozenset[int]:
    """The characters that the font has."""
    font = FT2Font(str(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")))
    return frozenset(font.get_charmap())


def titled(figure: Figure, *lines: str) -> None:
    """Put lines of title above, broken to the figure's width; the figure grows by them.

    Of each line as much is kept as fits in three.
    """
    width = int(figure.get_figwidth() * 16.5)  # characters of this size that an inch holds
    broken = [
        part
        for whole in lines
        if whole
        for line in (whole.split("; ") if len(whole) > width else [whole])
        for part in textwrap.wrap(shown(line, 3 * width), width, max_lines=3, placeholder=" …")
    ]
    figure.suptitle("\n".join(broken), x=0.01, ha="left")
    figure.set_figheight(figure.get_figheight() + TITLE_LINE * len(broken))


def keyed(figure: Figure, handles: Sequence[object], columns: int) -> None:
    """A legend below the figure, which grows by it."""
    figure.legend(handles=handles, loc="outside lower left", ncols=columns)
    rows = -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + KEY_LINE * (rows + 1))


def call_style(call: str, theme: Theme) -> tuple[str, str, str]:
    """Colour, marker and name of a way to ask for gradients, the same in every plot."""
    kinds = ("backward", "autograd.grad", "backward(inputs)", "none")
    at = kinds.index(call) if call in kinds else 4 if call else 5
    names = (*map(spelt, kinds[:3]), "asks for no gradient", "several kinds of call", "not known")
    return theme.series[at], MARKERS[at], names[at]


_STEPS = (
    [0.5, 0.6, 0.7, *(round(0.8 + 0.1 * step, 1) for step in range(9)), 1.8, 2.0],
    [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6],
    [0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10],
    [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100],
    [10.0**power for power in range(-12, 13)],
)
_REACH = 1.3
"""How far beyond the estimates an axis goes for the ends of their intervals."""


def speedup_axis(axis: Axis, estimates: Iterable[float], ends: Iterable[float] = ()) -> None:
    """A logarithmic axis of speedups, with 1 and the ceiling on it and few, round ticks.

    Args:
        axis: to set up.
        estimates: speedups that have to be on it.
        ends: of their intervals; those far out are cut off.
    """
    values = [*estimates, 1.0, CEILING]
    low, high = min(values), max(values)
    far = [min(max(end, low / _REACH), high * _REACH) for end in ends]
    low, high = min([low, *far]) / 1.04, max([high, *far]) * 1.04
    inside = [[tick for tick in steps if low <= tick <= high] for steps in _STEPS]
    ticks = next((found for found in inside if 2 <= len(found) <= 8), inside[-1])
    if isinstance(axis, XAxis):
        axis.axes.set(xscale="log", xlim=(low, high))
    else:
        axis.axes.set(yscale="log", ylim=(low, high))
    fixed_ticks(axis, ticks)


def fixed_ticks(axis: Axis, ticks: Sequence[float]) -> None:
    """Ticks at these places, written plainly."""
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def named_rows(axes: Axes, places: Sequence[float], names: Sequence[str], most: int) -> None:
    """Names at the left of rows, and faint lines along them."""
    axes.set_yticks(places, [shown(name, most) for name in names])
    axes.tick_params(axis="y", left=False)
    axes.hlines(
        places,
        0,
        1,
        transform=axes.get_yaxis_transform(),
        color=mpl.rcParams["grid.color"],
        linestyle=(0, (1, 2)),
        linewidth=0.6,
        zorder=0,
    )


def reference_lines(axes: Axes, theme: Theme, *, vertical: bool = True) -> None:
    """The lines at 1 and at the ceiling."""
    line = axes.axvline if vertical else axes.axhline
    line(1.0, color=theme.muted, linewidth=0.8, zorder=1)
    line(CEILING, color=theme.muted, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
