"""The matrix of docs/truth.md, held against another count of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.records.matrix import CellRecord
from bench.records.types import CountsRecord
from tests.places import ROOT
from tests.records import COUNTS, counts
from tools import matrix

CELL = CellRecord(torch="2.0.1", library="foolbox==3.3.4", answer=counts())


def test_the_page_names_the_commands_that_count_it() -> None:
    page = (ROOT / "docs" / "truth.md").read_text(encoding="utf-8").replace("\\\n", "")
    begin = "python -m bench matrix"
    lines = [line.split() for line in page.splitlines() if line.startswith(begin)]
    called = f"{begin} --torch {matrix.TORCH}"
    assert lines == [f"{called} {words}".split() for words in matrix.ASKED.values()]


def test_the_same_count_differs_in_nothing() -> None:
    later = replace(CELL, installed={"python": "3.11"})
    assert list(matrix.differences([CELL], [later])) == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (counts(original=replace(COUNTS, parameter_gradients=1)), "counts differ"),
        (counts(status="failed", reason="why"), "ok then, failed now (why)"),
    ],
)
def test_another_count_is_told_with_its_cell(answer: CountsRecord, said: str) -> None:
    (found,) = matrix.differences([CELL], [replace(CELL, answer=answer)])
    assert found.startswith("torch 2.0.1, foolbox==3.3.4: ")
    assert found.endswith(said)


def test_what_was_not_counted_before_is_no_difference() -> None:
    assert list(matrix.differences([], [CELL])) == []
