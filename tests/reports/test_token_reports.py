"""Tables of attacks on token sequences, from records made up with known answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.cases import BASELINE, SEMI_BACKWARD
from bench.kinds.tokens.findings import PromptRecord, TokenFindings
from bench.records.memory import MemoryParts
from bench.records.types import ComparisonRecord
from bench.statistics.anatomy import Anatomy
from bench.statistics.estimate import Speedup
from reports.formats import latex, markdown, tabular
from reports.reading import kind, reproduce
from tests.bench.kinds.tokens.workloads import token_case
from tests.records import ENVIRONMENT, FAILED, GAIN, run
from tests.reports.tables import cell, tables_of

WEIGHTS = 400_000_000
PROMPT = PromptRecord(
    *(1, 7, 15, 2, 32),
    first_loss=9.5,
    last_loss=9.25,
    suffix="! <b>x</b> |",
)


def parts(before: int, gradients: int) -> MemoryParts:
    return MemoryParts(
        before=before, saved=10_000_000, gradients=gradients, rest=10_000_000, reserved=None
    )


def record(
    attack: str = "token-gradient-backward",
    estimate: float = 1.5,
    before: int = 0,
    library: str = "gcg",
    **changes: Any,
) -> ComparisonRecord:
    """Two steps and one prompt: 4 s a run, and with frozen weights 4 s over the estimate."""
    case = replace(token_case(library=library, attack=attack), model="llama-100m")
    found = replace(
        GAIN,
        case=case,
        case_id=case.id,
        speedup=Speedup(estimate, 0.9 * estimate, 1.1 * estimate, 0.95, 3, 12, "by blocks"),
        seconds={BASELINE: [4.0, 4.0], SEMI_BACKWARD: [4 / estimate] * 2},
        order=["ABBA"],
        parts=[],
        repeated=[],
        gradients={"call": "backward", "parameters": 111, BASELINE: 111, SEMI_BACKWARD: 0},
        memory={
            BASELINE: before + WEIGHTS + 20_000_000,
            SEMI_BACKWARD: before + 20_000_000,
            "unit": "bytes",
            "what": "peak of a run",
        },
        memory_parts={BASELINE: parts(before, WEIGHTS), SEMI_BACKWARD: parts(before, 0)},
        findings=TokenFindings(
            victim="a <small> Llama",
            parameters=100_313_856,
            weights=WEIGHTS,
            vocabulary=10_000,
            prompts=[PROMPT],
        ),
        warnings=[],
    )
    return replace(found, **changes)


def test_a_row_has_the_seconds_of_a_step() -> None:
    table, _, _ = tables_of(run(record()), "tokens")
    assert table.title == (
        "A step on llama-100m, 1 prompt, float32, cpu: semi-backward against original"
    )
    attack = "token-gradient-backward"
    assert float(cell(table, attack, "original (s a step)")) == 2
    assert cell(table, attack, "speedup") == "1.5"
    assert cell(table, attack, "parameter gradients") == "111 → 0"
    assert cell(table, attack, "token sequences") == "identical"
    assert f"{attack}: 2 steps, a suffix of 4 tokens, the 8 best of each." in table.notes


@pytest.mark.parametrize(
    ("before", "alone", "with_weights"), [(0, "5 %", "51 %"), (WEIGHTS, "51 %", "51 %")]
)
def test_memory_has_its_parts_and_the_weights_once(
    before: int, alone: str, with_weights: str
) -> None:
    """On a GPU the weights are in the peak, on a CPU they are beside it."""
    _, table, _ = tables_of(run(record(before=before)), "tokens")
    (row,) = table.rows
    assert row == (
        *("token-gradient-backward", "400"),
        f"{420 + before // 10**6} → {'20.0' if not before else 420}",
        *(alone, with_weights, "10.0 → 10.0", "400 → 0.00", "10.0 → 10.0"),
    )


def test_prompts_are_told_with_what_became_of_them() -> None:
    _, _, table = tables_of(run(record("gcg-backward")), "tokens")
    assert table.rows == (
        ("gcg-backward", "1", "7 + 4 + 15", "2", "32", "9.5000 → 9.2500", PROMPT.suffix),
    )
    assert table.notes[0] == "Victim: a <small> Llama."
    assert "nothing of what any model can be made to say" in table.notes[1]


def test_a_users_model_is_told_with_its_parameters() -> None:
    mine = record()
    mine = replace(mine, case=replace(mine.case, weights="checkpoint"))
    _, _, table = tables_of(run(mine), "tokens")
    assert table.notes == ("Victim: a <small> Llama (100,313,856 parameters).",)


def test_libraries_and_settings_are_named_where_they_differ() -> None:
    both = run(record(), record("gcg", library="easyjailbreak"))
    assert [row[0] for row in tables_of(both, "tokens")[0].rows] == [
        "gcg token-gradient-backward",
        "easyjailbreak gcg",
    ]
    first = record("gcg-backward")
    case = first.case.with_options(steps=5)
    second = replace(first, case=case, case_id=case.id)
    rest = "a suffix of 4 tokens, the 8 best of each, 6 candidates, 4 in a pass"
    assert [row[0] for row in tables_of(run(first, second), "tokens")[0].rows] == [
        f"gcg-backward, 2 steps, {rest}",
        f"gcg-backward, 5 steps, {rest}",
    ]


def test_what_failed_has_a_row_and_no_other_table() -> None:
    case = token_case()
    failed = replace(FAILED, case=case, case_id=case.id)
    (table,) = tables_of(run(failed), "tokens")
    assert [row[0] for row in table.rows] == ["gcg-backward"]
    assert table.rows[0][2:6] == ("-", "-", "-", "-")


def test_every_format_draws_it_with_what_was_found_in_columns() -> None:
    there = run(record(), record("gcg-backward", estimate=1.06))
    assert "<b>" not in markdown.report([there])
    assert "token-gradient-backward" in latex.report([there])
    text = tabular.csv([there])
    found = {"sequences_tried": 32, "loss_last": 9.25, "weights_bytes": WEIGHTS}
    for name, value in found.items():
        assert name in text
        assert str(value) in text


def test_a_gain_is_explained_by_the_candidates_beside_it() -> None:
    report = kind.named("tokens")
    found = Anatomy.__new__(Anatomy)  # not looked at
    told = report.reason(record("gcg-backward"), found)
    assert "6 candidates that only pass forward" in str(told)
    assert report.reason(record(), found) is None
    asks = {"call": "autograd.grad", "parameters": 111, BASELINE: 0, SEMI_BACKWARD: 0}
    assert report.reason(record("gcg-autograd-grad", gradients=asks), found) is None
    assert "one_hot" in report.mend(record())


def test_the_command_repeats_a_case() -> None:
    told = reproduce.command(record("gcg-backward"), ENVIRONMENT)
    for words in ("--libs gcg --attacks gcg-backward", "--victim llama-100m", "--steps 2"):
        assert words in told
    assert "--candidates 6 --candidate-batch 4" in told
    assert "--candidates" not in reproduce.command(record(), ENVIRONMENT)
