"""The file of records while it is written to: what it may be, and what is there after any end."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import EnvironmentMismatch, OutputError, UsageError
from bench.records import reading
from bench.records.journal import Journal
from tests.bench.records.test_records import COUNTED, FAILED, RECORD, lines, write
from tests.cases import image_case
from tests.records import ENVIRONMENT


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", *lines())
    with pytest.raises(UsageError, match="--resume"):
        Journal(path)
    assert path.read_text() == "".join(lines())


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("file.txt/x.jsonl", "Not a directory"),
        (".", "is a folder"),
        ("x" * 300, "File name too long"),
        ("x\0y", "null byte"),
        ("x.jsonl.gz", r"name .*x\.jsonl with --out"),
        ("round", "symbolic links"),
    ],
)
def test_a_path_that_can_not_be_written(tmp_path: Path, name: str, said: str, resume: bool) -> None:
    (tmp_path / "file.txt").write_text("")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(UsageError, match=said) as raised:
        Journal(tmp_path / name, resume=resume)
    assert "--out" in str(raised.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.txt", "round"]


def test_a_link_that_leads_nowhere_gets_what_it_leads_to(tmp_path: Path) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "x.jsonl")
    with Journal(link):
        pass
    assert link.is_symlink(), "what was not written to is removed, and not the link"
    with Journal(link) as journal:
        journal.begin(ENVIRONMENT)
    assert (tmp_path / "x.jsonl").read_text() == lines()[0]


def test_what_goes_nowhere_is_told_all_the_same() -> None:
    with Journal(Path(os.devnull)) as journal:
        journal.begin(ENVIRONMENT)
        journal.append(RECORD)
        with Journal(Path(os.devnull)):
            pass  # nobody locks it
    assert journal.read().comparisons == (RECORD,)
    assert Path(os.devnull).is_char_device()
    with pytest.raises(UsageError, match="can't be read again"):
        Journal(Path(os.devnull), resume=True)


def test_a_pipe_gets_the_records_if_somebody_reads(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="nobody reads"):
        Journal(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with Journal(pipe) as journal:
        journal.begin(ENVIRONMENT)
    assert os.read(reader, 2**16).decode() == lines()[0]
    os.close(reader)
    assert pipe.is_fifo()


def test_a_full_device_is_told() -> None:
    with Journal(Path("/dev/full")) as journal, pytest.raises(OutputError, match="No space left"):
        journal.begin(ENVIRONMENT)


def test_a_file_that_is_deleted_while_it_is_written_to_is_told(tmp_path: Path) -> None:
    with Journal(tmp_path / "x.jsonl") as journal:
        journal.begin(ENVIRONMENT)
        journal.path.unlink()
        with pytest.raises(OutputError, match="was deleted while"):
            journal.append(RECORD)
    with pytest.raises(OutputError, match="No such file"):
        journal.read()


def test_a_journal_without_a_record_leaves_no_file(tmp_path: Path) -> None:
    with Journal(tmp_path / "x.jsonl"):
        pass
    assert list(tmp_path.iterdir()) == []


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


def test_a_new_file_that_stays_empty_takes_its_folders_with_it(tmp_path: Path) -> None:
    with Journal(tmp_path / "a" / "b" / "x.jsonl"):
        assert (tmp_path / "a" / "b" / "x.jsonl").exists()
    assert list(tmp_path.iterdir()) == []


def test_resume_starts_a_file_that_is_not_there_or_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    for name in ("absent.jsonl", "empty.jsonl"):
        with Journal(tmp_path / name, resume=True) as journal:
            journal.begin(ENVIRONMENT)
        assert reading.read(tmp_path / name).environment == ENVIRONMENT


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress("".join(lines()).encode()), "packed by gzip; unpack it"),
        ("".join(lines()).encode("utf-16"), "is UTF-16; save it as UTF-8"),
    ],
)
def test_what_can_be_read_and_not_appended_to_says_so(
    tmp_path: Path, data: bytes, said: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    assert reading.read(path).comparisons == (RECORD, FAILED)
    with pytest.raises(UsageError, match=said):
        Journal(path, resume=True)
    assert path.read_bytes() == data


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


def test_a_users_attack_has_no_steps(tmp_path: Path) -> None:
    case = image_case("user", "mine.py:fgsm", steps=None)
    record = replace(RECORD, case=case)
    path = write(tmp_path / "x.jsonl", reading.to_line(ENVIRONMENT), reading.to_line(record))
    assert reading.read(path).comparisons == (record,)
