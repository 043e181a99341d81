"""Which case is which: none is dropped, and no two are called alike."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from bench.cases import Case
from bench.compare import naming
from bench.compare.matching import match
from bench.records.types import CountsRecord
from tests.bench.compare.files import Said
from tests.cases import changed, text_case, training_case
from tests.records import CASE, COUNTS, ENVIRONMENT, counts, timed

SLOWER = replace(COUNTS, forward_calls=8, forward_images=32)
"""Three forward passes more."""


def mine(place: str, **changes: Any) -> CountsRecord:
    return counts(changed(CASE, library="user", attack=f"{place}:pgd"), **changes)


def model(place: str) -> CountsRecord:
    return counts(changed(CASE, model=f"{place}:net"))


@pytest.mark.parametrize(
    "folders",
    [("fast", "slow"), ("/home/base/fast", "/home/base/slow"), ("fast", "elsewhere/slow")],
)
def test_two_attacks_of_one_name_are_two_cases(compare: Said, folders: tuple[str, str]) -> None:
    fast, slow = (f"{folder}/mine.py" for folder in folders)
    code, said = compare([mine(fast), mine(slow)], [mine(fast), mine(slow, original=SLOWER)])
    assert code == 1
    assert "2 cases of counts: 2 regressions" in said
    assert "user slow/mine.py:pgd on resnet18 (original): 8 forward passes an image" in said


@pytest.mark.parametrize("option", ["eps", "step_size", "steps", "batch", "classes", "labels"])
def test_cases_that_differ_in_one_option_are_called_by_it(compare: Said, option: str) -> None:
    values = {"eps": (8 / 255, 0.1), "step_size": (2 / 255, None), "labels": ((1, 2), (3, 4))}
    cases = [changed(CASE, **{option: value}) for value in values.get(option, (3, 7))]
    code, said = compare([counts(c) for c in cases], [counts(cases[0]), counts(cases[1], SLOWER)])
    assert code == 1
    told = {"eps": "0.1", "step_size": "unset", "labels": "3x4"}.get(option, "7")
    name = f"torchattacks pgd on resnet18, {option.replace('_', ' ')} {told} (original)"
    assert name in said.replace("\\", "")


CASES: list[Case] = [
    CASE,
    *(changed(CASE, **change) for change in (
        {"eps": 0.1}, {"eps": 0.10001}, {"eps": None}, {"random_start": False},
        {"random_start": None}, {"dtype": "float64"}, {"device": "cuda:0"},
        {"weights": "pretrained"}, {"images": "a/photos"}, {"images": "b/photos"},
        {"model": "a/net.py:f"}, {"model": "b/net.py:f"},
    )),
    *(changed(CASE, library="user", attack=f"{f}mine.py:pgd") for f in ("", "a/", "/b/a/")),
    *(text_case(queries=queries, sentences=path) for queries in (None, 5) for path in "ab"),
    *(training_case(training=name, replays=m) for name in ("free", "pgd") for m in (None, 4, 8)),
]  # fmt: skip


def test_no_two_cases_of_any_kind_share_a_name() -> None:
    names = naming.names(CASES)
    assert [name for name, number in Counter(names).items() if number > 1] == []


def test_a_case_by_itself_has_a_short_name_that_others_beside_it_do_not_change() -> None:
    both = match([counts()], [counts(), counts(changed(CASE, eps=0.1))])
    assert both.names == ("torchattacks pgd on resnet18",)
    assert [name for name, _ in both.come] == ["torchattacks pgd on resnet18, eps 0.1"]


@pytest.mark.parametrize(
    ("base", "new", "paired"),
    [
        (["base/mine.py"], ["/elsewhere/mine.py"], [(0, 0)]),
        (["a/mine.py", "b/mine.py"], ["a/mine.py"], [(0, 0)]),
        (["a/mine.py", "b/mine.py"], ["a/mine.py", "c/mine.py"], [(0, 0)]),
        (["/1/a/mine.py", "/1/b/mine.py"], ["/2/b/mine.py", "/2/a/mine.py"], [(1, 0), (0, 1)]),
        (["/1/a/mine.py", "/1/b/mine.py"], ["/2/b/mine.py"], [(1, 0)]),
        (["a/mine.py"], ["x/a/mine.py", "y/a/mine.py"], []),
        (["mine.py", "a/mine.py"], ["mine.py", "b/mine.py"], [(0, 0)]),
        (["a/mine.py"], ["a/other.py"], []),
    ],
)
@pytest.mark.parametrize("record", [mine, model])
def test_a_users_file_may_lie_elsewhere_where_that_leaves_no_doubt(
    record: Any, base: list[str], new: list[str], paired: list[tuple[int, int]]
) -> None:
    then, now = list(map(record, base)), list(map(record, new))
    found = match(then, now)
    assert [(then.index(a), now.index(b)) for a, b in found.pairs] == paired
    assert len(found.gone) == len(base) - len(paired)
    assert len(found.come) == len(new) - len(paired)


def test_names_are_unique_in_every_format(compare: Said) -> None:
    base = [timed(changed(CASE, eps=eps)) for eps in (0.1, 0.2)]
    new = [base[0], timed(changed(CASE, eps=0.2), ratio=1.2)]
    _, said = compare(base, new, "--format", "junit")
    names = [
        (t.get("classname"), t.get("name")) for t in ElementTree.fromstring(said).iter("testcase")
    ]
    assert len(names) == len(set(names))
    _, said = compare(base, new, "--format", "github-action-benchmark")
    points = [point["name"] for point in json.loads(said)]
    assert len(points) == len(set(points))
    _, said = compare(base, new, "--format", "annotations")
    assert (
        "::error title=regression%3A torchattacks pgd on resnet18%2C eps 0.2%2C semi-back" in said
    )


def test_two_files_in_one_are_refused_with_the_line(compare: Said) -> None:
    code, said = compare([counts()], [ENVIRONMENT, counts(), ENVIRONMENT, counts()])
    assert (code, len(said.splitlines())) == (2, 1)
    assert "line 3 is a second environment; they are of several runs" in said


def test_two_answers_to_one_question_are_refused_with_both_lines(compare: Said) -> None:
    code, said = compare([timed()], [timed(), timed(ratio=1.2)])
    assert (code, len(said.splitlines())) == (2, 1)
    assert "line 3 is another record of what line 2 holds (torchattacks pgd on resnet18, 4 " in said
    failed = timed(status="failed", speedup=None, reason="it fell")
    assert compare([timed()], [failed, timed()], "--strict")[0] == 0, "a run that was resumed"
