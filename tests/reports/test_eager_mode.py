"""What holds in eager mode alone is told so, and what compiling changes where it was seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from bench.cases import BASELINE, SEMI_BACKWARD, Comparison
from bench.kinds.images import building
from bench.records import parsing
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.anatomy import Anatomy, CompiledBackward
from bench.statistics.observed import Observed
from bench.worker import checks
from reports.formats import explained, terminal
from reports.reading import advice, briefly
from reports.reading.explanation import explain
from reports.reading.why import why
from reports.tables import modes
from tests.cases import image_case
from tests.records import ENVIRONMENT, GAIN, NO_GAIN, run
from tests.reports.test_explanation import FULL, OPTIMAL

COMPILED = {
    BASELINE: CompiledBackward(62, 1, {"input, weight": 20}, {"Linear": 4_000_000, "ReLU": 500}),
    SEMI_BACKWARD: CompiledBackward(0, 1, {"input": 20}, {"Linear": 1_000_000}),
}
SAVED = {
    BASELINE: {"Linear": 7_000_000, "Conv2d": 890_000},
    SEMI_BACKWARD: {"Linear": 5_000_000, "Conv2d": 380_000},
}
LOOKED = replace(OPTIMAL, saved=SAVED, compiled=COMPILED)
SEEN = Observed(calls=3, model_calls=3, frozen=62, freezes=["mine.py, line 7"])
FREEZES = replace(NO_GAIN, observed={BASELINE: SEEN, SEMI_BACKWARD: SEEN})


def sentence(record: ComparisonRecord, found: Anatomy) -> str:
    told = explain(replace(record, anatomy=found), ENVIRONMENT)
    assert told is not None
    assert told.label == "already optimal"
    return told.sentence


def everything(record: ComparisonRecord) -> list[str]:
    """What is said of one: why, in few words, and what to do."""
    return [
        why(record, ENVIRONMENT) or "",
        briefly.forms(record)[0],
        advice.of(run(record)),
    ]


@pytest.mark.parametrize("verdict", ["same", "slower", "inconclusive", "faster"])
def test_nothing_to_gain_by_how_it_asks_is_said_of_eager_mode(verdict: str) -> None:
    record = replace(NO_GAIN, verdict=verdict)  # type: ignore[arg-type]
    said = why(record, ENVIRONMENT) or ""
    assert said.count("in eager mode") == 1
    assert ("nothing to gain in eager mode" in said) == ("nothing to gain" in said)
    assert "compiled" not in said, "nobody looked"


def test_every_sentence_says_in_eager_mode() -> None:
    assert all("in eager mode" in said for said in everything(NO_GAIN))
    assert "in eager mode" in (why(replace(NO_GAIN, observed=None), ENVIRONMENT) or "")
    said = sentence(NO_GAIN, OPTIMAL)
    assert "nothing to gain in eager mode: for its 3 gradient calls" in said
    assert "compiled" not in said, "nobody looked"


def test_what_holds_compiled_too_is_not_said_of_eager_mode() -> None:
    assert not any("in eager mode" in said for said in everything(FREEZES))
    said = sentence(FREEZES, LOOKED)
    assert "nothing to gain: the attack freezes the model itself" in said
    assert "compiled" not in said


def test_several_that_gain_nothing_for_several_reasons_gain_nothing_in_eager_mode() -> None:
    case = image_case("art")
    other = replace(FREEZES, case=case, case_id=case.id)
    said = advice.of(run(NO_GAIN, other))
    assert said == "Leave the code as it is: there is nothing to gain in eager mode."


@pytest.mark.parametrize(
    ("original", "told"),
    [
        (62, "compiled it would compute 62 (frozen: 0)"),
        (0, "compiled it would compute none either"),
    ],
)
def test_what_it_would_compute_compiled_is_told_where_it_was_seen(original: int, told: str) -> None:
    compiled = {**COMPILED, BASELINE: replace(COMPILED[BASELINE], parameters=original)}
    found = replace(LOOKED, compiled=compiled)
    assert told in sentence(NO_GAIN, found)
    assert told in (why(replace(NO_GAIN, anatomy=found), ENVIRONMENT) or "")


def test_where_eager_mode_skips_all_but_a_few_it_is_told_too() -> None:
    seen = Observed(calls=3, wasting=3, reached=62, skipped=61, model_calls=3)
    computed: dict[str, int | str] = {**(NO_GAIN.gradients or {}), BASELINE: 1}
    observed = {**(NO_GAIN.observed or {}), BASELINE: seen}
    record = replace(NO_GAIN, gradients=computed, observed=observed, anatomy=LOOKED)
    told = explain(record, ENVIRONMENT)
    assert told is not None
    assert told.label == "mixed"
    said = "parameter gradients in eager mode; compiled it would compute 62 (frozen: 0)"
    assert said in told.sentence


def test_memory_that_freezing_spares_is_told_where_no_gradient_is() -> None:
    said = "a call of the model keeps 5.38 MB for its backward pass in place of 7.89 MB"
    assert said in sentence(NO_GAIN, LOOKED)
    alike = replace(LOOKED, saved={**SAVED, BASELINE: SAVED[SEMI_BACKWARD]})
    assert "memory" not in sentence(NO_GAIN, alike)


def test_the_table_has_both_modes_of_both_variants() -> None:
    (table,) = modes.of([replace(NO_GAIN, anatomy=LOOKED)])
    assert table.header[2:] == ("parameter gradients", "kept, MB", "Linear", "Conv2d", "ReLU")
    assert table.rows == (
        ("eager", BASELINE, "0", "7.89", "7", "0.89", "0"),
        ("eager", SEMI_BACKWARD, "0", "5.38", "5", "0.38", "0"),
        ("compiled", BASELINE, "62", "4", "4", "0", "0.0005"),
        ("compiled", SEMI_BACKWARD, "0", "1", "1", "0", "0"),
    )


def test_what_is_not_a_column_is_in_the_last_one() -> None:
    many = {f"Layer{number}": 1_000_000 for number in range(modes.MOST + 3)}
    saved = {BASELINE: many, SEMI_BACKWARD: many}
    (table,) = modes.of([replace(NO_GAIN, anatomy=replace(OPTIMAL, saved=saved))])
    assert len(table.header) == 4 + modes.MOST + 1
    assert [row[-1] for row in table.rows] == ["3", "3"]


def test_why_it_was_not_compiled_and_in_how_many_pieces_is_below_the_table() -> None:
    failed = replace(LOOKED, compiled=None, uncompiled="torch 1.12.1 has no torch.compile")
    (table,) = modes.of([replace(NO_GAIN, anatomy=failed)])
    assert "not compiled: torch 1.12.1 has no torch.compile." in table.notes
    assert {row[0] for row in table.rows} == {"eager"}
    broken = {name: replace(each, pieces=3) for name, each in COMPILED.items()}
    (table,) = modes.of([replace(NO_GAIN, anatomy=replace(LOOKED, compiled=broken))])
    assert any("in 3 pieces" in note for note in table.notes)


def test_reports_have_the_table_where_it_was_looked_at_and_there_alone() -> None:
    looked = run(replace(GAIN, anatomy=replace(FULL, saved=SAVED, compiled=COMPILED)))
    plain = run(replace(GAIN, anatomy=FULL))
    title = "parameter gradients and what is kept for the backward pass"
    drawings: list[Callable[[Run], str]] = [
        lambda found: explained.report([found]),
        lambda found: explained.paragraphs([found]),
        lambda found: "\n".join(terminal.explained(found, 100)),
    ]
    for draw in drawings:
        assert title in draw(looked)
        assert title not in draw(plain)


def test_it_survives_the_way_through_the_worker() -> None:
    equality = {"equal": True, "bitwise": True, "max_abs_diff": 0.0}
    told = json.loads(json.dumps({"equality": equality, "anatomy": asdict(LOOKED)}))
    assert parsing.prepared(told).anatomy == LOOKED


@pytest.mark.usefixtures("one_thread")
def test_torchattacks_pgd_would_compute_them_all_if_it_were_compiled() -> None:
    pytest.importorskip("torch._dynamo")
    pytest.importorskip("torchattacks")
    case = image_case("torchattacks", "pgd", "wrn_10_1", 1, (3, 16, 16), 1)
    built = building.build(Comparison(case, SEMI_BACKWARD), seed=0)
    checked = checks.check(built, explain=True)
    assert checked.warnings == []
    every = len(list(built.model.parameters()))
    assert checked.anatomy is not None
    found = replace(NO_GAIN, case=case, gradients=checked.gradients, observed=checked.observed)
    said = sentence(found, checked.anatomy)
    assert f"computes 0 of {every} parameter gradients by itself" in said
    assert f"compiled it would compute {every} (frozen: 0)" in said
    assert checked.anatomy.compiled is not None
    kept = {name: sum(each.saved.values()) for name, each in checked.anatomy.compiled.items()}
    assert 0 < kept[SEMI_BACKWARD] < kept[BASELINE]
