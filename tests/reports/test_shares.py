"""What explanations tell where the time can't be divided, or something was not seen; warnings."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bench.cases import BASELINE, SEMI_BACKWARD
from bench.records.types import ComparisonRecord
from bench.statistics.anatomy import Anatomy, Part
from reports.formats import explained
from reports.reading.explanation import Explanation, explain
from tests.cases import changed
from tests.records import ENVIRONMENT, run
from tests.reports.test_explanation import FULL, OPTIMAL, SOME, anatomy, part, record

OVERLAPPING = replace(
    FULL, parts={**FULL.parts, BASELINE: Part(25.0, 10.0, 20.0, 10, 20, {"input, weight": 20})}
)
SLOWER = anatomy(part(10, 20), Part(34.0, 10.0, 24.0, 10, 10, {}))


def told(of: ComparisonRecord) -> Explanation:
    found = explain(of, ENVIRONMENT)
    assert found is not None
    return found


def shares(of: ComparisonRecord) -> list[str]:
    """The table's cells: forward, output gradients, parameter gradients, overhead, and the ceiling
    by time."""
    (row,) = explained.table([(of, told(of))]).rows
    return [*row[6:10], row[11]]


@pytest.mark.parametrize(
    ("found", "cells", "why"),
    [
        (FULL, ["33", "33", "33", "0", "1.50"], None),
        (
            OVERLAPPING,
            ["-", "-", "-", "-", "-"],
            "its time can't be divided: forward and backward passes add up to 120 % of the run",
        ),
        (
            SLOWER,
            ["33", "-", "-", "0", "-"],
            "can't be told: the backward passes took 1.20 times as long semi-backward",
        ),
    ],
)
def test_no_share_of_time_is_below_zero(found: Anatomy, cells: list[str], why: str | None) -> None:
    of = record(found)
    assert shares(of) == cells
    explanation = told(of)
    assert explanation.label == "benefits"
    basis = "33 % of the time" if why is None else "33 % of the operations"
    assert basis in explanation.sentence
    assert why is None or why in explanation.sentence
    paragraph = explained.paragraphs([run(of)])
    assert "-0 %" not in paragraph
    assert ("Of its time 33 % goes" in paragraph) is (cells[0] == "33")


def test_noise_below_half_a_percent_is_none() -> None:
    of = record(anatomy(part(100, 100.4), part(100, 100.9)))
    assert shares(of) == ["50", "50", "0", "0", "1.00"]


def test_what_computes_no_parameter_gradient_spends_no_time_on_them() -> None:
    slower = replace(OPTIMAL, parts={**OPTIMAL.parts, SEMI_BACKWARD: part(10, 14)})
    assert shares(record(slower, 0.9, 1.1, "inconclusive")) == ["50", "50", "0", "0", "1.00"]


def test_what_could_not_be_seen_leaves_the_rest() -> None:
    untimed = {
        name: Part(None, None, None, p.forward_flops, p.backward_flops)
        for name, p in FULL.parts.items()
    }
    of = record(replace(FULL, parts=untimed))
    assert shares(of) == ["-"] * 5
    assert "33 % of the operations" in told(of).sentence
    assert "the parts of its time are not known" in told(of).sentence

    uncounted = {
        name: replace(p, forward_flops=None, backward_flops=None) for name, p in FULL.parts.items()
    }
    of = record(replace(FULL, parts=uncounted))
    assert shares(of)[:4] == ["33", "33", "33", "0"]
    assert told(of).by_operations is None

    unseen = replace(FULL, calls=None, computing=None, parameters=None, own_functions=None)
    of = record(replace(unseen, forwards=None, backwards=None), gradients=None)
    assert told(of).label == "not seen"
    assert "what gradients it computes could not be seen" in told(of).sentence
    assert "passes that could not be counted." in explained.paragraphs([run(of)])
    assert "not seen" in explained.report([run(of)])


def test_one_gradient_call_is_told_in_the_singular() -> None:
    one = replace(FULL, calls={"backward": 1}, computing=1)
    assert "; its gradient call (loss.backward()) also computes 62" in told(record(one)).sentence
    one_of = replace(SOME, computing=1)
    assert "1 of its 3 gradient calls (" in told(record(one_of)).sentence
    assert ") computes parameter gradients" in told(record(one_of)).sentence


LEFT = "the attack left every image as it was; check its settings"
LONG = " ".join(["told", *["at length"] * 80])


def test_warnings_stand_under_the_case_they_belong_to() -> None:
    first = record(FULL, warnings=[LEFT, LONG, LEFT])
    notes = explained.table([(first, told(first))]).notes
    assert [LEFT in note for note in notes] == [False, True, False, False]
    assert notes[2].endswith(f"semi-backward: {LONG}.")
    said = explained.paragraphs([run(first)])
    assert said.count(f"- {LEFT}.") == said.count(f"- {LONG}.") == 1


def test_what_several_cases_are_warned_of_is_said_once_with_their_names() -> None:
    first, second = (
        record(FULL, case=changed(record(FULL).case, attack=name), warnings=[LEFT, f"{name} only"])
        for name in ("pgd", "fgsm")
    )
    text = explained.report([run(first, second)])
    assert text.count(LEFT) == 1
    assert re.search(rf"pgd, semi-backward; .*fgsm, semi-backward: {LEFT}", text)
    assert text.index("pgd only") < text.index("fgsm, semi-backward: benefits")


def test_what_failed_keeps_its_warnings() -> None:
    failed = record(None, status="failed", reason="it fell", warnings=[LEFT])
    for text in (explained.report([run(failed)]), explained.paragraphs([run(failed)])):
        assert text.index("it fell") < text.index(LEFT)
