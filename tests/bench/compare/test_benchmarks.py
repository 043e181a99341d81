"""`compare` of pytest-benchmark's files: what can be seen, and what is made of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
import pytest

from bench.compare import rounds
from bench.compare.rounds import Level
from tests.bench.compare.files import Said, benchmarks
from tests.places import ROOT
from tools.rounds import alarms
from tools.rounds.alarms import Runs

COMMITTED = ROOT / "results" / "regressions" / "rounds.json"
DOCS = (ROOT / "docs" / "regressions.md").read_text(encoding="utf-8")


def suite(tests: int, run: int, scales: Sequence[float] = (), **samples: Any) -> str:
    """A run of so many tests, which lie 2 % beside another one's, with rounds that scatter by 1 %.

    Args:
        tests: how many.
        run: which.
        scales: what the seconds of the first tests are multiplied by.
        samples: of some tests, by their number, in place of made-up ones.
    """
    random = numpy.random.default_rng(run)
    level = 0.02 * random.standard_normal(tests)
    level[: len(scales)] += numpy.log(numpy.array(scales))
    logs = level[:, None] + 0.01 * random.standard_normal((tests, 40))
    data = {f"test_{n}": row for n, row in enumerate(numpy.exp(logs).tolist())} | samples
    return benchmarks(
        benchmarks=[{"fullname": name, "stats": {"data": row}} for name, row in data.items()]
    )


def test_a_file_against_itself_leaves_nothing_open(compare: Said) -> None:
    code, said = compare(suite(30, 0), suite(30, 0), "--strict")
    assert (code, "nconclusive" in said) == (0, False)
    assert "30 quantities of both files have the very same samples" in said


@pytest.mark.parametrize("tests", [1, 5, 30, 300])
def test_another_run_of_the_same_is_no_regression(compare: Said, tests: int) -> None:
    for run in range(1, 6):
        code, said = compare(suite(tests, 0), suite(tests, run), "--strict")
        assert "0 regressions, 0 improvements" in said
        assert code == (0 if "nconclusive" not in said else 3)
        assert "can come out as a regression" in said or "can't come out as a regression" in said
        assert "--processes" not in said


@pytest.mark.parametrize(("tests", "times"), [(1, 1.4), (30, 1.5), (300, 1.7)])
def test_a_test_that_lost_much_is_found_among_many(compare: Said, tests: int, times: float) -> None:
    code, said = compare(suite(tests, 0), suite(tests, 1, [times]))
    assert code == 1
    assert "1 regression, 0 improvements" in said
    assert "- test_0: seconds +" in said
    code, said = compare(suite(tests, 1, [times]), suite(tests, 0))
    assert (code, "0 regressions, 1 improvement" in said) == (0, True)


def test_all_tests_twice_as_slow_are_told_as_one_regression(compare: Said) -> None:
    code, said = compare(suite(30, 0), suite(30, 1, [2.0] * 30))
    assert code == 1
    assert "30 cases of pytest-benchmark: 1 regression, 0 improvements" in said
    assert "- all cases together: the middle change of their seconds +10" in said
    assert "the median of all 30 tests changed by 10" in said


def test_a_machine_that_was_a_little_slower_is_told(compare: Said) -> None:
    code, said = compare(suite(30, 0), suite(30, 1, [1.15] * 30))
    assert code == 0
    assert "too little to tell from a slower moment of the machine" in said


@pytest.mark.parametrize("times", [0.5, 2.0])
def test_what_most_tests_do_makes_no_finding_of_the_others(compare: Said, times: float) -> None:
    most = [times] * 20
    said = compare(suite(30, 0), suite(30, 1, most))[1]
    assert "- all cases together" in said
    assert ("1 regression, 0 improv" if times > 1 else "0 regressions, 1 improv") in said


def test_a_sample_that_is_no_time_leaves_its_test_open(compare: Said) -> None:
    for sample in (0.0, -1.0, float("nan"), float("inf"), None):
        new = suite(30, 1, test_3=[1.0, sample, 1.0, 1.0, 1.0])
        code, said = compare(suite(30, 0), new)
        assert (code, "1 of 5 samples of NEW is no possible time, as" in said) == (0, True)
        assert said.count(" s (") == 29, "the others are compared"
        assert compare(suite(30, 0), new, "--strict")[0] == 3
    assert "raise --benchmark-min-time" in compare(suite(2, 0), suite(2, 1, test_1=[0.0, 1.0]))[1]


def test_too_few_rounds_leave_a_test_open(compare: Said) -> None:
    code, said = compare(suite(1, 0), suite(1, 1, test_0=[1.0]), "--strict")
    assert (code, "fewer than 5 rounds; raise --benchmark-min-rounds" in said) == (3, True)


def test_what_is_open_is_one_line_behind_what_failed(compare: Said) -> None:
    shaky = {f"test_{n}": [1.0, *[1.5] * n] for n in range(10, 30)}
    base = suite(30, 0, **shaky)
    new = suite(30, 1, [2.0], **{name: [*row, 1.2] for name, row in shaky.items()}, test_9=[0.0])
    said = compare(base, new)[1]
    part = said.partition("Inconclusive, where")[2].partition("Seconds:")[0]
    lines = [line for line in part.splitlines() if line.startswith("- ")]
    assert len(lines) == 2, "the intervals, and the test that has none"
    assert "Regressions:" in said.partition("Inconclusive, where")[0]
    lines = compare(base, new, "--format", "annotations")[1].splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning"]
    assert "title=inconclusive%3A " in lines[1]


def test_the_lower_quartile_does_not_move_with_what_other_programs_do() -> None:
    calm = [1.0, 1.01] * 20
    held_up = [second * (3 if n % 2 else 1) for n, second in enumerate(calm)]
    first, second = rounds.level(calm), rounds.level(held_up)
    assert first is not None
    assert second is not None
    assert second.log == pytest.approx(first.log, abs=0.01)
    assert second.spread > 10 * first.spread, "and it is known to be held up"


def test_the_docs_tell_which_loss_can_be_seen() -> None:
    for tests in (1, 30, 300):
        random = numpy.random.default_rng(0)
        levels = [
            [Level(float(log), 0.01) for log in 0.02 * random.standard_normal(tests)]
            for _ in range(2)
        ]
        runs = Runs(
            {},
            [0, 0],
            {
                str(n): [(b.log, b.spread), (a.log, a.spread)]
                for n, (b, a) in enumerate(zip(*levels, strict=True))
            },
        )
        _, _, seen = alarms.alarms(runs, [list(runs.levels)])
        assert f"| {tests} | {100 * seen:.0f} % |" in DOCS


def test_the_committed_runs_are_told_as_they_are() -> None:
    said = " ".join(alarms.told(Runs.read(COMMITTED)).split())
    for line in alarms.told(Runs.read(COMMITTED)).splitlines():
        assert line in " ".join(DOCS.split()), said
