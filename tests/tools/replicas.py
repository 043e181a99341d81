"""Made-up runs of the main job."""

from __future__ import annotations

from bench.records.types import ComparisonRecord
from bench.statistics.estimate import Speedup
from tests.cases import changed
from tests.records import CASE, run, timed
from tools.replication.analysis import Answer
from tools.replication.folder import Note, Replica

ART = changed(CASE, library="art")


def answer(
    number: int, estimate: float, half: float | None = 0.1, loaded: bool | None = None
) -> Answer:
    """An estimate with an interval that reaches so far to both sides."""
    low, high = (None, None) if half is None else (estimate - half, estimate + half)
    return Answer(number, loaded, Speedup(estimate, low, high, 0.95, 1, 12, ""), ((0.0, 0.1),))


def replica(number: int, *records: ComparisonRecord, loaded: bool | None = None) -> Replica:
    note = None if loaded is None else Note(number, loaded, 200.0 + number)
    return Replica(number, run(*records), note)


def replicas(count: int = 4) -> list[Replica]:
    """Two libraries, the second one with estimates that lie apart; every other run loaded."""
    return [
        replica(number, timed(), timed(ART, 1 + number / 25), loaded=number % 2 == 1)
        for number in range(count)
    ]
