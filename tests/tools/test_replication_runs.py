"""Runs of the main job that go on where they stopped, and the command that reports them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bench.commands import codes
from bench.errors import UsageError
from tests.records import ENVIRONMENT, timed, write
from tests.tools.replicas import replicas
from tools import load
from tools.replication import __main__ as command
from tools.replication import folder, running
from tools.replication.folder import Note
from tools.replication.running import Key, ReplicationFailed

KEYS: set[Key] = {("first", "semi-backward"), ("second", "semi-backward")}


class ScriptedJob:
    """Writes what the main job would, or less, and ends with a code."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.code = codes.DONE
        self.keys = KEYS

    def __call__(self, path: Path, words: Sequence[str]) -> int:
        assert not path.exists()
        self.made.append(int(path.stem.removeprefix("run-")))
        records = [timed(case_id=case_id, variant=variant) for case_id, variant in self.keys]
        write(path, [ENVIRONMENT, *records])
        return self.code


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seeds of the other programs, none of which is started; two comparisons are the main job."""
    seeds: list[int] = []

    @contextlib.contextmanager
    def beside(seed: int) -> Iterator[None]:
        seeds.append(seed)
        yield

    monkeypatch.setattr(load, "beside", beside)
    monkeypatch.setattr(running, "wanted", lambda words, device: KEYS)
    return seeds


def test_every_other_run_is_loaded_and_they_lie_apart(tmp_path: Path, loads: list[int]) -> None:
    job, pauses = ScriptedJob(), list[float]()
    running.replicate(tmp_path / "new", 4, ["--seed", "1"], 30, job=job, sleep=pauses.append)
    assert (job.made, loads, pauses) == ([0, 1, 2, 3], [1, 3], [30, 30, 30])
    found = folder.read(tmp_path / "new")
    assert [each.number for each in found] == [0, 1, 2, 3]
    assert [each.note.load for each in found if each.note] == [False, True, False, True]
    assert all(each.note.seconds >= 0 for each in found if each.note)
    told = json.loads((tmp_path / "new" / folder.NOTES).read_text(encoding="utf-8"))
    assert told["words"] == ["--seed", "1"]
    assert [each["run"] for each in told["runs"]] == [0, 1, 2, 3]


@pytest.mark.usefixtures("loads")
def test_what_is_complete_is_kept_and_what_is_not_is_made_again(tmp_path: Path) -> None:
    job = ScriptedJob()
    running.replicate(tmp_path, 3, job=job)
    whole = folder.path_of(tmp_path, 0).read_bytes()
    lines = folder.path_of(tmp_path, 1).read_text(encoding="utf-8").splitlines(keepends=True)
    folder.path_of(tmp_path, 1).write_text("".join(lines[:-1]), encoding="utf-8")
    folder.path_of(tmp_path, 2).write_text("", encoding="utf-8")
    job.made.clear()
    running.replicate(tmp_path, 4, job=job)
    assert job.made == [1, 2, 3]
    assert folder.path_of(tmp_path, 0).read_bytes() == whole
    assert len(folder.read(tmp_path)) == 4


@pytest.mark.usefixtures("loads")
def test_a_run_that_fails_ends_it_and_the_next_call_goes_on(tmp_path: Path) -> None:
    job = ScriptedJob()
    running.replicate(tmp_path, 1, job=job)
    job.code, job.keys = codes.INTERRUPTED, set(list(KEYS)[:1])
    with pytest.raises(ReplicationFailed, match="run 1 ended with exit code 130"):
        running.replicate(tmp_path, 2, job=job)
    known = folder.notes(tmp_path)
    assert known is not None
    assert list(known.runs) == [0]
    job.code, job.keys = codes.NOT_ALL_OK, KEYS
    running.replicate(tmp_path, 2, job=job)
    assert job.made == [0, 1, 1]


@pytest.mark.usefixtures("loads")
def test_runs_that_were_told_otherwise_are_not_mixed(tmp_path: Path) -> None:
    running.replicate(tmp_path, 1, ["--seed", "1"], job=ScriptedJob())
    with pytest.raises(ReplicationFailed, match="were made with --seed 1"):
        running.replicate(tmp_path, 2, job=ScriptedJob())


def test_a_file_is_complete_when_it_has_all_that_these_words_ask_for(tmp_path: Path) -> None:
    words = ["--libs", "foolbox", "--batch", "2", "4"]
    keys = running.wanted(words, "cpu")
    assert len(keys) == 2
    assert len(running.wanted([], "cpu")) == 6
    records = [timed(case_id=case_id, variant=variant) for case_id, variant in keys]
    path = write(tmp_path / "run-0.jsonl", records)
    assert running.complete(path, words)
    assert not running.complete(path, [])
    assert not running.complete(tmp_path / "run-1.jsonl", words)
    with pytest.raises(UsageError, match="folbox"):
        running.complete(path, ["--libs", "folbox"])


def test_the_other_program_runs_as_long_as_the_block() -> None:
    with load.beside(1) as other:
        assert other.poll() is None
    assert other.poll() is not None


def test_the_command_reports_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = [tmp_path / "before", tmp_path / "after"]
    for place in places:
        place.mkdir()
        for each in replicas(2):
            write(folder.path_of(place, each.number), [ENVIRONMENT, *each.records.comparisons])
    folder.write_notes(places[1], [], {1: Note(1, True, 99.0)})
    (places[0] / "run-x.jsonl").write_text("not one of ours", encoding="utf-8")
    both = tmp_path / "both.png"
    assert command.main(["--table", *map(str, places), "--plot", str(both)]) == 0
    told = capsys.readouterr().out
    assert told.index("Replication, before: 2 runs") < told.index("Replication, after: 2 runs")
    assert "Wall seconds of a run: 99;" in told
    assert both.exists()
    for place in places:
        assert (place / command.REPORT).read_text(encoding="utf-8") in told
        assert (place / command.PLOT).exists()


def test_the_command_hands_on_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(running, "replicate", lambda *given: asked.extend(given))
    out = tmp_path / "now"
    assert command.main(["--out", str(out), "--runs", "2", "--", "--memory", "system"]) == 2
    assert asked == [out, 2, ["--memory", "system"], command.PAUSE]
    assert f"{out}: no run-0.jsonl" in capsys.readouterr().err
    out.mkdir()
    write(folder.path_of(out, 0), [ENVIRONMENT])
    assert command.main(["--table", str(out)]) == 2
    assert f"{out}: no comparison has been measured" in capsys.readouterr().err
