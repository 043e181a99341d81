"""Tables and explanations of attacks on text, from records made up with known answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.cases import BASELINE, FORWARD_ONLY, SEMI_BACKWARD
from bench.kinds.text.findings import SentenceRecord, TextFindings
from bench.records.types import ComparisonRecord
from bench.statistics.anatomy import Anatomy, Part
from bench.statistics.estimate import Speedup
from reports.formats import explained, markdown
from reports.kinds.text import explained as text_explained
from reports.reading import published, reproduce
from reports.reading.explanation import explain
from tests.cases import changed, image_case, text_case
from tests.commands import chosen
from tests.records import ENVIRONMENT, GAIN, run
from tests.reports.tables import cell, tables_of

VICTIM = "BERT of <somebody>"


def sentence(line: int, queries: int, read: int = 0, **changes: Any) -> SentenceRecord:
    """Each query a backward pass; in forward-only only those that are read."""
    found = SentenceRecord(
        line=line,
        status="attacked",
        tokens=8,
        queries=queries,
        gradient_queries=read,
        passes={BASELINE: queries, SEMI_BACKWARD: queries, FORWARD_ONLY: read},
        unread={BASELINE: queries - read, SEMI_BACKWARD: queries - read, FORWARD_ONLY: 0},
    )
    return replace(found, **changes)


SENTENCES = [sentence(1, 2), sentence(2, 8, adversarial="a <b>bold</b> film")]


def record(
    variant: str = SEMI_BACKWARD,
    attack: str = "textfooler",
    estimate: float = 2.0,
    sentences: list[SentenceRecord] | None = None,
    **changes: Any,
) -> ComparisonRecord:
    """Two blocks: 4 s for the sentence of line 2, 1 s for that of line 1; half of it frozen."""
    case = text_case(attack=attack, model="bert-base")
    facts = TextFindings(
        victim=VICTIM,
        parameters=109,
        resources={"WordNet": "stand-in: ours"},
        sentences=sentences or SENTENCES,
    )
    found = replace(
        GAIN,
        case=case,
        case_id=case.id,
        variant=variant,
        speedup=Speedup(estimate, 0.9 * estimate, 1.1 * estimate, 0.95, 1, 12, "by blocks"),
        seconds={BASELINE: [4.0, 4.0, 1.0, 1.0], variant: [2.0, 2.0, 0.5, 0.5]},
        order=["ABBA", "ABBA"],
        parts=[1, 0],
        repeated=[],
        memory_parts=None,
        memory={BASELINE: 500_000_000, variant: 5_000_000, "unit": "bytes", "what": "peak"},
        findings=facts,
        warnings=[],
    )
    return replace(found, **changes)


def test_attacks_on_text_have_tables_of_their_own() -> None:
    assert tables_of(run(record())) == []
    assert [table.title.partition(": ")[2] for table in tables_of(run(record()), "text")] == [
        "",
        "queries",
        "what became of it",
    ]
    assert tables_of(run(GAIN), "text") == []


def test_a_row_an_attack_with_both_variants() -> None:
    table, _, _ = tables_of(run(record(), record(FORWARD_ONLY, estimate=4.0)), "text")
    assert cell(table, "textfooler", "semi-backward: speedup") == "2.0 (1.8 to 2.2)"
    assert cell(table, "textfooler", "forward-only: speedup") == "4.0 (3.6 to 4.4)"
    assert cell(table, "textfooler", "reads gradients") == "no"
    assert table.title == "openattack on bert-base, 2 sentences, float32, cpu"


def test_seconds_are_of_a_sentence_and_of_a_query() -> None:
    """Line 2 takes 4 s and 8 queries, line 1 takes 1 s and 2."""
    table, queries, _ = tables_of(run(record()), "text")
    assert cell(table, "textfooler", "original (s)") == "2.50"
    assert cell(table, "textfooler", "semi-backward (s)") == "1.25"
    assert cell(queries, "textfooler", "original (ms a query)") == "500"
    assert cell(queries, "textfooler", "semi-backward (ms a query)") == "250"
    assert cell(queries, "textfooler", "queries a sentence") == "5"
    assert cell(queries, "textfooler", "at most") == "any"


def test_the_originals_of_both_comparisons_count_and_repeated_blocks_do_not() -> None:
    other = {BASELINE: [9.0, 9.0, 3.0, 3.0], FORWARD_ONLY: [1.0, 1.0, 1.0, 1.0]}
    both = run(record(), record(FORWARD_ONLY, seconds=other, repeated=[0]))
    table, _, _ = tables_of(both, "text")
    assert cell(table, "textfooler", "original (s)") == "3.00"  # (4 + (1 + 3) / 2) / 2
    assert cell(table, "textfooler", "forward-only (s)") == "1.00"


def test_what_the_attack_did() -> None:
    reads = [sentence(1, 4, read=1, spent=True), sentence(2, 6, read=2, adversarial="x")]
    found = run(
        record(attack="fd", sentences=reads), record(FORWARD_ONLY, attack="fd", sentences=reads)
    )
    table, queries, deeds = tables_of(found, "text")
    assert cell(table, "fd", "reads gradients") == "yes"
    assert cell(queries, "fd", "gradient queries") == "1.5"
    assert cell(deeds, "fd", "backward passes nobody reads") == "7 of 10"
    assert cell(deeds, "fd", "forward-only") == "0 of 3"
    assert cell(deeds, "fd", "success") == "1 of 2"
    assert cell(deeds, "fd", "out of queries") == "1 of 2"
    assert cell(deeds, "fd", "sentences") == "identical"
    assert cell(deeds, "fd", "peak memory (MB)") == "500 → 5.00 → 5.00"


def test_published_numbers_stand_beside_ours() -> None:
    table, _, _ = tables_of(run(record(), record(attack="genetic", estimate=1.52)), "text")
    assert cell(table, "textfooler", "published") == "1.37"
    assert cell(table, "genetic", "ours over it") == "1.00"
    assert any("genetic 918.7 → 603.3" in note for note in table.notes)
    assert any("Tesla T4" in note for note in table.notes)


@pytest.mark.parametrize(
    ("changes", "suite", "there"),
    [
        ({}, None, True),
        ({"queries": 5}, None, False),
        ({"queries": 5}, "paper-text-small", True),
        ({"model": "bert-tiny"}, "paper-text", False),
        ({"attack": "bae"}, "paper-text", False),
    ],
)
def test_which_cases_repeat_a_published_one(
    changes: dict[str, Any], suite: str | None, there: bool
) -> None:
    case = changed(record().case, **changes)
    assert (published.find(case, SEMI_BACKWARD, suite) is not None) == there
    assert published.find(case, FORWARD_ONLY, suite) is None


def test_no_case_of_images_repeats_a_published_one_of_text() -> None:
    alike = image_case("openattack", "textfooler", "bert-base", steps=None)
    assert published.find(alike, SEMI_BACKWARD, "paper-text") is None


def test_means_are_geometric_and_count_what_came_to_a_speedup() -> None:
    failed = record(attack="viper", status="failed", speedup=None, verdict=None, reason="it fell")
    table, _, deeds = tables_of(run(record(), record(attack="pwws", estimate=8.0), failed), "text")
    mean = cell(table, "geometric mean", "semi-backward: speedup")
    assert mean == "4.00 (3.72 to 4.30), of 2"  # 4 · exp(± √2 · ln √(1.1 / 0.9) / 2)
    assert cell(table, "arithmetic mean", "semi-backward: speedup") == "5.00"
    assert cell(table, "viper", "semi-backward: speedup") == "failed"
    assert any("it fell" in note for note in table.notes)
    assert [row[0] for row in deeds.rows] == ["textfooler", "pwws", "viper"]


def test_it_says_what_the_intervals_are_of() -> None:
    several = record(speedup=Speedup(2.0, 1.9, 2.1, 0.95, 5, 60, "over processes"))
    for records, said, cell_ in (
        ([record()], "its interval within this process.", "2.0 (1.8 to 2.2)"),
        ([several], "its 95 % interval.", "2.00 (1.90 to 2.10)"),
        (
            [record(), record("forward-only", speedup=several.speedup)],
            "95 % interval, or where it says so its interval within this process.",
            "2.0 (1.8 to 2.2 within this process)",
        ),
    ):
        table = tables_of(run(*records), "text")[0]
        assert said in table.notes[0]
        assert cell(table, "textfooler", "semi-backward: speedup") == cell_


def test_a_case_that_never_began_keeps_its_row() -> None:
    failed = record(
        status="failed", speedup=None, findings=None, parts=[], seconds={}, order=[], memory=None
    )
    table, queries, deeds = tables_of(
        run(replace(failed, equality=None, reason="no tokenizer")), "text"
    )
    for found in (table, queries, deeds):
        assert found.rows[0][0] == "textfooler"
        assert len(found.rows[0]) == len(found.header)
    assert any("no tokenizer" in note for note in table.notes)


def test_it_says_what_stood_in_and_what_was_left_out() -> None:
    out = [*SENTENCES, SentenceRecord(3, "left out", "it is empty")]
    cut = changed(record().case, queries=5)
    _, _, deeds = tables_of(run(record(sentences=out, case=cut)), "text")
    said = " ".join(deeds.notes)
    assert "Resource WordNet: stand-in: ours." in said
    assert "textfooler: line 3 left out: it is empty." in said
    assert "success can't be held against" in said
    assert "random weights" in said


def test_nothing_in_a_record_becomes_markup() -> None:
    bad = record(reason="<script>", status="failed", speedup=None)
    drawn = markdown.report([run(record(attack="a*b|c"), bad)])
    assert "<somebody>" not in drawn.replace("\\<", "")
    assert "<script>" not in drawn.replace("\\<", "")
    assert "a\\*b\\|c" in drawn


# Explanations


def dissected(variant: str, attack: str = "textfooler", read: int = 0) -> ComparisonRecord:
    """Of 10 s the original spends 6 in backward passes, and 3 frozen."""
    parts = {BASELINE: Part(10, 3, 6, 10, 20), variant: Part(7, 3, 3, 10, 10)}
    if variant == FORWARD_ONLY:
        parts[variant] = Part(4, 3, 0, 10, 0)
    found = Anatomy(3, {"backward": 4}, 4, 4.0, 4.0, {"AddmmBackward0": 62}, [], parts)
    estimate = 4.0 if variant == FORWARD_ONLY else 2.0
    sentences = [sentence(1, 10, read=read)]
    return record(variant, attack, estimate, sentences, anatomy=found)


def test_both_variants_are_explained_by_the_passes_nobody_reads() -> None:
    semi = explain(dissected(SEMI_BACKWARD), ENVIRONMENT)
    free = explain(dissected(FORWARD_ONLY), ENVIRONMENT)
    assert semi is not None
    assert free is not None
    assert (semi.label, free.label) == ("benefits", "benefits")
    assert "nobody reads 10 of its 10 backward passes: forward-only leaves" in semi.sentence
    assert "nobody reads 10 of its 10 backward passes, which take 60 %" in free.sentence
    assert free.by_operations == pytest.approx(3)
    assert free.by_time == pytest.approx(2.5)


def test_the_summary_counts_who_reads() -> None:
    records = [
        dissected(variant, attack, read)
        for attack, read in (("textfooler", 0), ("viper", 0), ("fd", 4))
        for variant in (SEMI_BACKWARD, FORWARD_ONLY)
    ]
    records[3] = replace(records[3], speedup=Speedup(5.0, 4.0, 6.0, 0.95, 1, 12, ""))
    assert text_explained.summary(records) == (
        "2 of 3 attacks never read a gradient, yet each query runs a full backward pass:"
        " forward-only is 4.0 to 5.0×, semi-backward is 2.0×; fd reads 4 of 10, forward-only is"
        " 4.0×."
    )
    assert text_explained.summary([]) is None
    assert "2 of 3 attacks" in explained.report([run(*records)])


def test_a_paragraph_names_the_mend_that_fits_text() -> None:
    told = explained.paragraphs([run(dissected(FORWARD_ONLY))])
    assert "2 sentences, float32, cpu" in told
    assert "60 % into backward passes" in told
    assert "torch.inference_mode()" in told
    assert "autograd.grad(loss, images)" not in told
    assert "adversarial sentences are bit for bit the same" in told
    assert ",," not in told


@pytest.mark.parametrize("queries", [None, 7])
@pytest.mark.parametrize("variant", [SEMI_BACKWARD, FORWARD_ONLY])
def test_the_command_repeats_the_case(queries: int | None, variant: str) -> None:
    case = changed(record().case, queries=queries, library_version=None)
    found = record(variant, case=case, case_id=case.id)
    words = reproduce.command(found, ENVIRONMENT).split()[3:]
    (again,) = chosen(*words)
    assert (again.case.id, again.variant) == (case.id, variant)
