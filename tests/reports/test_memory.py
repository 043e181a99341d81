"""What reports say of memory: kept or not, and what page faults explain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.records.memory import AsGiven, MemoryUse
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import Speedup
from reports.formats import frame
from reports.reading import memory, places
from reports.reading.why import why
from tests.records import ENVIRONMENT, GAIN, NO_GAIN, run
from tests.reports.tables import rows_of, tables_of

GLIBC = "glibc 2.36"
KEPT = MemoryUse("keep", GLIBC, GLIBC, True)
GIVEN = AsGiven(
    speedups=[1.86, 1.46, 1.84],
    seconds={"original": [0.3] * 6, "semi-backward": [0.16] * 6},
    faults={"original": [30_000, 30_400, 20, 0, 29_000, 29_000], "semi-backward": [1] * 6},
    order=["ABBA"] * 3,
    processes=[0, 1, 2],
)
ABOVE = replace(
    GAIN,
    speedup=Speedup(1.7, 1.65, 1.75, 0.95, 5, 10, ""),
    theory={"speedup": 1.5, "basis": "flops"},
    faults={"original": [30_000, 31_000], "semi-backward": [10, 12]},
)


def test_the_second_line_goes_from_the_lowest_process_to_the_highest() -> None:
    with_it = replace(GAIN, as_given=GIVEN, faults={"original": [4, 6], "semi-backward": [0, 0]})
    (table,) = tables_of(run(NO_GAIN, with_it, memory=KEPT))
    assert rows_of(table)["as the system gives memory"][:2] == ("-", "1.46 to 1.86")
    assert (
        "As the system gives memory: the lowest and the highest of 3 processes, a block each; pages"
        " that were given back are cleared by the kernel before they are used again: a run of"
        " foolbox's original met 10 to 30,200 page faults, and 5 where memory is kept, one of"
        " the variant 1." in table.notes
    )


def test_a_single_process_has_no_lowest_and_highest() -> None:
    alone = AsGiven([1.51], {}, None, ["ABBA"], [0])
    (table,) = tables_of(run(replace(GAIN, as_given=alone)))
    assert rows_of(table)["as the system gives memory"][0] == "1.51"
    assert "As the system gives memory: a single process, a block." in table.notes


def test_no_page_fault_is_told_that_nobody_saw() -> None:
    quiet = replace(GIVEN, faults={"original": [3] * 6, "semi-backward": [1] * 6})
    for given in (quiet, replace(GIVEN, faults=None)):
        (table,) = tables_of(run(replace(GAIN, as_given=given)))
        said = [note for note in table.notes if note.startswith("As the system")]
        assert said == [
            "As the system gives memory: the lowest and the highest of 3 processes, a block each."
        ]


def test_without_it_there_is_no_second_line() -> None:
    (table,) = tables_of(run(GAIN))
    assert "as the system gives memory" not in rows_of(table)


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (KEPT, "Memory: kept when it is given back (glibc 2.36), as a GPU's caching allocator"),
        (MemoryUse("system", GLIBC, GLIBC, False), "Memory: as the system gives it (glibc 2.36);"),
        (MemoryUse("keep", "musl", "musl", False), "Memory: asked to be kept, but is not (musl);"),
        (MemoryUse("keep", "Darwin 24", None, None), "but may not be (Darwin 24); times may"),
        (MemoryUse("keep", GLIBC, "jemalloc", True), "(jemalloc on glibc 2.36)"),
    ],
)
def test_what_was_done_with_memory_is_told_under_the_table(use: MemoryUse, said: str) -> None:
    (table,) = tables_of(run(GAIN, memory=use))
    assert sum(said in note for note in table.notes) == 1


def test_nothing_is_told_of_records_from_before_it_was_looked_at() -> None:
    (table,) = tables_of(run(GAIN))
    assert not any(note.startswith("Memory") for note in table.notes)


def test_page_faults_explain_what_lies_above_the_ceiling() -> None:
    system = replace(ENVIRONMENT, memory=MemoryUse("system", GLIBC, GLIBC, False))
    told = why(ABOVE, system)
    assert told == (
        "above the 1.50 that operations predict: a run of the original met 30,500 page faults, one"
        " of the variant 11, and memory that the kernel clears takes time that no operation counts"
        " (without --memory system it is left out)"
    )
    assert "without --memory" not in str(why(ABOVE, ENVIRONMENT))


@pytest.mark.parametrize(
    "changes",
    [
        {"faults": None},
        {"faults": {"original": [12], "semi-backward": [10]}},
        {"faults": {"original": [30_000], "semi-backward": [30_000]}},
        {"speedup": Speedup(1.52, 1.45, 1.6, 0.95, 5, 10, "")},
        {"theory": None},
    ],
)
def test_they_explain_nothing_else(changes: dict[str, Any]) -> None:
    assert why(replace(ABOVE, **changes), ENVIRONMENT) is None


def test_runs_that_did_otherwise_stand_in_columns_of_their_own() -> None:
    kept = run(GAIN, path="a.jsonl", memory=KEPT)
    given = run(GAIN, path="b.jsonl", memory=MemoryUse("system", GLIBC, GLIBC, False))
    labels = [place.label for place in places.of([kept, given])]
    assert labels == ["memory kept when it is given back", "memory as the system gives it"]


def test_data_has_both() -> None:
    record: ComparisonRecord = replace(ABOVE, as_given=GIVEN)
    (row,) = frame.comparisons([run(record, memory=KEPT, workers="forked")]).to_dict("records")
    assert (row["as_given_low"], row["as_given_high"], row["as_given_processes"]) == (1.46, 1.86, 3)
    assert (row["page_faults_original"], row["page_faults_variant"]) == (30_500, 11)
    assert (row["memory_policy"], row["memory_kept"], row["workers"]) == ("keep", True, "forked")


def test_a_range_is_of_several_processes() -> None:
    assert memory.spread(replace(GIVEN, speedups=[1.5, 1.5])) == "1.50 to 1.50"
    assert memory.spread(replace(GIVEN, speedups=[1.5])) == "1.50"
    assert memory.spread(None) == "-"
