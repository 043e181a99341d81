"""Several runs in one report: which stand beside each other, and what they are called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.records.types import ComparisonRecord
from bench.statistics.estimate import OVER_PROCESSES, Speedup
from reports.reading import places
from reports.tables import side_by_side
from tests.cases import changed
from tests.records import FAILED, GAIN, run


def of(library: str, estimate: float = 1.5, **case: Any) -> ComparisonRecord:
    speedup = Speedup(estimate, 0.96 * estimate, estimate / 0.96, 0.95, 5, 60, "over processes")
    return replace(GAIN, case=changed(GAIN.case, library=library, **case), speedup=speedup)


OLD = {"version": "1.12.1", "cuda": None, "cudnn": None}
H200 = {"name": "NVIDIA H200"}
A100 = {"name": "NVIDIA A100"}


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        ({}, {"torch": OLD}, ["torch 2.13.0", "torch 1.12.1"]),
        ({"accelerator": H200}, {"accelerator": A100}, ["NVIDIA H200", "NVIDIA A100"]),
        ({}, {"accelerator": H200}, ["a processor, 2 cores", "NVIDIA H200"]),
        (
            {"libraries": {"foolbox": "3.3.3"}},
            {"libraries": {"foolbox": "3.3.4"}},
            ["foolbox 3.3.3", "foolbox 3.3.4"],
        ),
        (
            {},
            {"created": "2026-02-03T04:05:06+00:00"},
            ["2026-01-01 00:00", "2026-02-03 04:05"],
        ),
        ({}, {"variables": {"MALLOC_TRIM_THRESHOLD_": "4"}}, ["", "MALLOC_TRIM_THRESHOLD_=4"]),
    ],
)
def test_runs_are_called_by_what_tells_them_apart(
    first: dict[str, Any], second: dict[str, Any], labels: list[str]
) -> None:
    found = places.of([run(of("foolbox"), **first), run(of("foolbox"), **second)])
    assert [place.label for place in found] == labels


def test_files_of_one_place_that_share_no_case_are_one_run() -> None:
    found = places.of([run(of("foolbox")), run(of("art"), path="y.jsonl")])
    assert [len(place.runs) for place in found] == [2]
    assert side_by_side.of([run for place in found for run in place.runs]) == []


def test_the_same_again_is_told_by_its_file() -> None:
    found = places.of(
        [run(of("art")), run(of("art"), path="a/y.jsonl"), run(of("art"), path="y.jsonl")]
    )
    assert len({place.label for place in found}) == 3


def test_the_same_file_twice_is_numbered() -> None:
    once = run(of("art"))
    labels = [place.label for place in places.of([once, once])]
    assert [label.rpartition(" ")[2] for label in labels] == ["1", "2"]


def test_a_column_a_place_and_the_ratio_of_two() -> None:
    new = run(of("torchattacks", 1.0), of("foolbox", 1.5))
    old = run(of("torchattacks", 1.5), of("foolbox", 1.5), of("art"), torch=OLD)
    (table,) = side_by_side.of([new, old])
    assert table.header[:4] == (
        "case",
        "torch 2.13.0",
        "torch 1.12.1",
        "torch 1.12.1 over torch 2.13.0",
    )
    assert [row[0] for row in table.rows] == [
        "torchattacks pgd",
        "foolbox pgd",
        "geometric mean of 2",
    ]
    assert table.rows[0][1:4] == (
        "1.00 (0.96 to 1.05), faster",
        "1.50 (1.44 to 1.57), faster",
        "1.50 (1.41 to 1.59)",  # √2 times as wide
    )
    assert table.rows[1][3] == "1.00 (0.94 to 1.06)"
    assert table.rows[0][4:] == ("62 → 0", "62 → 0")


def alone(record: ComparisonRecord) -> ComparisonRecord:
    """The same from a single process."""
    assert record.speedup is not None
    speedup = replace(record.speedup, processes=1, method="over the blocks of a single process")
    return replace(record, speedup=speedup)


def test_intervals_of_a_single_process_are_told_from_the_others() -> None:
    once = run(alone(of("foolbox")), torch=OLD)
    (table,) = side_by_side.of([run(of("foolbox")), once])
    assert table.rows[0][1:4] == (
        "1.50 (1.44 to 1.57), faster",
        "1.50 (1.44 to 1.57 within this process), faster",
        "1.00 (0.94 to 1.06 within this process)",
    )
    assert "Intervals of the others: over processes." in table.notes
    single = [note for note in table.notes if "a single process, at 95 %" in note]
    assert single
    (table,) = side_by_side.of([run(alone(of("foolbox"))), once])
    assert table.rows[0][1] == "1.50 (1.44 to 1.57), faster", "the note does for all of them"
    assert any("Intervals: over the blocks of a single process, at 95 %" in n for n in table.notes)


def test_intervals_of_next_runs_make_one_of_their_ratio() -> None:
    def over_processes(record: ComparisonRecord) -> ComparisonRecord:
        assert record.speedup is not None
        return replace(record, speedup=replace(record.speedup, method=OVER_PROCESSES))

    runs = [run(of("foolbox")), run(over_processes(of("foolbox")), torch=OLD)]
    assert side_by_side.of(runs)[0].notes[-1].endswith("logarithms in quadrature.")
    runs[0] = run(over_processes(of("foolbox")))
    assert side_by_side.of(runs)[0].notes[-1].endswith("so that the next runs' lie in them.")


def test_a_cpu_and_a_gpu_measured_the_same_case() -> None:
    cpu = run(of("foolbox"))
    gpu = run(of("foolbox", device="cuda:0"), device="cuda:0", accelerator=H200)
    (table,) = side_by_side.of([cpu, gpu])
    assert len(table.rows) == 1


def test_what_failed_in_one_place_keeps_its_cell_and_its_reason() -> None:
    failed = replace(FAILED, case=of("art").case)
    (table,) = side_by_side.of([run(of("art")), run(failed, torch=OLD)])
    assert table.rows[0][2:4] == ("failed", "-")
    assert any("it fell <over>" in note for note in table.notes)
