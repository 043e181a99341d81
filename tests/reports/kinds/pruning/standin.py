"""The kind as reports need it, until it is registered."""

from __future__ import annotations

from collections.abc import Iterable

from bench.cases import Case
from bench.kinds.base import Kind
from bench.kinds.group import Group
from bench.kinds.pruning.findings import (
    PRUNED,
    SCORED,
    PrunedRecord,
    PruningFindings,
    ScoredRecord,
)
from bench.kinds.pruning.options import PruningOptions
from bench.kinds.request import Request


class StandIn(Kind):
    """Pruning, with records and reports and nothing to choose."""

    name = "pruning"
    options = PruningOptions
    findings = PruningFindings
    lines = {SCORED: ScoredRecord, PRUNED: PrunedRecord}  # noqa: RUF012 - nobody changes it
    report = "reports.kinds.pruning.report:PruningReport"

    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        return ()
