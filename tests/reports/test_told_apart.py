"""Cases that differ in anything are told apart in every table, text and plot of a report."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from bench.cases import Case
from bench.records import reading
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.figures import points
from reports.formats import explained, markdown, page
from reports.reading import models, naming
from reports.tables import contents
from tests.cases import changed, image_case, text_case, training_case
from tests.records import CASE, ENVIRONMENT, counts, run, step, timed, write

OLD, NEW = (image_case("user", f"/home/me/{folder}/attack.py:pgd") for folder in ("old", "new"))
EPS = (CASE, changed(CASE, eps=0.1))


def counted(*cases: Case) -> Run:
    return Run(Path("x.jsonl"), ENVIRONMENT, (), counts=tuple(map(counts, cases)))


def compared(*cases: Case) -> Run:
    return run(*(timed(case, verdict="faster") for case in cases))


def titles(of: Run) -> list[str]:
    with naming.told_apart([of]):
        return [table.title for table in contents.of_run(of, {})]


def rows(of: Run) -> list[str]:
    with naming.told_apart([of]):
        return [row[0] for table in contents.of_run(of, {}) for row in table.rows]


def test_two_attacks_of_one_file_name_are_told_by_their_folders() -> None:
    said = markdown.report([compared(OLD, NEW)])
    assert " old/attack.py:pgd |" in said
    assert " new/attack.py:pgd |" in said
    assert rows(counted(OLD, NEW)) == [f"user /home/me/{f}/attack.py:pgd" for f in ("old", "new")]
    assert " attack.py:pgd |" in markdown.report([compared(OLD)])
    names = points.names(points.collect([compared(OLD, NEW)]))
    assert names == ["old/attack.py:pgd", "new/attack.py:pgd"]


def test_records_that_differ_in_eps_alone_are_told_by_it() -> None:
    assert rows(counted(*EPS)) == [
        "torchattacks pgd, eps 0.0314",
        "torchattacks pgd, eps 0.1",
    ]
    found = titles(compared(*EPS))
    assert len(set(found)) == 2
    assert found[1] == (
        "pgd on resnet18, 4 images of 3×112×112, 5 steps, float32, cpu, eps 0.1:"
        " semi-backward against original"
    )
    assert ", eps" not in "".join(titles(compared(CASE)))
    said = explained.report([compared(*EPS)])
    assert "torchattacks pgd, 5 steps, eps 0.1" in said
    assert "eps 0.0314, semi-backward" in said


def test_cases_of_several_runs_are_told_apart() -> None:
    both = markdown.report([compared(EPS[0]), compared(EPS[1])])
    assert "cpu, eps 0.0314: semi" in both
    assert "cpu, eps 0.1: semi" in both


def test_a_table_of_several_libraries_is_told_by_any_of_them() -> None:
    few, many = (changed(case, library="foolbox") for case in EPS)
    found = titles(compared(changed(CASE, library="art"), few, changed(EPS[1], library="z"), many))
    assert len(set(found)) == 2


TEXTS = [
    text_case(queries=queries, resources=path) for queries in (None, 5) for path in (None, "a")
]
TRAININGS = [
    training_case(**change)
    for change in ({}, {"eps": 0.1}, {"weights": "pretrained"}, {"random_start": False})
]


@pytest.mark.parametrize("cases", [TEXTS, TRAININGS, EPS, (OLD, NEW)])
def test_no_two_comparisons_of_any_kind_stand_under_the_same_words(cases: list[Case]) -> None:
    made: list[ComparisonRecord] = [step(case=case, case_id=case.id) for case in cases]
    of = run(*made)
    with naming.told_apart([of]):
        words = Counter(
            (table.title, column, row[0])
            for table in contents.of_run(of, {})
            for row in table.rows
            for column in table.header[1:2]
            if not re.search("mean$", row[0])
        )
        name = naming.of(cases)
        assert len({name(case) for case in cases}) == len(cases)
    assert [told for told, number in words.items() if number > 1] == []


def test_a_page_tells_them_apart_too(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", compared(*EPS).comparisons)
    said = page.render([reading.read(path)])
    assert "pgd, 5 steps, eps 0.0314" in said
    assert "pgd, 5 steps, eps 0.1" in said


def test_outside_a_report_nothing_is_known_of_other_cases() -> None:
    assert models.apart(EPS[1]) == []
    assert models.attack(OLD) == "attack.py:pgd"
