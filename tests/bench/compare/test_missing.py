"""What BASE had and NEW lacks fails where it is asked to, and can be paired by hand."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.bench.compare.files import Said, benchmarks
from tests.cases import changed
from tests.records import CASE, COUNTS, counts, timed

EIGHT = [counts(changed(CASE, batch=batch)) for batch in range(1, 9)]
PGD, OTHER = "tests/perf/test_x.py::test_pgd[a=1]", "tests/perf/test_x.py::test_pgd[a=2]"


def suite_of(*names: str) -> str:
    """A file of pytest-benchmark with some tests."""
    (one,) = json.loads(benchmarks())["benchmarks"]
    return benchmarks(benchmarks=[{**one, "fullname": name} for name in names])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 0),
        (["--strict"], 1),
        (["--missing", "fail"], 1),
        (["--missing", "tell"], 0),
        (["--strict", "--missing", "tell"], 0),
    ],
)
def test_seven_of_eight_cases_that_vanish(compare: Said, words: list[str], code: int) -> None:
    found, said = compare(EIGHT, EIGHT[:1], *words)
    assert found == code
    assert "1 case of counts: 0 regressions, 0 improvements, 7 missing" in said
    assert said.count("- torchattacks pgd on resnet18, batch ") == 7
    assert ("which fails (--missing fail)" in said) == bool(code)


@pytest.mark.parametrize(
    ("missing", "level", "what"), [("fail", "error", "failure"), ("tell", "warning", "skipped")]
)
def test_what_vanished_is_in_every_format(
    compare: Said, missing: str, level: str, what: str
) -> None:
    name = "torchattacks pgd on resnet18, batch 2"
    words = ("--missing", missing, "--format")
    _, said = compare(EIGHT[:2], EIGHT[:1], *words, "annotations")
    assert f"::{level} title=missing%3A {name.replace(',', '%2C')}" in said
    _, said = compare(EIGHT[:2], EIGHT[:1], *words, "junit")
    suite = ElementTree.fromstring(said)[0]
    (case,) = [case for case in suite.iter("testcase") if case.find(what) is not None]
    assert case.get("classname") == f"{name}, semi-backward"
    assert (suite.get("failures"), suite.get("skipped")) == (
        ("1", "0") if missing == "fail" else ("0", "1")
    )
    _, said = compare(EIGHT[:2], EIGHT[:1], *words, "json")
    told = json.loads(said)
    assert told["missing"] == missing
    gone = [f["subject"] for f in told["findings"] if f["judgement"] == "missing"]
    assert gone == [name]


def test_a_variant_that_vanished_is_missing_and_its_case_is_not(compare: Said) -> None:
    base = [timed(), timed(variant="a-a", seconds={}, memory=None, gradients=None)]
    code, said = compare(base, base[:1], "--strict")
    assert code == 1
    assert "- torchattacks pgd on resnet18 (a-a)\n" in said
    assert "1 case of comparisons: 0 regressions, 0 improvements, 1 missing" in said


def test_tests_that_vanish(compare: Said) -> None:
    both = suite_of(PGD, OTHER)
    assert compare(both, suite_of(PGD))[0] == 0
    code, said = compare(both, suite_of(PGD), "--missing", "fail", "--format", "annotations")
    assert code == 1
    assert "::error title=missing%3A tests/perf/test_x.py%3A%3Atest_pgd[a=2]::it is in NEW" in said


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ({"speedup": None}, "speedup was 1.5 before, and there is none now"),
        ({"memory": None}, "peak memory was recorded before, and there is none now"),
    ],
)
def test_a_value_that_vanished_is_inconclusive(
    compare: Said, lost: dict[str, Any], said: str
) -> None:
    new = [timed(**lost)]
    assert compare([timed()], new)[0] == 0
    code, told = compare([timed()], new, "--strict")
    assert (code, said in told) == (3, True)
    metric = next(iter(lost))
    code, told = compare([timed()], new, "--strict", "--fail-if", f"{metric}:off")
    assert (code, said in told) == (0, True), "what fails nothing is told"


WORSE = replace(COUNTS, forward_flops=2000)


@pytest.mark.parametrize("by", ["names", "ids"])
def test_a_case_of_another_name_is_paired_by_hand(compare: Said, by: str) -> None:
    then, now = (changed(CASE, batch=1, attack=attack) for attack in ("pgd", "pgd-linf"))
    old, new = (
        f"torchattacks {c.attack} on resnet18" if by == "names" else c.id for c in (then, now)
    )
    other = counts(changed(CASE, batch=1, model="vgg"))
    base, fresh = [counts(then), other], [counts(now, WORSE), other]
    code, said = compare(base, fresh, "--rename", f"{old}={new}", "--strict")
    assert code == 1
    assert "torchattacks pgd-linf on resnet18 (original): forward FLOPs +100 %" in said
    assert "torchattacks pgd on resnet18 is compared with torchattacks pgd-linf on" in said
    assert "Only in" not in said


def test_what_is_told_of_a_new_name_can_be_given_as_it_is(compare: Said) -> None:
    then, now = (changed(CASE, model=model) for model in ("o'net18", "o'net18.v2"))
    base, new = [counts(then), EIGHT[0]], [counts(now), EIGHT[0]]
    _, said = compare(base, new)
    line = next(line for line in said.splitlines() if line.startswith("    --rename"))
    code, said = compare(base, new, *shlex.split(line), "--strict")
    assert (code, "2 cases of counts: 0 regressions" in said) == (0, True)


def test_a_test_of_another_name_is_paired_by_hand_though_it_holds_an_equals_sign(
    compare: Said,
) -> None:
    code, said = compare(suite_of(PGD), suite_of(OTHER), "--rename", f"{PGD}={OTHER}")
    assert (code, "1 case of pytest-benchmark" in said) == (0, True)
    code, said = compare(suite_of(PGD), suite_of(OTHER))
    assert code == 2
    assert f"pair them by hand: --rename '{PGD}={OTHER}'" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pgd"], "give OLD=NEW"),
        (["pdg=pgd2"], "no case 'pdg' that only BASE has; "),
        (
            ["torchattacks pgd on resnet19, batch 2=torchattacks pgd on resnet18, batch 4"],
            "that only BASE has; did you mean torchattacks pgd on resnet18, batch 2",
        ),
        (
            ["torchattacks pgd on resnet18, batch 2=x"],
            "no case 'x' that only NEW has; there are ",
        ),
        (["torchattacks pgd on resnet18=x"], "is in both files, and compared with itself"),
        ([f"{EIGHT[1].case_id}={EIGHT[3].case_id}"] * 2, "is paired already"),
    ],
)
def test_a_wrong_pair_is_told_in_a_line(compare: Said, words: list[str], said: str) -> None:
    options = [word for text in words for word in ("--rename", text)]
    code, told = compare(EIGHT[:3], [EIGHT[0], EIGHT[3]], *options)
    assert (code, len(told.splitlines())) == (2, 1)
    assert said in told


def test_no_pair_is_suggested_of_cases_that_differ_in_what_they_measure(compare: Said) -> None:
    _, said = compare(
        [counts(), EIGHT[1]], [counts(), EIGHT[2], counts(changed(CASE, dtype="float64"))]
    )
    assert "--rename" not in said


def test_a_test_that_is_in_a_file_twice_is_refused(compare: Said) -> None:
    code, said = compare(suite_of(PGD), suite_of(PGD, OTHER, PGD))
    assert (code, len(said.splitlines())) == (2, 1)
    assert f"new: it holds {PGD} 2 times; take all but one out" in said
