"""What is printed where streams are closed, full, or know few characters."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import cli, console
from tests.places import RESULTS, ROOT

BEFORE, AFTER = (RESULTS / "regressions" / f"counts-{when}.jsonl" for when in ("before", "after"))
WORSE = ("compare", str(BEFORE), str(AFTER))
"""A command that finds a regression, exit 1."""
FULL = Path("/dev/full")


class Full(io.StringIO):
    """A stream on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


class Left(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize(("words", "code"), [(WORSE, 1), (("list", "suites"), 2)])
@pytest.mark.parametrize("stream", [Full(), None])
def test_the_verdict_stands_where_nothing_can_be_printed(
    words: tuple[str, ...],
    code: int,
    stream: io.StringIO | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    assert cli.main(words) == code
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith("bench: can't write to stdout: ")


@pytest.mark.parametrize(("words", "code"), [(WORSE, 1), (("list", "suites"), 0)])
def test_a_reader_that_leaves_is_no_fault_and_the_verdict_stands(
    words: tuple[str, ...],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdout", Left())
    assert cli.main(words) == code
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("stream", [Full(), None])
def test_errors_that_nobody_can_be_told_do_not_change_the_code(
    stream: io.StringIO | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    assert cli.main(["list", "suits"]) == 2
    assert capsys.readouterr().out == "", "what is for stderr is not printed on stdout"
    assert not console.is_terminal()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
def test_streams_that_know_few_characters_get_likenesses(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    assert cli.main(["report", str(RESULTS / "regressions" / "run-before.jsonl")]) == 0
    assert "0.97 -> 0.97" in written.getvalue().decode(encoding)


class Terminal(io.StringIO):
    """One of so many columns."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.columns = columns

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return -self.columns


@pytest.mark.parametrize(("columns", "used"), [(60, 60), (80, 80), (97, 97), (300, 100), (0, 80)])
def test_a_terminal_is_used_up_to_what_reads_well(
    columns: int, used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((-number, 24)))
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Terminal(columns))
    assert (console.width(), console.width_of_notes()) == (used, used)
    console.page("a word " * 40)
    console.note("a word " * 40)
    console.error("a word " * 40)
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, Terminal)
        widths = [len(line) for line in stream.getvalue().splitlines()]
        assert used - 8 < max(widths) <= used


def test_what_is_no_terminal_has_80_columns_and_an_error_is_one_line_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.prose("a word " * 40)
    console.error("a word " * 40)
    out, err = capsys.readouterr()
    assert max(map(len, out.splitlines())) <= 80
    assert len(err.splitlines()) == 1
    console.page("a word " * 40)
    assert len(capsys.readouterr().out.splitlines()) == 1, "Markdown is not broken for a file"


HELP = [
    "run",
    "explain",
    "advise",
    "train",
    "list",
    "counts",
    "report",
    "compare",
    "duel",
    "doctor",
]


@pytest.mark.parametrize("words", [[], *([name] for name in HELP)], ids=" ".join)
def test_help_fits_80_columns(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*words, "--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_process_ends_with_the_verdict_whatever_its_streams_are() -> None:
    command = [sys.executable, "-m", "bench", *WORSE]
    with FULL.open("w") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    closed = subprocess.run(command, cwd=ROOT, preexec_fn=_close_both, check=False)
    assert closed.returncode == 1


def _close_both() -> None:
    os.close(1)
    os.close(2)


@pytest.mark.parametrize("word", ["\x1b[2J", "\n::error::x", "\u202e", "##[error]"])
def test_an_error_is_one_line_without_control_characters(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["report", word], ["list", word], ["--libs", word], ["--suite", f"{word}.toml"]):
        assert cli.main(words) == 2
        said = capsys.readouterr().err
        assert said.endswith("\n")
        assert said[:-1].isprintable()
        assert said.startswith("bench: ")
        assert "##[" not in said


@pytest.mark.parametrize("word", ["\ud800", "a\0b"])
def test_a_word_that_no_name_can_be_is_wrong_usage(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", word]) == 2
    assert "holds what no name can" in capsys.readouterr().err


LONG = "x" * 300


@pytest.mark.parametrize(
    "words",
    [
        ["report", LONG],
        ["report", str(BEFORE), "--out", LONG],
        ["compare", LONG, LONG],
        ["compare", str(BEFORE), str(AFTER), "--overrides", LONG],
        ["compare", str(BEFORE), str(AFTER), "--format", f"md={LONG}"],
        ["--suite", f"{LONG}.toml"],
        ["--attack", f"{LONG}.py:f"],
        ["--libs", "foolbox", "--models", f"{LONG}.py:f"],
        ["--libs", "foolbox", "--weights", LONG],
        ["--libs", "foolbox", "--images", LONG],
        ["--libs", "foolbox", "--out", LONG],
        ["doctor", "--model", f"{LONG}.py:f"],
    ],
    ids=lambda words: " ".join(words).replace(LONG, "LONG")[-60:],
)
def test_a_name_that_is_too_long_is_wrong_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
