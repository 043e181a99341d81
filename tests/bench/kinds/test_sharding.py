"""--shard: which part of a run, by itself or in a job array."""

from __future__ import annotations

import argparse

import pytest

from bench.errors import UsageError
from bench.kinds import sharding
from bench.kinds.sharding import Shard
from tests.commands import request


@pytest.fixture(autouse=True)
def _no_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sharding.TASK, raising=False)


def test_a_shard_is_one_of_several() -> None:
    assert sharding.parse("3/32") == Shard(3, 32)
    assert str(Shard(3, 32)) == "3/32"
    assert request("run", "--shard", "1/1").shard == Shard(1, 1)
    assert request("explain", "--shard", "2/3").shard == Shard(2, 3)
    assert request("counts", "--shard", "2/3").shard == Shard(2, 3)
    assert request("train", "--shard", "2/3").shard == Shard(2, 3)
    assert request().shard is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0/4", "there is no shard 0 of 4; they count from 1 to 4"),
        ("5/4", "there is no shard 5 of 4"),
        ("1/0", "too few or too many"),
        ("1/1000001", "too few or too many"),
        ("-1/4", "is no shard; give which of how many, such as 3/32"),
        ("1/4/2", "is no shard"),
        ("a", "is no shard"),
        ("", "is no shard"),
        ("٣/٤", "is no shard"),
        ("4", "says how many and not which, .* give both, such as 1/4"),
    ],
)
def test_what_is_none_is_told_in_a_line(text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        sharding.parse(text)
    with pytest.raises(UsageError, match=said) as raised:
        request(f"--shard={text}")
    assert "\n" not in str(raised.value)


def test_a_job_array_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sharding.TASK, "5")
    assert sharding.parse("32") == Shard(5, 32)
    assert sharding.parse("4/32") == Shard(4, 32), "what is given goes before it"


@pytest.mark.parametrize("task", ["0", "33", "-1", "x", "1\n2"])
def test_a_job_array_that_counts_otherwise_is_refused(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sharding.TASK, task)
    with pytest.raises(argparse.ArgumentTypeError, match="#SBATCH --array=1-32"):
        sharding.parse("32")


@pytest.mark.parametrize(
    ("words", "spelt"),
    [
        (["run", "--shard", "32", "--seed", "1"], ["run", "--shard", "5/32", "--seed", "1"]),
        (["run", "--shard=32"], ["run", "--shard=5/32"]),
        (["run", "--sha", "32"], ["run", "--sha", "5/32"]),
        (["run", "--shard", "2/3", "--shard", "32"], ["run", "--shard", "2/3", "--shard", "5/32"]),
    ],
)
def test_a_record_names_the_shard_whichever_job_it_was(words: list[str], spelt: list[str]) -> None:
    assert sharding.spelt_out(words, Shard(5, 32)) == spelt
    assert sharding.recorded(spelt) == "5/32"


def test_a_command_without_one_is_a_whole_run() -> None:
    words = ["python", "-m", "bench", "--steps", "2", "--suite", "x", "--"]
    assert sharding.spelt_out(words, None) == words
    assert sharding.recorded(words) is None
    assert sharding.recorded(["slurm", "--shards", "4"]) is None
