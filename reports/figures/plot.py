"""A plot before it is drawn: what it is called, what it shows in words, and how to draw it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from matplotlib.figure import Figure

from reports.figures import style
from reports.figures.style import LIGHT, Theme


class Draw(Protocol):
    """Draws a plot in a theme; the figure's parts have their places, whatever it is saved as."""

    def __call__(self, theme: Theme = LIGHT) -> Figure: ...


@dataclass(frozen=True)
class Plot:
    """One plot of a report.

    Attributes:
        name: file stem, of letters, digits, "-" and "_"; unique in a report.
        title: for people.
        description: what is plotted and what it shows, with the numbers that matter and what was
            left out, for those who can't see it.
        draw: makes the figure.
    """

    name: str
    title: str
    description: str
    draw: Draw


def plot(name: str, title: str, description: str, paint: Callable[[Theme], Figure]) -> Plot:
    """A plot from a function that draws it with a layout engine.

    Args:
        name: as of `Plot`; other characters than it may have become "_".
        title: as of `Plot`.
        description: as of `Plot`.
        paint: draws in a theme that has been applied.
    """

    def draw(theme: Theme = LIGHT) -> Figure:
        with style.applied(theme):
            figure = paint(theme)
            engine = figure.get_layout_engine()
            if engine is not None:
                engine.execute(figure)
                figure.set_layout_engine(None)  # else each format is drawn twice
            return figure

    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)
    return Plot(safe[:100], title, description, draw)
