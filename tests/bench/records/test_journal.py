"""The file of records while it is written to: what it may be, and what is there after any end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import EnvironmentMismatch, UsageError
from bench.records import reading
from bench.records.journal import Journal
from tests.bench.records.test_records import COUNTED, FAILED, RECORD, lines, write
from tests.records import ENVIRONMENT


def test_resume_cuts_a_half_written_line_off(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", *lines()[:2], lines()[2][:40])
    with Journal(path, resume=True) as journal:
        journal.begin(ENVIRONMENT)
        assert journal.done() == {RECORD.key}
        journal.append(FAILED)
        assert journal.counted() == set()
    assert path.read_text() == "".join(lines()[:3])
    with Journal(write(tmp_path / "y.jsonl", *lines()), resume=True) as journal:
        assert journal.counted() == {COUNTED.key}


def test_a_last_line_that_lacks_its_line_feed_alone_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", *lines()[:2], lines()[2][:-1])
    found = reading.read(path)
    assert (found.comparisons, found.cut) == ((RECORD, FAILED), False)
    with Journal(path, resume=True) as journal:
        journal.begin(ENVIRONMENT)
        assert path.read_text() == "".join(lines()[:3])[:-1], "nothing is written yet"
        journal.append(COUNTED)
    assert path.read_text() == "".join((*lines()[:3], lines()[4]))


@pytest.mark.parametrize("end", ["", lines()[2][:40], lines()[2][:-1], "   "])
def test_who_is_refused_finds_the_file_as_it_was(tmp_path: Path, end: str) -> None:
    path = write(tmp_path / "x.jsonl", *lines()[:2], end)
    before = path.read_bytes()
    with (
        Journal(path, resume=True) as journal,
        pytest.raises(EnvironmentMismatch),
    ):
        journal.begin(replace(ENVIRONMENT, seed=1))
    with Journal(path, resume=True) as journal:
        journal.begin(ENVIRONMENT)  # and then, say, there is no such attack
    with Journal(path, resume=True), pytest.raises(UsageError, match="another run"):
        Journal(path, resume=True)
    assert path.read_bytes() == before


def test_resume_starts_a_file_that_is_not_there_or_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    for name in ("absent.jsonl", "empty.jsonl"):
        with Journal(tmp_path / name, resume=True) as journal:
            journal.begin(ENVIRONMENT)
        assert reading.read(tmp_path / name).environment == ENVIRONMENT


def test_resume_refuses_another_environment_and_foreign_files(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", *lines())
    elsewhere = replace(ENVIRONMENT, torch={**ENVIRONMENT.torch, "version": "2.14.0"})
    with (
        Journal(path, resume=True) as journal,
        pytest.raises(EnvironmentMismatch, match=r"torch: .*2\.13\.0.* then, .*2\.14\.0.* now"),
    ):
        journal.begin(elsewhere)
    for text in ("my notes\n", "my notes", "two\nlines", lines()[1][:50]):
        notes = write(tmp_path / "notes.txt", text)
        with pytest.raises(UsageError, match="can't be resumed"):
            Journal(notes, resume=True)
        assert notes.read_text() == text, "a file that is not ours is left alone"


def test_a_library_installed_in_between_does_not_keep_from_resuming(tmp_path: Path) -> None:
    then = replace(ENVIRONMENT, libraries={"timm": "1"})
    path = write(tmp_path / "x.jsonl", reading.to_line(then))
    with Journal(path, resume=True) as journal:
        journal.begin(replace(then, libraries={"timm": "1", "foolbox": "3"}))
        with pytest.raises(EnvironmentMismatch, match="timm: 1 then, 2 now"):
            journal.begin(replace(then, libraries={"timm": "2"}))
