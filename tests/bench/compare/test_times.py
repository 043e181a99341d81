"""`compare` of times: speedups, seconds, memory, and files of pytest-benchmark."""

from __future__ import annotations

from dataclasses import replace

from bench.records.memory import MemoryUse
from bench.statistics.conditions import Conditions
from bench.statistics.equality import IDENTICAL, Equality
from bench.statistics.estimate import Speedup
from tests.bench.compare.files import Said, benchmarks
from tests.cases import changed
from tests.records import CASE, ENVIRONMENT, timed


def test_times_that_are_the_same_pass(compare: Said) -> None:
    again = timed(seconds={name: found[::-1] for name, found in timed().seconds.items()})
    code, said = compare([timed()], [again], "--fail-if", "seconds:10%", "--strict")
    assert (code, "0 regressions" in said) == (3, True), "seconds of two runs are never so sure"
    code, said = compare([timed()], [again], "--strict")
    assert (code, "Inconclusive" in said) == (0, False), "unless asked, only what is shown counts"
    assert "Seconds:" in said
    assert "very same samples" not in said


def test_a_file_against_itself_is_said_to_be_that(compare: Said) -> None:
    code, said = compare([timed()], [timed()], "--fail-if", "seconds:1%", "--strict")
    assert (code, "nconclusive" in said) == (0, False)
    assert "3 quantities of both files have the very same samples" in said


def test_the_least_loss_that_could_be_seen_is_told(compare: Said) -> None:
    said = compare([timed()], [timed()])[1]
    assert "speedup: a loss of less than 6.5 % can't come out as a regression" in said
    assert "seconds: a loss of less than 50 % can't come out as a regression" in said


def test_a_speedup_that_is_lost_is_a_regression(compare: Said) -> None:
    worse = timed(ratio=1.3)
    code, said = compare([timed()], [worse])
    assert code == 1
    assert "torchattacks pgd on resnet18 (semi-backward): speedup -13.3 % (1.5 → 1.3;" in said
    assert "where 5 % is allowed" in said
    assert compare([timed()], [worse], "--fail-if", "speedup:20%")[0] == 0
    assert compare([timed()], [worse], "--fail-if", "speedup:off")[0] == 0


def test_another_level_of_equality_is_told(compare: Said) -> None:
    rounded = timed(equality=Equality(equal=True, bitwise=False, max_abs_diff=1e-3))
    code, said = compare([timed(equality=IDENTICAL)], [rounded])
    assert code == 0
    assert "outputs were identical and are the same but for rounding now" in said
    assert "outputs were" not in compare([rounded], [rounded])[1]


def test_what_an_interval_leaves_open_fails_only_under_strict(compare: Said) -> None:
    wide = Speedup(1.4, 1.2, 1.6, 0.95, 5, 50, "t interval")
    assert compare([timed()], [timed(speedup=wide)])[0] == 0
    code, said = compare([timed()], [timed(speedup=wide)], "--strict")
    assert code == 3
    assert "a loss of 5 % is not ruled out" in said


def test_seconds_are_compared_between_equal_environments(compare: Said) -> None:
    seconds = {name: [3 * s for s in found] for name, found in timed().seconds.items()}
    slower = [timed(seconds=seconds)]
    code, said = compare([timed()], slower)
    assert (code, "where 25 % is allowed" in said) == (1, True)
    assert compare([timed()], slower, "--fail-if", "seconds:off")[0] == 0
    code, said = compare([timed()], slower, "--fail-if", "seconds:10%")
    assert code == 1
    assert "seconds +200 %" in said
    elsewhere = replace(ENVIRONMENT, processor="another", threads=1)
    assert compare([timed()], [elsewhere, timed()])[0] == 0, "a ratio is of any machine"
    code, said = compare([timed()], [elsewhere, *slower], "--fail-if", "seconds:10%")
    assert code == 4
    assert "processor: a processor then, another now; threads: 2 then, 1 now" in said
    words = ("--fail-if", "seconds:10%", "--allow-env-mismatch")
    assert compare([timed()], [elsewhere, *slower], *words)[0] == 1


def test_speedups_are_compared_only_where_memory_was_treated_alike(compare: Said) -> None:
    """Given back, it makes the original slower, and so the speedup larger."""
    kept = replace(ENVIRONMENT, memory=MemoryUse("keep", "glibc 2.36", "glibc 2.36", True))
    given = replace(ENVIRONMENT, memory=MemoryUse("system", "glibc 2.36", "glibc 2.36", False))
    less = timed(ratio=1.2)
    assert compare([kept, timed()], [kept, less])[0] == 1
    code, said = compare([given, timed()], [kept, less])
    assert code == 0
    assert (
        "the environments differ (memory: as the system gives it (glibc 2.36) then, kept when it is"
        " given back (glibc 2.36) now): speedup fails nothing" in said
    )
    code, said = compare([timed()], [kept, less], "--fail-if", "speedup:5%")
    assert code == 4
    assert "memory: not recorded then, kept" in said
    words = ("--fail-if", "speedup:5%", "--allow-env-mismatch")
    assert compare([given, timed()], [kept, less], *words)[0] == 1


def test_seconds_that_other_programs_may_account_for_are_no_regression(compare: Said) -> None:
    seconds = {name: [1.5 * s for s in found] for name, found in timed().seconds.items()}
    words = ("--fail-if", "seconds:10%")
    quiet, busy = (Conditions(cores=2, others=others, load=None, mhz=None) for others in (0.0, 1.0))
    slower = timed(seconds=seconds, conditions=[quiet])
    assert compare([timed()], [slower], *words)[0] == 1
    slower = timed(seconds=seconds, conditions=[quiet, busy])
    code, said = compare([timed()], [slower], *words)
    assert code == 0
    assert "since other programs may have cost up to 100 % of time" in said
    on_gpu = changed(CASE, device="cuda:0")
    slower = timed(on_gpu, seconds=seconds, conditions=[busy])
    assert compare([timed(on_gpu)], [slower], *words)[0] == 1, "nobody else was on the GPU"


def test_memory_has_a_plain_limit(compare: Said) -> None:
    fuller = {**(timed().memory or {}), "original": 2150}
    code, said = compare([timed()], [timed(memory=fuller)])
    assert code == 1
    assert "(original): peak memory +7.5 %" in said
    assert compare([timed()], [timed(memory=fuller)], "--fail-if", "memory:8%")[0] == 0
    elsewhere = replace(ENVIRONMENT, torch={"version": "2.12.0"})
    assert compare([timed()], [elsewhere, timed(memory=fuller)])[0] == 0
    words = ("--fail-if", "memory:5%")
    assert compare([timed()], [elsewhere, timed(memory=fuller)], *words)[0] == 4


def test_json_of_pytest_benchmark_is_read(compare: Said) -> None:
    assert compare(benchmarks(), benchmarks())[0] == 0
    code, said = compare(benchmarks(), benchmarks(2.0))
    assert code == 1
    assert "tests/perf/test_x.py::test_pgd: seconds +100 %" in said
    other = benchmarks(machine_info={"cpu": {"brand_raw": "two"}})
    assert compare(benchmarks(), other)[0] == 4
    assert compare(benchmarks(), other, "--allow-env-mismatch")[0] == 0
    unsaved = benchmarks(benchmarks=[{"fullname": "test_x", "stats": {"mean": 1.0}}])
    code, said = compare(unsaved, unsaved)
    assert (code, "--benchmark-save-data" in said) == (2, True)
