"""Files of very many comparisons: what is in memory of them, and that it tells the same."""

from __future__ import annotations

import csv
import gc
import io
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.records import packing, reading
from bench.records.journal import Journal
from bench.records.types import ComparisonRecord
from reports.formats import explained, frame, latex, markdown, tabular
from tests.records import ENVIRONMENT, FAILED, GAIN, NO_GAIN

SAMPLES = replace(
    GAIN,
    seconds={way: [1 + n / 7 for n in range(50)] for way in ("original", "semi-backward")},
)


def many(path: Path, count: int) -> Path:
    """Comparisons with samples, and now and then another kind of row."""
    kinds = (SAMPLES, SAMPLES, NO_GAIN, FAILED)
    with path.open("w", encoding="utf-8") as file:
        file.write(reading.to_line(ENVIRONMENT))
        for batch in range(1, count + 1):
            record = kinds[batch % len(kinds)]
            case = replace(record.case, batch=batch)
            file.write(reading.to_line(replace(record, case=case, case_id=case.id)))
    return path


def held(read: Callable[[], object]) -> int:
    """Bytes that what is read takes for as long as it is kept."""
    read()  # what is made once is made
    gc.collect()
    tracemalloc.start()
    kept = read()
    gc.collect()
    found = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept is not None
    return found


def test_a_packed_comparison_is_what_it_was(tmp_path: Path) -> None:
    path = many(tmp_path / "x.jsonl", 8)
    plain, packed = reading.read(path).comparisons, reading.read(path, plain=2).comparisons
    assert [type(record) for record in packed] == [ComparisonRecord] * 2 + [packing.Packed] * 6
    assert packed == plain
    assert plain == packed
    assert packed[2:] != plain[:6]
    changed = replace(packed[7], warnings=["other"])
    assert changed != packed[7]
    assert changed.seconds == packed[7].seconds
    assert reading.to_line(packed[7]) == reading.to_line(plain[7])


@pytest.mark.parametrize(
    "draw",
    [markdown.report, latex.report, tabular.csv, explained.report, explained.paragraphs],
    ids=lambda draw: f"{draw.__module__}.{draw.__name__}",
)
def test_reports_of_packed_comparisons_are_the_same(
    tmp_path: Path, draw: Callable[..., str]
) -> None:
    path = many(tmp_path / "x.jsonl", 20)
    assert draw([reading.read(path, plain=3)]) == draw([reading.read(path)])


def test_packed_comparisons_take_little_memory(tmp_path: Path) -> None:
    fewer, more = many(tmp_path / "1.jsonl", 200), many(tmp_path / "2.jsonl", 600)
    plain = held(lambda: reading.read(more)) - held(lambda: reading.read(fewer))
    packed = held(lambda: reading.read(more, plain=0)) - held(lambda: reading.read(fewer, plain=0))
    assert packed < plain / 3


def test_a_run_that_is_resumed_keeps_no_sample(tmp_path: Path) -> None:
    def ended(path: Path) -> object:
        with Journal(path, resume=True) as journal:
            return journal.earlier

    fewer, more = many(tmp_path / "1.jsonl", 200), many(tmp_path / "2.jsonl", 600)
    each = (held(lambda: ended(more)) - held(lambda: ended(fewer))) / 400
    assert each < 500, "its key, and how it ended"


def test_rows_of_many_batches_are_those_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = reading.read(many(tmp_path / "x.jsonl", 11))
    whole = tabular.csv([run])
    assert len(list(csv.reader(io.StringIO(whole)))) == 12
    for rows in (1, 2, 10, 11):
        monkeypatch.setattr(frame, "ROWS", rows)
        assert tabular.csv([run]) == whole
