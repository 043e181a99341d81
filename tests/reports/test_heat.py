"""Heat maps of a matrix: every square says what it came to, and many go on in the next plot."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy
import pytest

pytest.importorskip("matplotlib")

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure

from reports import figures
from reports.figures import heat
from reports.figures.plot import Plot
from tests.records import GAIN, run
from tests.reports.cells import SOME, TORCHES, cell, line, of, ratio
from tests.reports.drawn import HOSTILE, words


def drawn(*plots: Plot) -> list[Figure]:
    return [plot.draw() for plot in plots]


def squares(axes: Axes) -> dict[tuple[float, float], str]:
    """What is written, by column and row."""
    return {
        (float(x), float(y)): str(found.get_label())
        for found in axes.lines
        for x, y in numpy.asarray(found.get_xydata())
    }


def test_a_plot_is_there_for_each_run_that_has_cells() -> None:
    assert heat.matrices([run(GAIN)]) == []
    assert heat.matrices([of(ratio("2.0.1", 1.5))]) == [], "what was timed is in a table"
    found = heat.matrices([of(*SOME), of(cell())])
    assert [plot.name for plot in found] == ["matrix", "matrix-2"]
    assert [plot.name for plot in figures.plots([of(*SOME)])] == ["matrix"]


def test_eager_stands_beside_compiled_and_every_cell_is_a_square() -> None:
    (figure,) = drawn(*heat.matrices([of(*SOME)]))
    eager, compiled = figure.axes
    assert [axes.get_title(loc="left") for axes in (eager, compiled)] == ["eager", "compiled"]
    counted = [c for c in SOME if c.answer.kind == "counts"]
    assert len(squares(eager)) + len(squares(compiled)) == len(counted)
    torches = [label.get_text() for label in eager.get_xticklabels()]
    assert torches == list(TORCHES)
    rows = [label.get_text() for label in eager.get_yticklabels()]
    assert rows[:3] == ["torchattacks 3.5.1  cw", "pgd", "torchattacks 3.10.0  pgd"]
    places = eager.get_yticks()
    assert [squares(eager)[at, places[0]] for at in range(4)] == ["all", "none", "none", "none"]
    assert [squares(compiled)[at, places[1]] for at in range(4)] == ["b", "b", "all", "all"]
    assert [squares(eager)[at, places[3]] for at in range(4)] == [".5", ".5", ".5", ".016"]
    assert [squares(eager)[at, places[5]] for at in range(1, 4)] == ["c", "all*", "a"]
    assert squares(eager)[0, places[4]] == "·"


def test_the_more_is_computed_the_stronger_is_the_colour() -> None:
    (figure,) = drawn(*heat.matrices([of(*line((0, 0.1, 0.5, 1)))]))
    found = [patch.get_facecolor() for patch in figure.axes[0].patches]
    assert {to_hex(colour) for colour in found} == {figures.LIGHT.paper, figures.LIGHT.blue}
    strengths = [to_rgba(one)[3] for one in found if to_hex(one) == figures.LIGHT.blue]
    assert len(strengths) == 3
    assert strengths == sorted(strengths)


def test_reasons_and_sentences_are_told_in_words_too() -> None:
    (plot,) = heat.matrices([of(*SOME)])
    assert "since torch 1.13.1 no parameter gradient is computed" in plot.description
    assert "b: unsupported: this torch has no torch.compile; it came with 2.0." in plot.description
    assert "c: timeout: it took more than 60 s" in words(plot.draw())


def test_many_rows_go_on_in_the_next_plot_and_none_is_left_out() -> None:
    many = [cell(attack=f"a{n}") for n in range(heat.ROWS + 3)]
    found = heat.matrices([of(*many)])
    assert [plot.name for plot in found] == ["matrix", "matrix-2"]
    assert f"rows {heat.ROWS + 1} to {heat.ROWS + 3} of {heat.ROWS + 3}" in found[1].title
    rows = [len(squares(figure.axes[0])) for figure in drawn(*found)]
    assert rows == [heat.ROWS, 3]


def test_many_columns_have_a_plot_a_mode() -> None:
    torches = [f"2.{n}.0" for n in range(heat.COLUMNS // 2 + 1)]
    both = [cell(torch, compiled=mode) for mode in (False, True) for torch in torches]
    found = heat.matrices([of(*both)])
    assert [len(figure.axes) for figure in drawn(*found)] == [1, 1]
    assert [plot.title.rpartition(", ")[2] for plot in found] == ["eager", "compiled"]


def test_what_cells_say_is_neither_mathematics_nor_markup() -> None:
    bad = [
        cell(HOSTILE, library=f"x=={HOSTILE}", attack=HOSTILE),
        cell(HOSTILE, None, f"x=={HOSTILE}", "other", status="failed", reason=HOSTILE),
    ]
    (plot,) = heat.matrices([of(*bad)])
    text = figures.inline(plot)
    ElementTree.fromstring(text)
    assert "\u202e" not in text
    assert "\x00" not in text
    assert "<script" not in text
