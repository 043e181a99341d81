"""The committed records: what is explained agrees with what is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters import registry
from bench import records
from bench.record_types import ComparisonRecord, Environment
from reports.explanation import explain

FOLDER = Path(__file__).resolve().parent.parent / "results" / "amd-epyc-2-cores" / "all-attacks"
MEASURED: list[tuple[ComparisonRecord, Environment]] = [
    (record, run.environment)
    for run in map(records.read, sorted(FOLDER.glob("*.jsonl")))
    for record in run.comparisons
]
SIX = ("torchattacks", "foolbox", "art", "advertorch", "deeprobust", "cleverhans")


def name(measured: tuple[ComparisonRecord, Environment]) -> str:
    record, _ = measured
    return f"{record.case.library} {record.case.attack} {record.variant}"


def test_every_attack_has_its_row() -> None:
    found = {(record.case.library, record.case.attack) for record, _ in MEASURED}
    for library in SIX:
        assert {(library, attack) for attack in registry.get(library).attacks()} <= found


@pytest.mark.parametrize("measured", MEASURED, ids=name)
def test_the_explanation_agrees_with_the_timing(
    measured: tuple[ComparisonRecord, Environment],
) -> None:
    record, environment = measured
    told = explain(record, environment)
    if told is None:
        assert record.status != "ok"
        assert record.reason
        return
    assert record.speedup is not None
    gains = record.verdict == "faster" and record.speedup.estimate > 1.05
    if told.label in ("already optimal", "gradient-free") and record.variant == "semi-backward":
        assert not gains
    if told.label == "benefits":
        assert record.verdict != "same"
