"""A drawing of the light theme in another's colours, without drawing it again."""

from __future__ import annotations

import itertools
import re
from dataclasses import astuple

from matplotlib.colors import to_rgb, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.figures.style import LIGHT, Theme

_PROPERTIES = (
    *("color", "facecolor", "edgecolor", "hatchcolor", "markerfacecolor", "markeredgecolor"),
)


def figure(drawn: Figure, theme: Theme) -> None:
    """Change a figure in the light theme to what it would be if it had been drawn in this one."""
    table = {to_rgb(light): to_rgb(other) for light, other in _pairs(theme)}
    artists = list(drawn.findobj())
    boxes = (artist.get_bbox_patch() for artist in artists if isinstance(artist, Text))
    artists += [box for box in boxes if box is not None]
    for artist, name in itertools.product(artists, _PROPERTIES):
        found, change = (getattr(artist, f"{verb}_{name}", None) for verb in ("get", "set"))
        if found is None or change is None:
            continue
        before = to_rgba_array(found()).tolist()
        after = [(*table.get((r, g, b), (r, g, b)), alpha) for r, g, b, alpha in before]
        if after != before:
            change(after if len(after) > 1 else after[0])


def svg(drawn: str, theme: Theme) -> str:
    """The SVG of a figure in the light theme, in this one."""
    table = dict(_pairs(theme))
    return re.sub("#[0-9a-f]{6}", lambda found: table.get(found[0], found[0]), drawn)


def _pairs(theme: Theme) -> list[tuple[str, str]]:
    return list(zip(astuple(LIGHT), astuple(theme), strict=True))
