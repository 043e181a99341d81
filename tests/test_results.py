"""The committed records: what is explained agrees with what is measured."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from adapters import registry
from bench.kinds.text.findings import TextFindings
from bench.kinds.training.options import TrainingOptions
from bench.kinds.training.record import LINE, TrainingRecord
from bench.records import reading
from bench.records.types import ComparisonRecord, Environment
from reports.reading import memory
from reports.reading.explanation import explain
from tests.places import DATA, MACHINE, RESULTS

FOLDER = MACHINE / "all-attacks"
MEASURED: list[tuple[ComparisonRecord, Environment]] = [
    (record, run.environment)
    for run in map(reading.read, sorted(FOLDER.glob("*.jsonl")))
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
        assert not gains or (told.label == "gradient-free" and memory.graph_spared(record))
    if told.label == "benefits":
        assert record.verdict != "same"


TRAINING = MACHINE / "training"
STEPS = [
    record
    for run in map(reading.read, sorted(TRAINING.glob("*.jsonl")))
    for record in run.comparisons
]
TRAININGS = reading.read(TRAINING / "to-the-end.jsonl").own[LINE]


def step_name(record: ComparisonRecord) -> str:
    return f"{record.case.what} {TrainingOptions.of(record.case).steps}"


@pytest.mark.parametrize("record", STEPS, ids=step_name)
def test_a_training_step_gains_where_its_attack_computes_what_nobody_reads(
    record: ComparisonRecord,
) -> None:
    assert record.status == "ok"
    assert record.equality is not None
    assert record.equality.bitwise
    assert record.gradients is not None
    assert record.gradients["passes semi-backward"] == 1
    gains = record.gradients["passes original"] != 1
    assert (record.verdict == "faster") == gains


def test_training_with_and_without_the_trick_ends_with_the_same_weights() -> None:
    pairs: dict[str, list[TrainingRecord]] = {}
    for record in TRAININGS:
        pairs.setdefault(record.case_id, []).append(record)
    methods = [TrainingOptions.of(pair[0].case).training for pair in pairs.values()]
    assert set(methods) == {"natural", "pgd", "mart", "fast", "free", "trades"}
    for original, frozen in pairs.values():
        assert (original.variant, frozen.variant) == ("original", "semi-backward")
        assert original.weights == frozen.weights
        assert original.robust_accuracy == frozen.robust_accuracy


def test_adversarial_training_is_far_more_robust_than_natural_training() -> None:
    robust = {
        TrainingOptions.of(r.case).training: r.robust_accuracy
        for r in TRAININGS
        if r.robust_accuracy
    }
    natural = next(
        r for r in TRAININGS if TrainingOptions.of(r.case).training == "natural"
    ).robust_accuracy
    assert natural is not None
    for method in ("pgd", "mart", "trades"):
        assert robust[method] > natural + 0.25


TEXT = Path("amd-epyc-2-cores", "text")
TEXT_RUN = reading.read(RESULTS / TEXT / "paper-text-small.jsonl").comparisons
FORMER_TEXT_RUNS = [
    reading.read(file).comparisons for file in sorted((DATA / "former" / TEXT).glob("*.jsonl"))
]
"""With memory as the system gives it, in one process each."""
FILLS_BLANKS = "bertattack"
"""It also runs a network of its own, which never asks for gradients."""


def text_name(record: ComparisonRecord) -> str:
    return f"{record.case.attack} {record.variant}"


def least(record: ComparisonRecord) -> float:
    """What is asked of text where the original also pays for the memory of gradients: 1.6 frozen; 3
    without gradients that nobody reads, 2 if some are."""
    if record.variant == "semi-backward":
        return 1.6
    return 2.0 if record.case.attack == "fd" else 3.0


def predicted(record: ComparisonRecord) -> float:
    """By passes of the victim, forward, of output gradients and of parameter gradients alike."""
    assert isinstance(record.findings, TextFindings)
    if record.variant == "semi-backward":
        return 3 / 2
    attacked = record.findings.attacked
    queries = sum(sentence.passes["original"] for sentence in attacked)
    read = queries - sum(sentence.unread["original"] for sentence in attacked)
    return 3 * queries / (queries + read)


@pytest.mark.parametrize("run", [TEXT_RUN, *FORMER_TEXT_RUNS])
def test_every_attack_of_the_papers_fifth_table_has_both_rows(run: list[ComparisonRecord]) -> None:
    attacks = {record.case.attack for record in run}
    assert len(attacks) == 8
    assert len(run) == 16
    assert all(record.status == "ok" for record in run)


@pytest.mark.parametrize(
    "record", [*TEXT_RUN, *(r for run in FORMER_TEXT_RUNS for r in run)], ids=text_name
)
def test_attacks_on_text_gain_with_the_same_sentences(record: ComparisonRecord) -> None:
    assert record.equality is not None
    assert record.equality.bitwise
    assert isinstance(record.findings, TextFindings)
    reads = any(sentence.gradient_queries for sentence in record.findings.attacked)
    assert reads == (record.case.attack == "fd")
    assert record.verdict == "faster"


@pytest.mark.parametrize("record", TEXT_RUN, ids=text_name)
def test_attacks_on_text_gain_what_operations_predict(record: ComparisonRecord) -> None:
    """Neither less nor, since memory is kept, more."""
    assert record.speedup is not None
    assert record.speedup.processes >= 5
    assert record.speedup.of_next_run
    over = record.speedup.estimate / predicted(record)
    assert over < 1.08
    if record.case.attack != FILLS_BLANKS:
        assert over > 0.92


@pytest.mark.parametrize("run", FORMER_TEXT_RUNS)
@pytest.mark.parametrize("variant", ["semi-backward", "forward-only"])
def test_attacks_on_text_gained_more_where_the_system_gives_memory(
    run: list[ComparisonRecord], variant: str
) -> None:
    """No interval lies below what is asked, and on average it is exceeded."""
    found = [record for record in run if record.variant == variant]
    excess = []
    for record in found:
        assert record.speedup is not None
        assert record.speedup.high is not None
        assert record.speedup.high >= least(record)
        excess.append(math.log(record.speedup.estimate / least(record)))
    assert len(excess) == 8
    assert sum(excess) > 0
