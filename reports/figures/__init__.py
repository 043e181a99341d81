"""From records to plots, by matplotlib: as files, or as SVG in a web page.

`plots` says what the records have something for, and `opening` what a page of them begins with;
neither draws. A plot's `draw` makes a matplotlib figure, `draw` files of all plots, and `inline` an
SVG element for HTML. What records say is text to them, never mathematics or markup. Imports
matplotlib, and no torch.
"""

from __future__ import annotations

from reports.figures.drawing import NothingToDraw, draw
from reports.figures.every import plots
from reports.figures.forest import Opening, opening
from reports.figures.plot import Plot
from reports.figures.saving import inline
from reports.figures.style import DARK, LIGHT, Theme, variables

__all__ = [
    "DARK",
    "LIGHT",
    "NothingToDraw",
    "Opening",
    "Plot",
    "Theme",
    "draw",
    "inline",
    "opening",
    "plots",
    "variables",
]
