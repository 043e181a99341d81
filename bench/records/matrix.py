"""What a cell of a matrix holds: one case, with one torch and one version of its library;
`bench.records.types` has the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bench.cases import Case, Status
from bench.kinds.record import SCHEMA
from bench.records.types import ComparisonRecord, CountsRecord

CellKey = tuple[str, ...]
"""What makes two cells answers to the same question."""


@dataclass(frozen=True, kw_only=True)
class CellRecord:
    """One case, one variant against its baseline, in one environment, however it ended.

    A cell is counted; one that was timed too has another line with that. What could not be
    installed is a cell whose answer has the status "unsupported", with the reason.

    Attributes:
        torch: its version, as asked; what "latest" came to.
        library: the distribution and its version as asked, as "torchattacks==3.5.1"; a bare name
            where none was asked, "" where the library is this program's own.
        answer: what was counted or timed there.
        installed: version by name of "python" and of the distributions that matter, as the worker
            saw them; empty where there was no worker.
    """

    torch: str
    library: str
    answer: CountsRecord | ComparisonRecord
    installed: dict[str, str] = field(default_factory=dict)
    schema: Literal[2] = SCHEMA
    kind: Literal["cell"] = "cell"

    @property
    def case(self) -> Case:
        return self.answer.case

    @property
    def case_id(self) -> str:
        return self.answer.case_id

    @property
    def status(self) -> Status:
        return self.answer.status

    @property
    def reason(self) -> str | None:
        return self.answer.reason

    @property
    def key(self) -> CellKey:
        """What makes two records answers to the same question."""
        return (self.torch, self.library, self.answer.kind, *self.answer.key)
