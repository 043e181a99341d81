"""Planted changes: that they change what they say, and how the gates' answers become a table."""

from __future__ import annotations

import math
import re
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench.compare import regression
from bench.records import reading
from bench.records.reading import Run
from bench.statistics.estimate import Speedup
from bench.testing import assertions
from bench.worker import gradients
from tests.places import RESULTS
from tests.records import ENVIRONMENT
from tools.planted import copies, judging, table
from tools.planted.changes import BASE, CHANGES, UNCHANGED, Change
from tools.planted.copies import Copy
from tools.planted.judging import Result

IMAGES = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([1])
BY_NAME = {change.name: change for change in CHANGES}


def attack_of(text: str, model: nn.Module) -> assertions.Attack:
    found: dict[str, Any] = {}
    exec(text, found)
    return lambda images, labels: found["pgd"](model, images, labels)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_planted_change_leaves_what_the_attack_makes_as_it_is(change: Change) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    assert change.text() != BASE
    before, after = attack_of(BASE, model), attack_of(change.text(), model)
    assertions.assert_same(before, after, IMAGES, LABELS, tolerance=0)
    with gradients.observed(model) as trace:
        after(IMAGES, LABELS)
    assert bool(trace.operations) == (change.name == "loss.backward()")


def test_a_change_that_would_change_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="the attack has no 'absent'"):
        Change("typo", "", harm=True, edits=(("absent", "present"),)).text()


def test_copies_differ_in_what_is_planted_and_in_nothing_else(tmp_path: Path) -> None:
    found = copies.copies(2)
    copies.write(tmp_path, found)
    assert [copy.change for copy in found] == [*CHANGES, UNCHANGED, UNCHANGED]
    for copy in found:
        texts = [
            (tmp_path / which / copy.module / "__init__.py").read_text()
            for which in ("before", "after")
        ]
        assert texts == [BASE, copy.change.text()]
        assert f"from {copy.module} import pgd" in (tmp_path / copy.attack[:-7]).read_text()


CAUGHT = {"extra forward pass": "counts", "loss.backward()": "counts", "numpy round trip": "counts"}


def results(**alarms: str) -> list[Result]:
    """Of all gates on all changes and two copies without one, each harm caught by one gate."""
    ratio = Speedup(0.97, 0.96, 0.98, 0.95, 5, 100, "")
    found = []
    for copy in copies.copies(2):
        for check in table.CHECKS:
            caught = CAUGHT.get(copy.change.name) == check or alarms.get(copy.module) == check
            caught = caught or (copy.change.name == "3 % wait" and check == "duel")
            said = ("it got worse",) if caught else ()
            found.append(Result(check, copy, caught, said, ratio if check == "duel" else None))
    return found


def test_the_table_says_which_gate_catches_what() -> None:
    text = table.draw(results(), {"duel": Run(Path("duel.jsonl"), ENVIRONMENT, ())})
    assert re.search(r"\| extra forward pass \| +yes \| +caught \| +passes \|", text)
    assert "caught, 1.031 (1.020 to 1.042)" in text
    assert "0 alarms in 2" in text
    assert "- 3 % wait, duel, speedup:1%: it got worse." in text
    assert table.faults(results()) == []


def test_what_is_not_as_it_must_be_is_told() -> None:
    missed = [replace(r, caught=False) for r in results() if r.copy.change.name == "3 % wait"]
    others = [r for r in results() if r.copy.change.name != "3 % wait"]
    assert table.faults([*others, *missed]) == ["3 % wait: no gate caught it"]
    (said,) = table.faults(results(planted_06="duel"))
    assert said == "no change (copy_06.py:attack): duel calls it a regression: it got worse"
    assert table.faults(results(planted_04="counts"))[0].startswith("rename (")


def test_only_gates_whose_records_are_there_are_asked(tmp_path: Path) -> None:
    assert judging.judge(copies.copies(1), tmp_path) == []
    (tmp_path / "counts-before.jsonl").write_text(reading.to_line(ENVIRONMENT))
    assert judging.judge([Copy(0, UNCHANGED)], tmp_path) == []


def test_the_committed_page_is_what_its_records_say() -> None:
    """Every harm is caught, and in twenty copies without a change there is no alarm."""
    folder = RESULTS / "regressions"
    found = judging.judge(copies.copies(20), folder)
    assert {result.check for result in found} == table.CHECKS.keys()
    assert table.faults(found) == []
    made = {path.stem: reading.read(path) for path in sorted(folder.glob("*.jsonl"))}
    assert table.draw(found, made) == (folder / "planted.md").read_text(encoding="utf-8")


def test_the_spread_between_moments_is_that_of_the_committed_copies() -> None:
    folder = RESULTS / "regressions"
    found = reading.read(folder / "run-before.jsonl").comparisons
    medians = [statistics.median(record.seconds["original"]) for record in found]
    assert len(medians) == 25
    spread = statistics.stdev(map(math.log, medians))
    assert spread == pytest.approx(regression.BETWEEN_MOMENTS, abs=0.01)
