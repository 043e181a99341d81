"""Where records can be written, and what becomes of what is there."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from bench.errors import OutputError, UsageError
from bench.records import reading
from bench.records.journal import Journal
from tests.bench.records.test_records import FAILED, RECORD, lines, write
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


def test_a_new_file_that_stays_empty_takes_its_folders_with_it(tmp_path: Path) -> None:
    with Journal(tmp_path / "a" / "b" / "x.jsonl"):
        assert (tmp_path / "a" / "b" / "x.jsonl").exists()
    assert list(tmp_path.iterdir()) == []


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
