"""Plots of many records, drawn by two processes: the same files, whatever becomes of the second."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bench.records import reading
from bench.records.reading import Run
from reports import figures
from reports.figures import beside
from reports.reading import joined
from tests.places import MACHINE

FILE = MACHINE / "controls.jsonl"


@pytest.fixture(scope="module")
def run() -> Run:
    return reading.read(FILE)


@pytest.fixture(scope="module")
def in_order(run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process draws."""
    folder = tmp_path_factory.mktemp("order")
    return contents(figures.draw([run], folder))


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes, however few records there are."""
    monkeypatch.setattr(beside, "MANY", 1)
    monkeypatch.setattr(beside, "_cores", lambda: 2)


def contents(files: list[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in files}


def test_the_second_process_draws_the_same_bytes(
    run: Run, in_order: dict[str, bytes], two: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    done = beside.Other.done

    def watched(other: beside.Other) -> bool:
        seen.append(done(other))
        return seen[-1]

    monkeypatch.setattr(beside.Other, "done", watched)
    drawn = contents(figures.draw([run], tmp_path))
    assert drawn == in_order
    assert list(drawn) == list(in_order), "told in the same order"
    assert seen == [True]


@pytest.mark.parametrize(
    "code", ["raise SystemExit(3)", "import os; os.abort()", "import time; time.sleep(60)"]
)
def test_what_it_has_not_drawn_in_time_is_drawn_here(
    run: Run,
    in_order: dict[str, bytes],
    two: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
) -> None:
    monkeypatch.setattr(beside, "COMMAND", (sys.executable, "-c", code))
    monkeypatch.setattr(beside, "PATIENCE", 0.2)
    assert contents(figures.draw([run], tmp_path)) == in_order


def test_the_second_process_knows_which_files_are_one_run(
    run: Run, two: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = len(run.comparisons) // 2
    for name, records in {"a": run.comparisons[:half], "b": run.comparisons[half - 1 :]}.items():
        lines: list[Any] = [run.environment, *records]
        (tmp_path / f"{name}.jsonl").write_text("".join(map(reading.to_line, lines)))
    parts = [reading.read(tmp_path / name) for name in ("a.jsonl", "b.jsonl")]
    found = [*joined.of(parts), run]
    assert [len(each.comparisons) for each in found] == [len(run.comparisons)] * 2
    seen: list[bool] = []
    done = beside.Other.done

    def watched(other: beside.Other) -> bool:
        seen.append(done(other))
        return seen[-1]

    monkeypatch.setattr(beside.Other, "done", watched)
    drawn = contents(figures.draw(found, tmp_path / "two"))
    assert seen == [True]
    monkeypatch.setattr(beside, "_cores", lambda: 1)
    assert drawn == contents(figures.draw(found, tmp_path / "one"))


@pytest.mark.parametrize("reason", ["few records", "one core", "no file"])
def test_there_is_none_where_it_is_of_no_use(
    run: Run, two: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    monkeypatch.setattr(beside, "Other", None)
    runs = [run]
    if reason == "few records":
        monkeypatch.setattr(beside, "MANY", len(run.comparisons) + 1)
    elif reason == "one core":
        monkeypatch.setattr(beside, "_cores", lambda: 1)
    else:
        runs = [Run(tmp_path / "gone.jsonl", run.environment, run.comparisons)]
    with beside.begun(runs, tmp_path) as other:
        assert other is None
