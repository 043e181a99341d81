"""Which side of a ratio moved, and what that comes to: what users pay is judged, not the ratio."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from bench.records.types import ComparisonRecord
from tests.bench.compare.files import Said
from tests.cases import changed
from tests.places import ROOT
from tests.records import CASE, ENVIRONMENT, timed

FACTORS = {"faster": 0.6, "same": 1.0, "slower": 1.8}
"""What a side's seconds are multiplied by; the ratio was 1.5."""
ELSEWHERE = replace(ENVIRONMENT, processor="another")
MENDED = {"call": "backward", "original": 0, "semi-backward": 0}


@dataclass(frozen=True)
class Cell:
    """What a change of both sides comes to.

    Attributes:
        verdict: as the docs' table has it.
        code: of the command.
        said: in what is printed, in this order.
    """

    verdict: str
    code: int
    said: tuple[str, ...]


LESS = "so there is less for semi-backward to save"
MATRIX = {
    ("faster", "faster"): Cell(
        "improvement of both",
        0,
        ("Improvements:", "original): seconds -40 %", "semi-backward): seconds -40 %"),
    ),
    ("faster", "same"): Cell(
        "improvement of the original: less is left to save",
        0,
        (
            "Improvements:",
            "speedup -40 % (1.5 → 0.9;",
            f"since the original got faster: 1.5 → 0.9 s (-40 %), {LESS}.",
        ),
    ),
    ("faster", "slower"): Cell(
        "**regression** of the variant; improvement of the original",
        1,
        (
            "Regressions:",
            "where 5 % is allowed: the original got faster, 1.5 → 0.9 s (-40 %),"
            " and semi-backward slower, 1 → 1.8 s (+80 %)",
            "Improvements:",
            "(original): seconds -40 %",
        ),
    ),
    ("same", "faster"): Cell(
        "improvement of the variant",
        0,
        ("Improvements:", "since semi-backward got faster: 1 → 0.6 s (-40 %)"),
    ),
    ("same", "same"): Cell("nothing", 0, ("0 regressions, 0 improvements",)),
    ("same", "slower"): Cell(
        "**regression** of the variant",
        1,
        (
            "Regressions:",
            "speedup -44.4 % (1.5 → 0.833;",
            "where 5 % is allowed, since semi-backward got slower: 1 → 1.8 s (+80 %)",
        ),
    ),
    ("slower", "faster"): Cell(
        "**regression** of the original; improvement of the variant",
        1,
        (
            "Regressions:",
            "(original): seconds +80 %",
            "Improvements:",
            "(semi-backward): seconds -40 %",
            "the original got slower, 1.5 → 2.7 s (+80 %), and semi-backward faster",
        ),
    ),
    ("slower", "same"): Cell(
        "**regression** of the original: more is left to save, which gains nothing",
        1,
        (
            "Regressions:",
            "(original): seconds +80 %",
            "Other differences:",
            "speedup +80 % (1.5 → 2.7;",
            "since the original got slower: 1.5 → 2.7 s (+80 %), so there is more to save, and"
            " nothing is gained.",
        ),
    ),
    ("slower", "slower"): Cell(
        "**regression** of both",
        1,
        ("Regressions:", "(original): seconds +80 %", "(semi-backward): seconds +80 %"),
    ),
}


def scaled(original: float, variant: float, **changes: Any) -> ComparisonRecord:
    """The usual record with both sides' seconds so many times as long."""
    by = {"original": original, "semi-backward": variant}
    seconds = {name: [by[name] * s for s in found] for name, found in timed().seconds.items()}
    return timed(ratio=1.5 * original / variant, seconds=seconds, **changes)


@pytest.mark.parametrize(("original", "variant"), MATRIX)
def test_the_matrix(compare: Said, original: str, variant: str) -> None:
    cell = MATRIX[original, variant]
    code, said = compare([timed()], [scaled(FACTORS[original], FACTORS[variant])])
    assert code == cell.code
    assert ("Regressions:" in said) == ("regression" in cell.verdict)
    assert ("Improvements:" in said) == ("improvement" in cell.verdict)
    places = [said.find(part) for part in cell.said]
    assert places == sorted(places), said
    assert -1 not in places, said
    assert "Seconds:\n\n- torchattacks pgd on resnet18: original 1.5 →" in said


def test_the_matrix_of_the_docs_is_this_one() -> None:
    rows = [
        f"| original {one} | {' | '.join(MATRIX[one, other].verdict for other in FACTORS)} |"
        for one in FACTORS
    ]
    text = (ROOT / "docs" / "regressions.md").read_text(encoding="utf-8")
    assert "\n".join(rows) in text


def test_a_mended_library_is_an_improvement_on_any_machine(compare: Said) -> None:
    memory = {**(timed().memory or {}), "original": 1000}
    mended = scaled(2 / 3, 1, gradients=MENDED, memory=memory)
    code, said = compare([timed()], [mended], "--strict")
    assert (code, "Regressions" in said) == (0, False)
    assert "computes the gradients of 0 parameters (62 before) and got faster: 1.5 → 1 s" in said
    points = compare([timed()], [mended], "--format", "github-action-benchmark")[1]
    assert "original: seconds" in points
    assert "of the original's time" not in points, "more of it would be an alert"
    code, said = compare([timed()], [ELSEWHERE, mended], "--strict")
    assert (code, "Regressions" in said) == (0, False)
    assert f"the original computes the gradients of 0 parameters (62 before), {LESS}" in said
    code, said = compare([mended], [ELSEWHERE, timed()])
    assert code == 1
    assert "(original): it computes the gradients of 62 parameters (0 before)" in said
    assert "so there is more to save, and nothing is gained" in said
    assert "Improvements" not in said


def test_a_mended_original_hides_no_slower_variant(compare: Said) -> None:
    worse = scaled(2 / 3, 1.5, gradients=MENDED)
    for new in ([worse], [ELSEWHERE, worse]):
        code, said = compare([timed()], new)
        assert (code, "where 5 % is allowed" in said) == (1, True)
    assert "but semi-backward takes longer than it now" in said
    code, said = compare([timed()], [scaled(0.87, 1.3, gradients=MENDED)])
    assert code == 1
    assert "and semi-backward slower, 1 → 1.3 s (+30 %)" in said
    code, said = compare([timed()], [scaled(0.95, 1.4, gradients=MENDED)])
    assert code == 1
    assert "(62 before), but semi-backward got slower: 1 → 1.4 s (+40 %)" in said


def test_a_variant_that_computes_gradients_again_is_the_reason(compare: Said) -> None:
    both = {"call": "backward", "original": 62, "semi-backward": 62}
    code, said = compare([timed()], [ELSEWHERE, scaled(1, 1.5, gradients=both)])
    assert code == 1
    assert "since semi-backward computes the gradients of 62 parameters (0 before)" in said
    code, said = compare([timed(ratio=1.0, gradients=both)], [ELSEWHERE, timed()])
    assert code == 0
    assert "since semi-backward computes the gradients of 0 parameters (62 before)" in said


def test_between_machines_it_is_said_that_nobody_can_tell_which_side_moved(compare: Said) -> None:
    code, said = compare([timed()], [ELSEWHERE, scaled(0.6, 1)])
    assert code == 1, "it may be the variant's loss"
    assert "whether the original got faster or semi-backward slower can't be told, since" in said
    code, said = compare([timed()], [ELSEWHERE, scaled(2, 1)])
    assert (code, "Improvements" in said) == (0, False)
    assert "whether the original got slower or semi-backward faster can't be told, since" in said
    assert "Seconds:" not in said


def test_seconds_of_one_process_may_be_of_a_slow_moment(compare: Said) -> None:
    one: dict[str, Any] = {"processes": [0] * 50}
    code, said = compare([timed(**one)], [scaled(0.8, 1, **one)])
    assert code == 1
    assert "can't be told from seconds of two moments (original -20 % and semi-backward" in said
    code, said = compare([timed(**one)], [scaled(2, 2, **one)], "--strict")
    assert code == 0
    assert "(original): seconds +100 %" in said
    assert "more than is allowed, and too little to tell from a slower moment" in said


def test_many_cases_of_one_process_tell_together_what_none_does_by_itself(compare: Said) -> None:
    cases = [changed(CASE, library=f"library{number}") for number in range(12)]
    seconds = {name: [2 * s for s in found] for name, found in timed().seconds.items()}
    base = [timed(case, processes=[0] * 50) for case in cases]
    new = [timed(case, processes=[0] * 50, seconds=seconds) for case in cases]
    code, said = compare(base, new)
    assert code == 1
    assert "12 cases of comparisons: 1 regression" in said
    assert "- all cases together: the middle change of their seconds +100 % (1 → 2;" in said
    assert compare(base, [ELSEWHERE, *new])[0] == 0
    assert compare(base, new, "--fail-if", "seconds:off")[0] == 0


def test_parameter_gradients_may_be_allowed(compare: Said) -> None:
    mended = timed(gradients=MENDED)
    assert compare([mended], [timed()])[0] == 1
    code, said = compare([mended], [timed()], "--fail-if", "gradients:off")
    assert (code, "computes the gradients of 62 parameters" in said) == (0, True)
