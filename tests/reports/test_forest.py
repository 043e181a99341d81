"""The plot that opens a page: every speedup, alone or with those of its library."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from bench.cases import A_A, FORWARD_ONLY
from bench.records.types import ComparisonRecord
from reports import figures
from reports.figures import forest
from reports.figures.forest import Opening
from tests.records import FAILED, run
from tests.reports.drawn import HOSTILE, hollow, marks, measured, whiskers, words


def opening(*comparisons: ComparisonRecord) -> Opening:
    found = figures.opening([run(*comparisons)])
    assert found is not None
    return found


def both(found: Opening) -> list[Figure]:
    return [plot.draw() for _, plot in found.drawn]


def test_there_is_none_of_what_has_no_speedup() -> None:
    assert figures.opening([run()]) is None
    assert figures.opening([run(FAILED, measured(variant=A_A))]) is None


def test_few_speedups_have_a_row_each_the_largest_first_and_their_numbers() -> None:
    some = [measured(gain, library=name) for gain, name in ((1.2, "art"), (1.6, "foolbox"))]
    found = opening(*some, hollow(measured(1.4, library="torchattacks")), FAILED)
    for figure in both(found):
        (axes,) = figure.axes
        assert sorted(marks(axes), key=lambda mark: mark[1]) == [(1.6, 0), (1.4, 1), (1.2, 2)]
        assert whiskers(axes) == 2
        assert {"foolbox", "torchattacks", "art"} <= set(words(figure).split("\n"))
    wide, narrow = map(words, both(found))
    assert "1.60 (1.52 to 1.68)" in wide
    assert "1.52" not in narrow
    assert "none" not in wide
    assert "foolbox 1.60, torchattacks 1.40, art 1.20." in found.wide.description
    assert "Not drawn, for want of a speedup: 1 failed." in found.wide.description
    assert found.what.startswith("pgd, resnet18, 4 images")
    assert found.repeats == {"attacks", "libraries"}


def test_libraries_beside_each_other_in_several_settings_are_no_repetition() -> None:
    some = [measured(1.5, library=name, batch=n) for name in ("art", "foolbox") for n in (1, 2)]
    assert opening(*some).repeats == {"attacks"}


def test_many_share_the_row_of_their_library_around_its_median() -> None:
    many = [
        measured(1 + number / 100, library=name, attack=f"a{number}", variant=variant)
        for name, count in (("art", 60), ("foolbox", 9))
        for number in range(count)
        for variant in ("semi-backward", FORWARD_ONLY)
    ]
    found = opening(*many)
    assert found.repeats == set()
    told = "art (60) 1.29, art, forward-only (60) 1.29, foolbox (9) 1.04"
    assert told in found.wide.description
    assert f"with more than {forest.IN_A_ROW}, so many are drawn" in found.wide.description
    for figure in both(found):
        (axes,) = figure.axes
        rows = [round(row) for _, row in marks(axes)]
        assert [rows.count(row) for row in range(4)] == [48, 48, 9, 9]
        first = [gain for gain, row in marks(axes) if round(row) == 0]
        assert [max(first), min(first)] == pytest.approx([1.59, 1.0])
        assert "foolbox, forward-only (9)" in words(figure)


def test_of_very_many_libraries_the_largest_have_rows() -> None:
    many = [
        measured(1.5, library=f"l{number}", attack=f"a{attack}")
        for number in range(forest.GROUPS + 1)
        for attack in range(1 if number == 3 else 2)
    ]
    found = opening(*many)
    assert "1 more row is not drawn." in found.wide.description
    assert "l3 (" not in words(both(found)[0])


def test_what_records_say_is_text() -> None:
    found = opening(measured(1.5, library=HOSTILE), measured(1.2))
    for _, plot in found.drawn:
        assert "<script" not in figures.inline(plot)
    assert len(words(both(found)[1])) < 400
