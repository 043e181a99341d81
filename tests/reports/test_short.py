"""What a run ends with in a terminal: a short table and one sentence to act on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench import layout
from bench.records import reading
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.diagnosis import Diagnosis
from bench.statistics.equality import Equality
from bench.statistics.estimate import Speedup
from bench.statistics.observed import Observed
from reports.formats import terminal
from reports.reading import advice, briefly, kind
from reports.tables import short
from tests.cases import changed
from tests.places import MACHINE
from tests.records import FAILED, FREE, GAIN, NO_GAIN, run, step
from tests.reports.drawn import HOSTILE, hollow, measured

ROUNDED = Equality(equal=True, bitwise=False, max_abs_diff=1e-3, level="rounding")
FILES = sorted(MACHINE.rglob("*.jsonl"))


def text(found: Run, width: int = 80) -> str:
    return "\n\n".join(terminal.short(found, width))


def rows(found: Run, width: int = 80) -> list[list[str]]:
    return [list(row) for table in short.of(found, width) for row in table.rows]


def other(record: ComparisonRecord, **changes: Any) -> ComparisonRecord:
    """The record of another case."""
    case = changed(record.case, **changes)
    return replace(record, case=case, case_id=case.id)


def test_a_row_has_the_library_both_times_speedup_interval_and_why() -> None:
    (table,) = short.of(run(measured(), NO_GAIN, FAILED), 80)
    assert table.title.startswith("pgd on resnet18, 4 images of 3×32×32, 5 steps, float32, cpu")
    assert table.header[0] == "library"
    assert table.header[1:4] == ("original", "semi-backward", "speedup")
    assert table.header[-1] == "why"
    good, same, bad = table.rows
    assert (good[0], good[3], good[-1]) == ("foolbox", "1.50", "62 of 62 in vain")
    assert (same[0], same[-1]) == ("torchattacks", "asks autograd.grad")
    assert bad == ("art", "failed: it fell <over>")


def test_what_varies_has_a_column_and_the_rest_is_in_the_title() -> None:
    (table,) = short.of(run(measured(), measured(batch=8), measured(batch=16)), 80)
    assert table.header[0] == "batch"
    assert [row[0] for row in table.rows] == ["4", "8", "16"]
    assert table.title.startswith("foolbox pgd on resnet18, images of 3×32×32, 5 steps")
    found = [measured(), measured(attack="fgsm", steps=None), measured(attack="bim", steps=10)]
    (table,) = short.of(run(*found), 80)
    assert table.header[:2] == ("attack", "original"), "which steps go with which is no news"
    (table,) = short.of(run(measured(), measured(steps=10)), 80)
    assert table.header[0] == "steps"


def test_what_has_no_room_stands_above_the_rows_that_share_it() -> None:
    found = [
        measured(library=library, attack="carlini-wagner-l2", model=model)
        for model in ("resnet18", "vit_base_patch16_224", "wrn_28_10")
        for library in ("foolbox", "torchattacks")
    ]
    drawn = rows(run(*found))
    assert [row[0] for row in drawn[:3]] == ["foolbox", "resnet18", drawn[2][0]]
    assert [row for row in drawn if len(row) == 1] == [["foolbox"], [""], ["torchattacks"]]
    wide = rows(run(*found), 100)
    assert ["foolbox", "vit_base_patch16_224"] in [row[:2] for row in wide]


def test_names_that_are_too_long_are_never_confused() -> None:
    names = [f"clipping-aware-repeated-{kind}-noise-of-norm-linf" for kind in ("uniform", "normal")]
    drawn = text(run(*(measured(attack=name) for name in names)))
    assert all(name in drawn for name in names)


NAMES = ["channels-last-by-the-library", "a", "a-name-of-23-characters"]


@pytest.mark.parametrize("width", [40, 46, 54, 62, 70, 80, 120])
def test_a_name_is_told_by_or_stands_whole_on_a_line_of_its_own(width: int) -> None:
    """Also where times are left out, and what they took is room for names."""
    drawn = rows(run(*(measured(attack=name) for name in NAMES)), width)
    cut = [row[0] for row in drawn if "…" in row[0]]
    assert all(len(name) >= 16 for name in cut)
    apart = [row[0] for row in drawn if len(row) == 1]
    assert len(apart) + len(cut) + sum(row[0] in NAMES for row in drawn if len(row) > 1) == 3
    assert set(apart) <= set(NAMES)


def test_the_level_stands_beside_a_speedup_that_is_not_identical() -> None:
    found = run(measured(), measured(library="art", equality=ROUNDED))
    assert [row[3] for row in rows(found)] == ["1.50", "1.50, rounding"]
    said = advice.of(found)
    assert "with the same adversarial examples, bit for bit, and" not in said
    assert "bit for bit and 1.50 (1.42 to 1.58) times as fast, with outputs that differ by" in said


def test_intervals_of_single_processes_are_marked() -> None:
    alone = measured(library="art")
    assert alone.speedup is not None
    alone = replace(alone, speedup=replace(alone.speedup, processes=1))
    drawn = text(run(measured(), alone))
    assert "1.42 to 1.58*" in drawn
    assert "* interval within this process" in drawn
    assert "*" not in text(run(alone)).replace("`", "")
    assert "intervals within this process" in text(run(alone))


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_nothing_wraps_however_wide_the_terminal(width: int) -> None:
    found = [
        measured(),
        other(measured(), library=HOSTILE),
        other(measured(), attack=HOSTILE),
        other(measured(), model="漢字" * 40),
        replace(FAILED, reason=HOSTILE * 3),
        replace(other(FAILED, library="advertorch"), status="out-of-memory", reason=None),
        hollow(measured(library="art")),
        step(),
        FREE,
    ]
    for one in (run(*found), run(*found[:1]), run()):
        lines = text(one, width).split("\n")
        assert max(map(layout.width, lines)) <= width
        assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_committed_records_fit_80_columns_and_end_with_one_sentence(path: Any) -> None:
    found = reading.read(path)
    *tables, said = terminal.short(found, 80)
    by_kind: dict[str, list[ComparisonRecord]] = {}
    for record in found.comparisons:
        by_kind.setdefault(record.case.kind, []).append(record)
    beside = [
        table
        for records in by_kind.values()
        for table in kind.of(records[0].case).ending(found, records)
    ]
    if not by_kind:  # nothing was timed: what a kind's own lines came to stands alone
        (first, *_) = (record for lines in found.own.values() for record in lines)
        beside = list(kind.of(first.case).ending(found, []))
        assert len([*tables, said]) == len(beside) > 0
        assert (
            max(layout.width(line) for part in (*tables, said) for line in part.split("\n")) <= 80
        )
        return
    assert len(beside) == ("energy" in by_kind)
    assert len(tables) == len(by_kind) + len(beside)
    assert max(layout.width(line) for part in (*tables, said) for line in part.split("\n")) <= 80
    assert said.endswith(".")
    assert ". " not in " ".join(said.split())
    for record in found.comparisons:
        if record.status == "ok" and record.verdict != "faster":
            assert briefly.forms(record), record.case


def seen(**changes: Any) -> dict[str, Observed]:
    one = Observed(calls=5, reached=62, model_calls=5, **changes)
    return {"original": one, "semi-backward": one}


ALL: dict[str, int | str] = {
    "call": "backward",
    "parameters": 62,
    "original": 62,
    "semi-backward": 62,
}
SAME = Speedup(1.0, 0.99, 1.01, 0.95, 3, 24, "")
LAUNCH = Diagnosis(bound="launch-bound")
CAUSES: dict[str, tuple[ComparisonRecord, str]] = {
    "gain": (GAIN, "62 of 62 in vain"),
    "asks": (NO_GAIN, "asks autograd.grad"),
    "none asked": (
        replace(NO_GAIN, gradients={**ALL, "call": "none"}, memory_parts=None),
        "no gradient asked",
    ),
    "thaws": (
        replace(NO_GAIN, gradients=ALL, observed=seen(thaws=["pgd.py:3"])),
        "sets requires_grad again",
    ),
    "launch-bound": (
        replace(GAIN, verdict="same", speedup=SAME, diagnosis=LAUNCH),
        "launch-bound",
    ),
    "same": (replace(GAIN, verdict="same", speedup=SAME), "too little to show"),
    "open": (replace(GAIN, verdict="inconclusive"), "interval too wide"),
    "few": (replace(hollow(GAIN), verdict="inconclusive"), "too few blocks"),
    "slower": (replace(GAIN, verdict="slower"), "slower when frozen"),
    "a-a": (replace(GAIN, variant="a-a", verdict="same"), "against itself"),
    "training": (step(), "7 of 8 in vain"),
    "free": (FREE, "all are read"),
    "failed": (FAILED, "failed: it fell <over>"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_why_is_the_cause_that_was_observed(name: str) -> None:
    record, said = CAUSES[name]
    assert said in briefly.forms(record)
    lengths = list(map(len, briefly.forms(record)))
    assert lengths == sorted(lengths, reverse=True)


SENTENCES: dict[str, tuple[Run, str]] = {
    "gains and does not": (
        run(measured(), measured(1.4, library="art"), NO_GAIN),
        "Put the attack into `with semi_backward(model):` for foolbox and art: 1.40 to 1.50 times"
        " as fast, with the same adversarial examples, bit for bit; leave torchattacks as it is:"
        " nothing to gain (asks autograd.grad, which computes none in eager mode).",
    ),
    "gains": (
        run(measured()),
        "Put the attack into `with semi_backward(model):`: 1.50 (1.42 to 1.58) times as fast, with"
        " the same adversarial examples, bit for bit.",
    ),
    "gains nothing": (
        run(NO_GAIN),
        "Leave the code as it is: there is nothing to gain (asks autograd.grad, which computes"
        " none in eager mode).",
    ),
    "open": (
        run(replace(GAIN, verdict="inconclusive")),
        "Measure it longer (`--max-seconds`), or on a quieter machine: no verdict yet.",
    ),
    "failed": (
        run(FAILED),
        "Mend what the table names, and repeat it: nothing came to a speedup (failed).",
    ),
    "partly failed": (
        run(measured(), replace(FAILED, status="timeout")),
        "Put the attack into `with semi_backward(model):` for foolbox: 1.50 (1.42 to 1.58) times as"
        " fast, with the same adversarial examples, bit for bit; 1 case came to no speedup"
        " (timeout): raise `--timeout`.",
    ),
    "noise": (
        run(measured(), replace(GAIN, variant="a-a", verdict="faster")),
        "Repeat this on a quieter machine, with `--processes 5`: the original differs from itself"
        " in 1 case, so no speedup here can be trusted.",
    ),
    "slower": (
        run(measured(0.9, verdict="slower"), measured(library="art")),
        "Put the attack into `with semi_backward(model):` for art: 1.50 (1.42 to 1.58) times as"
        " fast, with the same adversarial examples, bit for bit; leave foolbox as it is: frozen"
        " 0.90 (0.85 to 0.95) times as fast.",
    ),
    "in two ways": (
        run(measured(), measured(3.0, variant="forward-only", gradients=None)),
        "Answer queries that read no gradient under `torch.inference_mode()` (forward-only):"
        " 3.00 (2.85 to 3.15) times as"
        " fast, with the same adversarial examples, bit for bit; or put the attack into"
        " `with semi_backward(model):`: 1.50 (1.42 to 1.58) times as fast, with the same"
        " adversarial examples, bit for bit.",
    ),
    "nothing": (
        run(),
        "Nothing was measured: ask for a case that has a variant (`list variants`).",
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_the_sentence_says_what_to_do(name: str) -> None:
    found, said = SENTENCES[name]
    assert advice.of(found) == said


def test_a_sentence_names_few_and_counts_those_of_one_name() -> None:
    many = [measured(attack=f"attack{number}") for number in range(9)]
    said = advice.of(run(*many, other(NO_GAIN, library="foolbox", attack="bim")))
    assert "attack0, attack1, attack2, attack3, attack4 and 4 more" in said
    mixed = [NO_GAIN, other(NO_GAIN, library="foolbox", attack="bim")]
    assert "for foolbox (9 of 10)" in advice.of(run(*many, *mixed))
    assert "for attack0 and attack1: " in advice.of(run(*many[:2], *mixed)), "they tell them apart"


def test_a_wide_table_comes_in_pieces_that_fit_each_with_its_names() -> None:
    found = reading.read(MACHINE / "torch-2.13.0.jsonl")
    for drawn in (terminal.tables(found, 80), terminal.explained(found, 80)):
        lines = "\n".join(drawn).split("\n")
        assert max(map(layout.width, lines)) <= 80
        assert sum(line.startswith(("library", "case")) for line in lines) > 1
