"""How long a job is asked for."""

from __future__ import annotations

import pytest

from bench.choosing.suites import Limits
from bench.errors import UsageError
from bench.slurm import estimating
from bench.slurm.estimating import Trial
from tests.commands import MINE, SMALL

LIMITS = Limits(max_seconds=15.0, processes=3)


def test_by_limits_it_is_what_a_shard_may_take_at_most() -> None:
    found = estimating.by_limits(4, LIMITS)
    assert found.minutes == 13, "4 times 75 s of measuring and 90 s besides, and 2 minutes"
    assert "4 comparisons of at most 165 s" in found.how
    assert "1 comparison of" in estimating.by_limits(1, LIMITS).how


def test_no_case_takes_longer_than_until_it_is_given_up() -> None:
    given_up = Limits(max_seconds=1000.0, processes=2, timeout=60.0)
    assert estimating.by_limits(1, given_up).minutes == 4


def test_memory_in_both_ways_takes_further_processes() -> None:
    both = Limits(max_seconds=15.0, processes=3, memory="both")
    assert estimating.by_limits(4, both).minutes > estimating.by_limits(4, LIMITS).minutes


def test_by_a_trial_it_is_twice_what_that_took() -> None:
    found = estimating.by_trial(10, LIMITS, Trial(seconds=22.0, measured=2.0, comparisons=2))
    assert found.minutes == 17, "10 times twice 15 s and 3 times 10 s, and 2 minutes"
    assert "10 comparisons of 90 s" in found.how
    assert "10.0 s besides in each of 3 processes" in found.how


def test_a_trial_measures_one_case() -> None:
    words = ["--attack", f"{MINE}:fgsm", *SMALL, "--processes", "5"]
    found = estimating.tried([*words, "--batch", "1", "2"], 2)
    assert found.comparisons == 1
    assert 0 < found.measured < found.seconds


def test_a_trial_that_measures_nothing_says_why() -> None:
    with pytest.raises(UsageError, match=r"measured nothing here \(.*sees only .*give --time"):
        estimating.tried(["--libs", "foolbox", "--device", "mps"], 1)
