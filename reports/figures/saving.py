"""Drawn plots as files, and as SVG for a web page."""

from __future__ import annotations

import io
import re
from html import escape
from pathlib import Path

from matplotlib.figure import Figure

from bench import telling
from bench.files import whole, write
from reports.figures import recolouring, style
from reports.figures.plot import Plot
from reports.figures.style import DARK, DPI, LIGHT, PLACEHOLDERS

_ENDS = (".svg", ".pdf", ".png", "-dark.svg", "-dark.png")
"""What follows a plot's name in the names of its files."""
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def save(plot: Plot, folder: Path) -> list[Path]:
    """Draw a plot into a folder: light as SVG, PDF and PNG, dark as SVG and PNG.

    It is drawn and laid out once; the dark files are the same drawing in other colours. The same
    records give the same bytes.

    Args:
        plot: to draw.
        folder: made if it is not there.

    Returns:
        the files.

    Raises:
        OSError: the folder can't be written into.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figure = plot.draw(LIGHT)
    light_svg, light_pdf, light_png, dark_svg, dark_png = files(plot, folder)
    with style.saving(plot.name):
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None}, dpi=DPI)
        with whole(light_pdf) as file:
            figure.savefig(file, format="pdf", metadata={"CreationDate": None}, dpi=DPI)
        _save_png(figure, light_png)
        recolouring.figure(figure, DARK)
        _save_png(figure, dark_png)
    drawn = text.getvalue()
    write(light_svg, drawn)
    write(dark_svg, recolouring.svg(drawn, DARK))
    return files(plot, folder)


def files(plot: Plot, folder: Path) -> list[Path]:
    """The files of a plot, light ones first."""
    return [folder / f"{plot.name}{end}" for end in _ENDS]


def _save_png(figure: Figure, path: Path) -> None:
    # Of plots, zlib's level 3 makes files as small as its usual 6, in less time.
    with whole(path) as file:
        figure.savefig(file, format="png", dpi=DPI, pil_kwargs={"compress_level": 3})


def inline(plot: Plot) -> str:
    """A plot as an SVG element to put into HTML.

    Its colours are the CSS variables of `style.variables`, those of the light theme where the page
    sets none. It is drawn once. It has a title and a description for screen readers, names in it
    begin with the plot's, and it scales down with what it stands in.
    """
    text = io.StringIO()
    with style.saving(plot.name):
        plot.draw(PLACEHOLDERS).savefig(text, format="svg", metadata=_NO_METADATA)
    drawn = text.getvalue()
    opening = re.search(r"<svg\b[^>]*>", drawn)
    assert opening is not None  # matplotlib wrote it
    size = re.search(r'viewBox="([^"]*)"', opening[0])
    assert size is not None
    body = drawn[opening.end() :]
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    # A rule of a style sheet would reach the whole page.
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{plot.name}-', body)
    body = re.sub(r'href="#', f'href="#{plot.name}-', body)
    body = body.replace("url(#", f"url(#{plot.name}-").replace("xlink:href", "href")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" viewBox="{size[1]}"'
        f' width="{round(float(size[1].split()[2]) * 96 / 72)}"'
        f' aria-labelledby="{plot.name}-title {plot.name}-description"'
        ' style="max-width: 100%; height: auto; stroke-linejoin: round; stroke-linecap: butt">'
        f'<title id="{plot.name}-title">{_escaped(plot.title)}</title>'
        f'<desc id="{plot.name}-description">{_escaped(plot.description)}</desc>'
    )
    return head + _coloured(body).strip()


def _escaped(text: str) -> str:
    return escape(telling.line(text))


def _coloured(svg: str) -> str:
    """The placeholders as CSS variables; an attribute that is no CSS becomes a style."""
    light = style.variables(LIGHT)
    for name, placeholder in style.variables(PLACEHOLDERS).items():
        value = f"var({name}, {light[name]})"
        svg = re.sub(f'\\b(fill|stroke)="{placeholder}"', rf'style="\1: {value}"', svg)
        svg = svg.replace(placeholder, value)
    return svg
