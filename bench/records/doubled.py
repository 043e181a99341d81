"""Lines that a file of records may hold once only. Pure.

A run that is resumed asks again only what had not been decided, so that a case's second record
stands for one that had failed. A second environment, or another record of what was decided, is from
another run: several files were put into one, and whichever record stood, the other would be lost
without a word. The same line again loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bench.cases import DECIDED
from bench.kinds.record import OwnRecord
from bench.records.duel import DuelRecord
from bench.records.matrix import CellRecord
from bench.records.types import ComparisonRecord, CountsRecord, Environment

_ANSWERS = (ComparisonRecord, CountsRecord, DuelRecord, CellRecord, OwnRecord)
_DECIDED_OWN = ("ok",)
"""The ends of a kind's own lines that `--resume` does not ask for again."""
APART = "they are of several runs: give each its own file, `report` takes several"


@dataclass
class Lines:
    """What a file has held so far.

    Attributes:
        decided: of every answer that no resumed run asks for again the line's number and its text's
            hash, by its question.
        environment: whether it has had one.
    """

    decided: dict[tuple[Any, ...], tuple[int, int]] = field(default_factory=dict)
    environment: bool = False

    def add(self, number: int, line: bytes, record: object) -> None:
        """Take note of one line.

        Args:
            number, line: where it is, and its text.
            record: what it holds.

        Raises:
            ValueError: the file can't hold it.
        """
        if isinstance(record, Environment):
            if self.environment:
                raise ValueError(f"is a second environment; {APART}")
            self.environment = True
        if not isinstance(record, _ANSWERS):
            return
        variant: tuple[Any, ...]
        if isinstance(record, DuelRecord):
            variant = ()
        else:
            variant = record.key if isinstance(record, CellRecord) else record.key[1:]
        question = (record.kind, record.case_id, *variant)
        earlier, text = self.decided.get(question, (number, hash(line)))
        if text != hash(line):
            told = ": ".join(map(str, (record.case, *variant)))
            raise ValueError(f"is another record of what line {earlier} holds ({told}); {APART}")
        if record.status in (_DECIDED_OWN if isinstance(record, OwnRecord) else DECIDED):
            self.decided[question] = earlier, text
