"""Shards, retries and what was measured again: one run, in which each question has one answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.origins import Origin
from bench import cli
from bench.records import reading
from bench.records.duel import DuelRecord, DuelSide
from bench.records.reading import Run
from bench.records.types import ProcessRecord
from reports.formats import markdown, tabular
from reports.reading import joined, reproduce
from tests.records import ENVIRONMENT, GAIN, counts, run, trained
from tests.reports.shards import case, facts, shard, slot

LOST: dict[str, Any] = {"status": "failed", "speedup": None, "verdict": None, "reason": "lost"}
LATER: dict[str, Any] = {"created": "2026-02-02T00:00:00+00:00"}


def cases(*numbers: int, **changes: Any) -> list[Any]:
    return [case(number, **changes) for number in numbers]


def whole(runs: Sequence[Run]) -> joined.Joined:
    """The only run that they come to."""
    (found,) = joined.of(runs)
    assert isinstance(found, joined.Joined)
    return found


def written(folder: Path, runs: Sequence[Run]) -> Path:
    for one in runs:
        lines: list[Any] = [one.environment, *one.comparisons]
        (folder / one.path).write_text("".join(map(reading.to_line, lines)))
    return folder


def test_shards_stand_in_one_table_as_if_one_journal_had_them() -> None:
    parts = [shard(1, 2, cases(0, 2, 4)), shard(2, 2, cases(1, 3, 5))]
    found = whole(parts)
    alone = replace(found.journals[0], comparisons=found.comparisons)
    drawn, expected = markdown.report([found]), markdown.report([alone])
    tables = expected[: expected.index("torch 2.13.0, Python")]
    assert drawn.startswith(tables)
    assert found.note == ""
    assert "Read from shard-1-of-2.jsonl, shard-2-of-2.jsonl." in drawn


def test_a_case_in_two_shards_counts_once_and_a_note_tells() -> None:
    earlier, later = cases(0, 1, 2, 3), cases(2, 3, 4, elapsed=9.0)
    found = whole([shard(1, 2, earlier), shard(2, 2, later)])
    assert [record.elapsed for record in found.comparisons] == [
        *(record.elapsed for record in earlier[:2]),
        *[9.0] * 3,
    ]
    assert found.note == (
        "2 files are one run: 2 cases were answered more than once, and of these the later answer"
        " counts."
    )
    assert markdown.report([found]).count("the later answer counts") == 1
    assert json.loads(tabular.json_text([found]))["notes"] == [found.note]


def test_what_is_later_is_told_by_its_date_and_not_by_its_place_among_the_files() -> None:
    new = shard(1, 2, cases(0, 1, elapsed=9.0), **LATER)
    old = shard(2, 2, cases(1, 2))
    assert [record.elapsed == 9.0 for record in whole([new, old]).comparisons] == [1, 1, 0]


@pytest.mark.parametrize("first", [True, False])
def test_what_is_ok_counts_before_what_failed_later(first: bool) -> None:
    good = shard(1, 2, cases(0, 1))
    bad = shard(2, 2, [*cases(1, **LOST), *cases(2)], **LATER)
    found = whole([good, bad] if first else [bad, good])
    assert [record.status for record in found.comparisons] == ["ok"] * 3
    assert found.note.endswith(
        ": 1 case came to no result in one file and is ok in another, which counts."
    )


def test_a_single_case_that_failed_is_mended_by_its_repetition() -> None:
    again = replace(run(case(0), path="y.jsonl"), environment=replace(ENVIRONMENT, **LATER))
    found = whole([run(case(0, **LOST)), again])
    assert [record.status for record in found.comparisons] == ["ok"]


def test_the_same_cases_again_stand_beside_them_by_date() -> None:
    monday, tuesday = run(*cases(0, 1)), run(*cases(0, 1), path="y.jsonl", **LATER)
    assert joined.of([monday, tuesday]) == [monday, tuesday]


def test_the_same_shard_again_is_no_other_run() -> None:
    found = whole([shard(1, 2, cases(0, 1)), shard(1, 2, cases(0, 1), **LATER)])
    assert len(found.comparisons) == 2
    assert "2 cases were answered more than once" in found.note


@pytest.mark.parametrize(
    "changes",
    [
        {"torch": {"version": "2.14.0", "cuda": None, "cudnn": None}},
        {"accelerator": {"name": "NVIDIA H200", "count": 1}},
        {"libraries": {"foolbox": "3.3.4"}},
        {"suite": "all-attacks"},
        {"seed": 1},
        {"files": {"mine.py": "abc"}},
        {"variables": {"MALLOC_ARENA_MAX": "1"}},
    ],
)
def test_other_environments_are_other_runs(changes: dict[str, Any]) -> None:
    runs = [shard(1, 2, cases(0)), shard(2, 2, cases(1), **changes)]
    assert joined.of(runs) == runs


def test_what_a_shard_changes_makes_no_other_run() -> None:
    def at(place: str) -> dict[str, Origin]:
        return {"mine": Origin("mine", place, "abc", "1.0", False)}

    gpu = {"name": "NVIDIA A100"}
    first: dict[str, Any] = {"origins": at("/a/mine"), "accelerator": {**gpu, "count": 8}}
    second: dict[str, Any] = {
        "origins": at("/b/mine"),
        "accelerator": {**gpu, "count": 1},
        "variables": {"CUDA_VISIBLE_DEVICES": "3"},
    }
    assert whole([shard(1, 2, cases(0), **first), shard(2, 2, cases(1), **second)])


def test_sixty_four_shards_are_one_run() -> None:
    there = [facts(slot(f"node{number // 8}", number % 8, 7)) for number in range(64)]
    runs = [
        shard(number, 64, [case(n, there[number].slot) for n in range(number, 128, 64)], *there)
        for number in range(64)
    ]
    found = whole(runs)
    assert len(found.comparisons) == 128
    assert len(found.environment.slots) == 64
    drawn = markdown.report([found])
    assert "64 slots on 8 machines: node0 (8 × NVIDIA A100)" in drawn
    assert "shard-7-of-64.jsonl, and 56 more files." in drawn
    rows = json.loads(tabular.json_text([found]))["comparisons"]
    assert [row["file"] for row in rows] == [
        f"shard-{n}-of-64.jsonl" for n in range(64) for _ in "12"
    ]


def test_counts_and_lines_of_a_kind_and_duels_are_answered_once() -> None:
    def duel(version: str, **changes: Any) -> DuelRecord:
        sides = {n: DuelSide("art", "art", v, v) for n, v in (("a", "1"), ("b", version))}
        record = DuelRecord(
            sides=sides, case_id="d", case=GAIN.case, status="ok", seed=0, elapsed=1
        )
        return replace(record, **changes)

    one = replace(
        run(case(0), trainings=(trained("original", seed=1),)),
        counts=(counts(seed=1),),
        duels=(duel("2", seed=1),),
    )
    two = replace(
        run(path="y.jsonl", trainings=(trained("original"), trained("semi-backward")), **LATER),
        counts=(counts(), counts(variant="frozen")),
        duels=(duel("2"), duel("3")),
    )
    found = whole([one, two])
    assert [record.variant for record in found.own["training"]] == ["original", "semi-backward"]
    assert [record.seed for record in (*found.own["training"], *found.counts)] == [0] * 4
    assert [(d.seed, d.sides["b"].version) for d in found.duels] == [(0, "2"), (0, "3")]
    assert found.twice == 3
    rows = json.loads(tabular.json_text([found]))["trainings"]
    assert [row["file"] for row in rows] == ["y.jsonl"] * 2


def test_only_what_nobody_ended_is_still_begun() -> None:
    record = case(1)
    part = object.__new__(ProcessRecord)
    for name, value in {
        **{"case_id": record.case_id, "variant": record.variant, "baseline": record.baseline},
        **{"process": 0, "memory": None},
    }.items():
        object.__setattr__(part, name, value)
    begun = replace(shard(1, 2, cases(0)), parts=(part,))
    assert whole([begun, shard(2, 2, cases(1))]).parts == ()
    found = whole([begun, shard(2, 2, cases(2))])
    assert found.parts == (part,)
    drawn = markdown.report([found])
    assert "not complete: 1; shard-1-of-2.jsonl can be gone on with by --resume." in drawn


def test_the_command_is_that_of_the_whole_run() -> None:
    words = "python -m bench run --shard 1/2 --suite x --resume --out=a --devices all --shard"
    assert " ".join(joined.whole_command(words.split())) == (
        "python -m bench run --suite x --devices all"
    )
    found = whole([shard(1, 2, cases(0)), shard(2, 2, cases(1))])
    assert reproduce.whole(found.environment).endswith("bench run --suite all-attacks")


def test_damaged_shards_are_salvaged_each_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(tmp_path, [shard(1, 2, cases(0, 1, 2)), shard(2, 2, cases(2, 3))])
    spoilt = folder / "shard-1-of-2.jsonl"
    lines = spoilt.read_text().splitlines(keepends=True)
    spoilt.write_text("".join([*lines[:2], '{"schema": 2, "kind": "comparison"}\n', *lines[3:]]))
    assert cli.main(["report", str(folder), "--salvage"]) == 0
    out, err = capsys.readouterr()
    assert "shard-1-of-2.jsonl: 1 line (3) is damaged, and left out." in " ".join(err.split())
    assert out.count("is damaged, and left out") == 1
    assert "1 case was answered more than once" in out
    assert all(library in out for library in ("advertorch", "cleverhans", "deeprobust"))
    assert "| art" not in out


@pytest.mark.parametrize("form", ["csv", "paragraphs"])
def test_formats_without_notes_tell_on_stderr(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = written(tmp_path, [shard(1, 2, cases(0, 1)), shard(2, 2, cases(1, 2))])
    assert cli.main(["report", str(folder), "--format", form]) == 0
    assert "1 case was answered more than once" in " ".join(capsys.readouterr().err.split())
