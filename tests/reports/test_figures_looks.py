"""How plots look: grey, hostile names, many records, a page, and no words over others."""

from __future__ import annotations

import io
import itertools
import math
import re
import warnings
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from bench.statistics.estimate import Speedup
from reports import figures
from reports.figures import recolouring, speedups, style
from reports.figures.plot import Plot
from tests.cases import changed
from tests.records import GAIN, run, step
from tests.reports import cells
from tests.reports.drawn import (
    ALONE,
    ANATOMY,
    BY_BATCH,
    COUNTED,
    HOSTILE,
    bare,
    hollow,
    measured,
    plots,
)


@pytest.mark.parametrize("theme", [figures.LIGHT, figures.DARK])
def test_colours_are_told_apart_in_grey(theme: figures.Theme) -> None:
    levels = sorted(_lightness(colour) for colour in theme.series)
    assert min(b - a for a, b in itertools.pairwise(levels)) > 5
    assert abs(_lightness(theme.ink) - _lightness(theme.paper)) > 80
    assert len(set(style.MARKERS)) == len(theme.series)


def _lightness(colour: str) -> float:
    """CIE L* of an sRGB colour, 0 to 100."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance: float = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 116 * math.pow(luminance, 1 / 3) - 16


def test_what_records_say_is_neither_mathematics_nor_markup() -> None:
    bad = measured(3.0, library=HOSTILE, attack=HOSTILE, model=HOSTILE, weights=HOSTILE)
    other = replace(bad, case=changed(bad.case, library="art"), anatomy=ANATOMY)
    wild = replace(other, speedup=Speedup(1.2, 1e-300, 1e300, 0.95, 1, 8, ""))
    assert (bad.memory_parts, wild.order) != (None, [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for plot in figures.plots([run(bad, wild)]):
            assert re.fullmatch(r"[\w-]{1,100}", plot.name, re.ASCII)
            text = figures.inline(plot)
            root = ElementTree.fromstring(text)
            assert {tag.rpartition("}")[2] for tag in {part.tag for part in root.iter()}} <= {
                *("svg", "title", "desc", "g", "path", "use", "defs", "clipPath", "rect"),
                "pattern",
            }
            assert "\u202e" not in text
            assert "\x00" not in text
    names = [label.get_text() for label in plots(bad)["attacks"].draw().axes[0].get_yticklabels()]
    assert len(names[0]) <= 52
    assert names[0].startswith("$\\frac{1}{0}$</")
    assert "…" in names[0]


@pytest.mark.parametrize("estimate", [float("nan"), float("inf"), 0.0, -1.0, 1e-300])
def test_a_speedup_that_is_no_number_is_not_drawn(estimate: float) -> None:
    odd = replace(GAIN, speedup=Speedup(estimate, None, None, 0.95, 1, 8, ""))
    plot = plots(odd, measured(library="art"))["attacks"]
    assert "1 without a number" in plot.description
    assert plots(bare(odd)) == {}


def test_a_plot_for_a_page_reads_its_colours_from_the_page() -> None:
    plot = plots(bare(GAIN), bare(hollow(measured(1.0, library="art"))))["attacks"]
    text = figures.inline(plot)
    assert text == figures.inline(plot)
    root = ElementTree.fromstring(text)
    assert root.attrib["role"] == "img"
    assert (root[0].text, root[1].text) == (plot.title, plot.description)
    assert root.attrib["aria-labelledby"].split() == [root[0].attrib["id"], root[1].attrib["id"]]
    ids = [part.attrib["id"] for part in root.iter() if "id" in part.attrib]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("attacks-") for name in ids)
    assert set(re.findall(r"url\(#([^)]*)\)|href=\"#([^\"]*)\"", text))
    for one, other in re.findall(r"url\(#([^)]*)\)|href=\"#([^\"]*)\"", text):
        assert (one or other) in ids
    without = re.sub(r"var\(--plot-[a-z]+, #[0-9a-f]{6}\)", "", text)
    assert not re.search(r"#[0-9a-f]{6}\b", without)
    assert set(re.findall(r"var\((--plot-[a-z]+)", text)) <= set(figures.variables(figures.LIGHT))
    for outside in ("<style", "<!--", "<?xml", "<!DOCTYPE", "http://www.w3.org/1999/xlink"):
        assert outside not in text


def test_ten_thousand_would_be_no_more_plots_than_a_hundred() -> None:
    many = [
        measured(1 + n / 500, library=f"l{n % 5}", attack=f"a{n // 5 % 5}", model=f"m{n // 25 % 5}",
                 batch=2 ** (n // 125))
        for n in range(500)
    ]  # fmt: skip
    found = plots(*many)
    assert set(found) == ALONE | {"libraries", "batch"}
    assert (
        "96 other settings with several libraries are not drawn" in found["libraries"].description
    )
    assert "119 other cases" in found["batch"].description
    assert "440 in the middle" in found["attacks"].description
    assert "Of 500 comparisons the 6" in found["samples"].description
    for plot in found.values():
        assert len(plot.description) < 1500


EVERYTHING = [
    *(step(k) for k in (1, 7)),
    *(replace(record, anatomy=ANATOMY) for record in BY_BATCH),
    *COUNTED,
    *(measured(1.2, library=f"a library of a long name {n}", batch=4) for n in range(9)),
    hollow(measured(0.9, library="art", weights="/a/very/long/path/to/" + "weights" * 9)),
]


HEAT = figures.plots([cells.of(*cells.SOME)])
DRAWN = [*plots(*EVERYTHING).values(), *HEAT]


@pytest.mark.parametrize("plot", DRAWN, ids=[plot.name for plot in DRAWN])
def test_no_words_are_cut_off_or_lie_over_each_other(plot: Plot) -> None:
    seen: list[Text] = []

    class Watched(RendererAgg):
        def draw_text(self, *words: Any, mtext: Text | None = None, **more: Any) -> None:
            if mtext is not None:
                seen.append(mtext)  # lines of several have no text of their own: the title

    with style.saving():
        figure = plot.draw()
        width, height = figure.bbox.size
        figure.draw(Watched(width, height, style.DPI))  # type: ignore[no-untyped-call]
        title = [text for text in figure.findobj(Text) if "\n" in text.get_text()]
        upright = [text for text in seen if text.get_rotation() in (0, 90)]
        boxes = [(text.get_text(), text.get_window_extent()) for text in [*title, *upright]]
    assert len(boxes) > 5
    for said, box in boxes:
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0, said
    for (said, box), (other, beside) in itertools.combinations(boxes, 2):
        assert not box.shrunk(0.9, 0.9).overlaps(beside.shrunk(0.9, 0.9)), f"{said} over {other}"


MANY = [
    bare(measured(1 + n / 500, attack=f"a{n}")) for n in range(speedups.ROWS * speedups.PAGES + 1)
]


@pytest.mark.parametrize(
    "plot",
    [*DRAWN, plots(*MANY)["attacks"]],
    ids=[*(plot.name for plot in DRAWN), "many-attacks"],
)
def test_dark_is_what_drawing_it_dark_would_be(plot: Plot) -> None:
    drawn, light = plot.draw(figures.DARK), plot.draw()
    as_text = recolouring.svg(saved(light, "svg").decode(), figures.DARK)
    assert numbered(as_text) == numbered(saved(drawn, "svg").decode())
    recolouring.figure(light, figures.DARK)
    assert saved(light, "png") == saved(drawn, "png")


def saved(figure: Figure, kind: str) -> bytes:
    file = io.BytesIO()
    with style.saving("salt"):
        figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return file.getvalue()


def numbered(svg: str) -> str:
    """With the names of its parts, which are made from their colours too, as numbers."""
    names: dict[str, str] = {}
    return re.sub(
        r"\b[a-z][0-9a-f]{10}\b", lambda found: names.setdefault(found[0], f"part{len(names)}"), svg
    )
