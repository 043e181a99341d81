"""The published numbers, found for the cases that repeat them and for no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.cases import Case
from bench.choosing import suites
from bench.kinds.images.options import ImageOptions
from bench.records.reading import Run
from reports.reading import published
from reports.tables import columns
from tests.cases import changed, image_case
from tests.commands import chosen
from tests.records import ENVIRONMENT, GAIN
from tests.reports.tables import rows_of, tables_of

PAPER = image_case("torchattacks", "pgd", "resnet50", 16, (3, 224, 224), 40, device="cuda:0")


def speedup(case: Case, suite: str | None = None, variant: str = "semi-backward") -> float | None:
    found = published.find(case, variant, suite)
    return None if found is None else found.speedup


def test_a_case_as_published_is_found_without_its_suite() -> None:
    assert speedup(PAPER) == 1.45
    assert speedup(changed(PAPER, library="foolbox")) == 1.36
    assert speedup(changed(PAPER, batch=128)) == 1.49
    assert speedup(changed(PAPER, model="vit_base_patch16_224")) == 1.38
    assert speedup(changed(PAPER, attack="sinifgsm", steps=None)) == 1.45
    assert speedup(changed(PAPER, library="art", steps=None)) == 1.48


@pytest.mark.parametrize(
    "other",
    [
        changed(PAPER, input_shape=(3, 112, 112)),
        changed(PAPER, model="resnet18", batch=4),
        changed(PAPER, library="foolbox", batch=4),
        changed(PAPER, attack="cw"),
    ],
)
def test_another_case_is_not_set_beside_it(other: Case) -> None:
    assert speedup(other) is None
    assert speedup(PAPER, variant="forward-only") is None


def test_a_small_twin_is_set_beside_its_suites_row() -> None:
    small = changed(PAPER, model="resnet18", input_shape=(3, 64, 64), batch=4, steps=3)
    assert speedup(small) is None
    assert speedup(small, "paper-batch-sizes-small") == 1.45
    assert speedup(changed(small, library="foolbox"), "paper-batch-sizes-small") is None
    assert speedup(small, "paper-models-small") == 1.4


def test_a_file_that_was_gone_on_with_by_another_suite_is_read_case_by_case() -> None:
    assert speedup(changed(PAPER, batch=128), "paper-libraries") == 1.49
    assert speedup(changed(PAPER, model="resnet18"), "paper-libraries") == 1.4
    assert speedup(changed(PAPER, attack="sinifgsm", steps=None), "paper-libraries") == 1.45
    assert speedup(changed(PAPER, model="resnet18", batch=4), "paper-libraries") is None


def test_the_report_sets_ours_beside_it() -> None:
    record = replace(GAIN, case=changed(PAPER, library="foolbox"))
    (table,) = tables_of(Run(Path("x.jsonl"), ENVIRONMENT, (record,)))
    rows = rows_of(table)
    assert GAIN.speedup is not None
    assert rows[columns.PUBLISHED] == ("1.36",)
    assert rows[columns.OVER_PUBLISHED] == (f"{GAIN.speedup.estimate / 1.36:.2f}",)
    assert any("Tesla T4, torch 1.12, foolbox 3.3.3" in note for note in table.notes)


@pytest.mark.parametrize("text", [None, "[]", "{", '{"tables": '], ids=str)
def test_numbers_that_can_not_be_read_are_missed_aloud(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "numbers.json").write_text(text)
    monkeypatch.setattr(published, "FILE", tmp_path / "numbers.json")
    assert speedup(PAPER) is None
    (table,) = tables_of(Run(Path("x.jsonl"), ENVIRONMENT, (replace(GAIN, case=PAPER),)))
    why = "No such file" if text is None else "it is damaged"
    assert any(f"numbers.json can't be read: {why}" in note for note in table.notes)
    monkeypatch.undo()
    assert published.fault() is None


def paper_cases(name: str) -> list[Case]:
    words = ("--workload", "tests/data/workloads.py:setup") if name == "workload" else ()
    return list(dict.fromkeys(comparison.case for comparison in chosen("--suite", name, *words)))


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("paper-libraries", 6),
        ("paper-batch-sizes", 6),
        ("paper-models", 6),
        ("paper-attacks", 10),
    ],
)
def test_the_papers_suites_are_exactly_what_was_published(name: str, rows: int) -> None:
    cases = paper_cases(name)
    with_row = {case for case in cases if published.find(case, "semi-backward", name)}
    assert with_row == set(cases)
    assert len(cases) == rows
    small = paper_cases(f"{name}-small")
    found = [published.find(case, "semi-backward", f"{name}-small") for case in small]
    assert len({f"{row.what} {row.original} {row.speedup}" for row in found if row}) == rows


def test_the_attacks_have_their_librarys_defaults() -> None:
    for case in paper_cases("paper-attacks"):
        found = ImageOptions.of(case)
        assert (found.eps, found.step_size, found.steps, found.random_start) == (None,) * 4


def test_every_suite_names_what_there_is() -> None:
    for name in suites.names():
        assert paper_cases(name)
