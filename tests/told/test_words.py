"""Sentences count rightly: no text of the program puts a bare plural behind a number."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from semibackward import grammar as of_the_trick
from semibackward_bench import grammar
from tests.places import ROOT
from tests.told.sources import SOURCES

_COUNTED = """
    alarms attacks batches blocks calls cases classes comparisons copies cores days digits
    distributions epochs examples faults files gradients hours images kinds layers libraries lines
    minutes models modules networks numbers outliers pairs parameters parts passes pixels processes
    quantities queries repetitions rounds rows runs samples seconds sentences settings signs steps
    tests threads tokens trainings values variants versions warnings weights wheels words workers
"""
NOUNS = frozenset(_COUNTED.split())
"""What the program counts, in the plural."""
FURTHEST = 3
"""Words behind a number that are looked at, as in "2 other parameter gradients"."""
_APART = """
    a an and any as at by comes computes for from has holds in is it its of on one or requires
    takes that the to which with without
"""
STOPS = frozenset(_APART.split())
"""A noun behind these is not what the number counts."""
FIXED = {
    "adapters/decoding.py: {values.dtype.name} values": "a dtype",
    "adapters/outputs.py: {images.dtype} images": "a dtype",
    "adapters/text/base.py: {self.name} attacks": "a verb",
    "adapters/tokens/base.py: {self.name} attacks": "a verb",
    "adapters/papers/energy/adapter.py: {self.name} attacks": "a verb",
    "adapters/papers/energy/defences.py: {images.dtype} images": "a dtype",
    "adapters/papers/sap/adapter.py: {self.name} attacks": "a verb",
    "adapters/papers/sap/placing.py: {what} runs": "a verb",
    "bench/choosing/selection.py: {name} attacks": "a verb",
    "bench/compare/counted.py: {calls} gradient calls": "one is told otherwise",
    "bench/compare/counted.py: {what} calls": "what is counted is a word",
    "bench/compare/counted.py: {what} passes": "what is counted is a word",
    "bench/kinds/text/building.py: {case.library} attacks": "a verb",
    "bench/kinds/tokens/building.py: {case.library} attacks": "a verb",
    "bench/kinds/training/kind.py: {facts.size} pixels": "no data set has images of one",
    "bench/statistics/doubts.py: {interval.processes} processes": "one is told otherwise",
    "bench/testing/looking.py: {observed.calls} gradient calls": "one is told otherwise",
    "reports/reading/memory.py: {_count(before)} page faults": "told of many",
    "reports/reading/memory.py: {_range(original)} page faults": "told of many",
    "reports/reading/memory.py: {several} processes": "one is told otherwise",
    "tools/planted/table.py: {median(others)} cores": "a median, with a digit behind the point",
    "tools/planted/table.py: {r.check} calls": "a verb",
    "tools/report_speed.py: {len(times)} changes": "two of each filter",
    "tools/report_speed.py: {os.cpu_count()} cores": "its numbers are of a machine of two",
    "tools/step_memory.py: {STEPS[-1]} steps": "a constant",
}
"""What is found and is right, with the reason."""


def bare(text: str) -> Iterator[str]:
    """Where a module's texts put a plural behind a value, as "{len(steps)} steps"."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, behind in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(behind, ast.Constant):
                number = ast.unparse(value.value)
                plural = None if _agrees(number) else _plural(number, str(behind.value))
                if plural is not None:
                    yield f"{{{number}}}{plural}"


def _agrees(number: str) -> bool:
    """Whether it brings its noun, or stands in the code, where one sees how many it is."""
    called = number.startswith(("counted(", "form(", "grammar."))
    return called or re.fullmatch(r"(?:\w+\.)?_?[A-Z][A-Z0-9_]*", number) is not None


def _plural(number: str, behind: str) -> str | None:
    """The words behind a number up to a plural, where there is one."""
    first, *words = re.split(r"(?<=[.,;:)])| ", behind)
    if first:
        return None
    for length, word in enumerate(words[:FURTHEST], 1):
        noun = word.rstrip(".,;:)")
        sure = number.startswith(("len(", "sum(")) and re.search(r"\w\ws$", noun)
        if noun in STOPS:
            return None
        if noun in NOUNS or sure:
            return "".join(f" {one}" for one in (*words[: length - 1], noun))
        if not re.fullmatch("[a-z.-]+", word) or word != noun:
            return None
    return None


def test_no_text_puts_a_bare_plural_behind_a_number() -> None:
    """A new one is mended by `counted(number, "image")`, or `form`, of a module named grammar."""
    modules = {path.relative_to(ROOT).as_posix(): path for path in SOURCES}
    assert len(modules) > 250
    found = [
        f"{name}: {said}"
        for name, path in modules.items()
        for said in bare(path.read_text(encoding="utf-8"))
    ]
    assert [said for said in found if said not in FIXED] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('f"{number} steps"', "{number} steps"),
        ('f"{len(found)} frogs."', "{len(found)} frogs"),
        (
            'f"{each.number} other parameter gradients, {x}"',
            "{each.number} other parameter gradients",
        ),
        ('f"a {told} of {sum(found)} backward passes"', "{sum(found)} backward passes"),
    ],
)
def test_such_a_text_would_be_found(text: str, said: str) -> None:
    assert list(bare(text)) == [said]


@pytest.mark.parametrize(
    "text",
    [
        "f\"{counted(number, 'step')} of {length}\"",
        'f"{MOST} steps"',
        'f"{name} has steps"',
        'f"{name}, steps"',
        'f"{number:.2f} times"',
    ],
)
def test_what_agrees_is_left_alone(text: str) -> None:
    assert list(bare(text)) == []


@pytest.mark.parametrize("words", [grammar, of_the_trick])
def test_words_agree_with_their_number(words: object) -> None:
    counted, form = words.counted, words.form  # type: ignore[attr-defined]
    assert [counted(n, "image") for n in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    assert [counted(n, "query", "queries") for n in (1, 2)] == ["1 query", "2 queries"]
    assert [form(n, "is", "are") for n in (0, 1, 2)] == ["are", "is", "are"]
    assert form(1.0, "pass", "passes") == "pass"
