"""What a duel comes to: who is worse, in numbers, words, tables and exit codes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import cli
from bench.compare.thresholds import Threshold
from bench.duel import contest
from bench.records import reading
from bench.records.duel import DuelRecord, DuelSide
from bench.records.reading import Run
from bench.statistics.equality import Equality
from bench.statistics.estimate import Speedup
from reports.formats import markdown
from reports.tables import duels
from tests.bench.duel.pairs import TWICE
from tests.cases import changed
from tests.records import ENVIRONMENT
from tests.workers import comparison

CALLS = {"call a": "autograd.grad", "call b": "backward"}


def ended(a: float, b: float, blocks: int = 30) -> DuelRecord:
    """A duel whose runs take these seconds, on average, with some noise."""
    wobble = [1 + 0.001 * ((7 * i) % 5 - 2) for i in range(2 * blocks)]
    return DuelRecord(
        case_id="0",
        case=comparison().case,
        sides={
            "a": DuelSide("lib==1.0", "lib", "1.0", "0"),
            "b": DuelSide("./fork", "lib", "1.1", "1"),
        },
        status="ok",
        seed=0,
        elapsed=1.0,
        verdict="slower",
        speedup=Speedup(a / b, 0.99 * a / b, 1.01 * a / b, 0.95, 1, blocks, "over blocks"),
        equality=Equality(equal=True, bitwise=True, max_abs_diff=0.0),
        gradients={**CALLS, "parameters": 9, "a": 0, "b": 9},
        memory={"a": 100, "b": 120, "ratio": 100 / 120},
        seconds={"a": [a * w for w in wobble], "b": [b * w for w in reversed(wobble)]},
        order=["ABBA"] * blocks,
        processes=[0] * blocks,
    )


@pytest.mark.parametrize(
    ("ratio", "processes", "worse", "left_open"),
    [
        (0.92, 1, False, True),
        (0.80, 1, True, False),
        (0.92, 5, True, False),
        (0.95, 5, False, True),
        (0.99, 5, False, False),
        (1.10, 1, False, False),
    ],
)
def test_b_is_worse_only_where_the_interval_says_so(
    ratio: float, processes: int, worse: bool, left_open: bool
) -> None:
    """One process is read with the spread that processes have among each other."""
    record = ended(ratio, 1.0)
    assert record.speedup is not None
    record = replace(record, speedup=replace(record.speedup, processes=processes))
    found = contest.judged([record], [Threshold("speedup", 0.05)])
    assert (bool(found[0]), bool(found[1])) == (worse, left_open)
    assert contest.judged([record], [Threshold("speedup", float("inf"))]) == ((), ())


def test_memory_is_held_too_and_what_failed_is_not() -> None:
    held = [Threshold("memory", 0.1)]
    (said,), _ = contest.judged([ended(1.0, 1.0), replace(ended(1.0, 9.0), status="failed")], held)
    assert "b takes 1.200 times the memory of a" in said
    assert contest.judged([ended(1.0, 1.0)], [Threshold("memory", 0.3)]) == ((), ())


def test_many_cases_are_judged_together() -> None:
    """What is a regression by itself is none among twenty cases without one."""
    near, same = ended(0.905, 1.0), ended(1.0, 1.0)
    held = [Threshold("speedup", 0.05)]
    assert contest.judged([near], held)[0]
    assert not contest.judged([near, *[same] * 19], held)[0]


@pytest.mark.parametrize(
    ("verdict", "times", "processes", "said"),
    [
        ("faster", (1.43, 1.0), 5, r"^b is 1\.43 \(1\.42 to 1\.44\) times as fast as a\."),
        ("slower", (1.0, 1.25), 5, r"^b takes 1\.25 \(1\.24 to 1\.26\) times as long as a\."),
        ("same", (1.0, 1.0), 5, r"equally fast within 2 %: b is 1\.00 \(0\.99 to 1\.01\) times"),
        ("inconclusive", (1.0, 1.0), 5, "Open: .*--max-seconds"),
        ("faster", (1.43, 1.0), 1, r"^b is 1\.43 \(1\.42 to 1\.44 within this process\) times"),
        ("slower", (1.0, 1.25), 1, r"^b takes 1\.25 \(1\.24 to 1\.26 within this process\) times"),
        ("inconclusive", (1.0, 1.0), 1, r"Open: b is 1\.00 \(0\.99 to 1\.01 within this process\)"),
        ("faster", (1.04, 1.0), 1, r"^In this process b is 1\.04 \(1\.03 to 1\.05\) times as fast"),
        ("slower", (1.0, 1.04), 1, r"as long as a; others may differ, so take --processes 5\."),
        (
            "same",
            (1.0, 1.0),
            1,
            r"^In this process a and b are equally fast within 2 %: b is 1\.00",
        ),
    ],
)
def test_the_verdict_is_a_sentence(
    verdict: Any, times: tuple[float, float], processes: int, said: str
) -> None:
    record = replace(ended(*times), verdict=verdict)
    assert record.speedup is not None
    record = replace(record, speedup=replace(record.speedup, processes=processes))
    sentence = duels.sentence(record)
    assert re.search(said, sentence), sentence
    assert "same adversarial examples, bit for bit" in sentence
    assert "a computes 0 parameter gradients a run (torch.autograd.grad), b 9" in sentence


def test_a_table_of_duels(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    failed = replace(ended(1.0, 1.0), case_id="1", status="failed", speedup=None, reason="b: no")
    written: list[reading.Record] = [ENVIRONMENT, ended(1.0, 1.25), failed]
    path.write_text("".join(reading.to_line(record) for record in written))
    run: Run = reading.read(path)
    assert [record.status for record in run.duels] == ["ok", "failed"]
    text = markdown.report([run])
    assert "lib 1.0 (a) against lib 1.1 (b, ./fork)" in text
    for row in (r"a over b +\| +0.80", r"gradient call +\| +autograd.grad → backward", "failed: b"):
        assert re.search(row, text), text


def test_the_table_of_a_single_pair_promises_no_more_than_it_can() -> None:
    record = replace(ended(1.04, 1.0), verdict="faster")
    (table,) = duels.of(Run(Path("x.jsonl"), ENVIRONMENT, (), duels=(record,)))
    found = {row[0]: row[1] for row in table.rows}
    assert "95 % interval" not in found
    assert found["interval within this process"] == "1.02 to 1.06"
    assert found["verdict on b"] == "faster, in this process"


def test_cases_that_differ_in_more_than_their_column_get_tables_of_their_own() -> None:
    pgd, fgsm = ended(1.0, 1.25), ended(1.0, 1.0)
    other = changed(fgsm.case, attack="mifgsm")
    alike = replace(fgsm, case_id="1", case=other)
    without_steps = replace(fgsm, case_id="2", case=changed(other, attack="fgsm", steps=None))
    run = Run(Path("x.jsonl"), ENVIRONMENT, (), duels=(pgd, alike, without_steps))
    assert [table.header for table in duels.of(run)] == [
        ("attack", "pgd", "mifgsm"),
        ("attack", "fgsm"),
    ]
    assert "steps" not in duels.of(run)[1].title


@pytest.mark.parametrize(
    ("status", "worse", "left_open", "strict", "code"),
    [
        ("ok", (), (), False, 0),
        ("ok", ("it is slower",), (), False, 1),
        ("failed", ("it is slower",), (), False, 1),
        ("failed", (), (), True, 5),
        ("ok", (), ("nobody knows",), False, 0),
        ("ok", (), ("nobody knows",), True, 3),
    ],
)
def test_the_exit_code_says_how_it_went(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: Any,
    worse: tuple[str, ...],
    left_open: tuple[str, ...],
    strict: bool,
    code: int,
) -> None:
    path = tmp_path / "x.jsonl"
    record = replace(ended(1.0, 1.25), status=status)
    path.write_text(reading.to_line(ENVIRONMENT) + reading.to_line(record))
    outcome = contest.Outcome(path, reading.read(path), (record,), worse, left_open)
    monkeypatch.setattr(contest, "run", lambda asked, command: outcome)
    words = ["duel", *TWICE, *(["--strict"] if strict else [])]
    assert cli.main(words) == code
    said = " ".join(capsys.readouterr().out.split())
    assert "lib 1.0 (a) against lib 1.1 (b, ./fork)" in said
    for text in (*worse, *left_open):
        assert text in said
