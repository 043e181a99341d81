"""The file of a shard: of that shard alone, also where a job is put into the queue again."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.records.journal import Journal
from tests.records import ENVIRONMENT


def of(*shard: str) -> list[str]:
    return ["python", "-m", "bench", "--suite", "quick", *shard]


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (of("--shard", "1/4"), of("--shard", "2/4"), "is of shard 1/4, and this is shard 2/4"),
        (of("--shard", "1/4"), of("--shard", "1/8"), "is of shard 1/4, and this is shard 1/8"),
        (of("--shard=1/4"), of(), "is of shard 1/4, and this is a whole run"),
        (of(), of("--shard", "1/4"), "is of a whole run, and this is shard 1/4"),
    ],
)
def test_another_shard_does_not_go_on_with_it(
    then: list[str], now: list[str], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    with Journal(path) as journal:
        journal.begin(replace(ENVIRONMENT, command=then))
    before = path.read_bytes()
    with Journal(path, resume=True) as journal, pytest.raises(UsageError, match=said):
        journal.begin(replace(ENVIRONMENT, command=now))
    assert path.read_bytes() == before


def test_the_same_shard_goes_on_with_it(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with Journal(path) as journal:
        journal.begin(replace(ENVIRONMENT, command=of("--shard", "1/4")))
    with Journal(path, resume=True) as journal:
        journal.begin(replace(ENVIRONMENT, command=of("--resume", "--shard=1/4")))


def test_a_job_that_is_back_waits_for_the_one_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    waited = []
    dying = Journal(tmp_path / "x.jsonl")
    dying.begin(ENVIRONMENT)

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            dying.close()

    monkeypatch.setattr(time, "sleep", sleep)
    with Journal(tmp_path / "x.jsonl", resume=True) as journal:
        journal.begin(ENVIRONMENT)
    assert len(waited) == 3


def test_and_says_so_when_it_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    with Journal(tmp_path / "x.jsonl") as journal:
        journal.begin(ENVIRONMENT)
        with pytest.raises(UsageError, match="another run is writing"):
            Journal(tmp_path / "x.jsonl", resume=True)
    assert clock[0] >= 60
