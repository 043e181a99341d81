"""Names for the cases of one table, that tell what differs between them and no more. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.cases import Case
from reports.reading import kind, models


@dataclass(frozen=True)
class Namer:
    """A case's name, with only what differs between the cases of a table; the rest is common.

    Attributes:
        model, size, device: what all of them have in common; None where they differ.
        budget: whether names tell steps, queries and weights, without which two would be alike.
    """

    model: str | None
    size: str | None
    device: str | None
    budget: bool = False

    @property
    def common(self) -> str:
        """What is in no name, to go behind a title."""
        parts = [
            f" on {self.model}" if self.model else "",
            f", {self.size}" if self.size else "",
            f", {self.device}" if self.device else "",
        ]
        return "".join(parts)

    def __call__(self, case: Case) -> str:
        parts = [
            "" if self.model else f" on {models.name(case)}",
            "" if self.size else f", {_size(case)}",
            _budget(case) if self.budget else "",
            "" if self.device else f", {_device(case)}",
        ]
        return kind.of(case).name(case) + "".join(parts)


def of(cases: Sequence[Case]) -> Namer:
    """A namer for the cases of one table."""
    namer = Namer(
        model=_common(models.name(case) for case in cases),
        size=_common(_size(case) for case in cases),
        device=_common(_device(case) for case in cases),
    )
    different = set(cases)
    return replace(namer, budget=len({namer(case) for case in different}) < len(different))


def _device(case: Case) -> str:
    return f"{case.dtype}, {case.device}" if case.device else case.dtype


def _size(case: Case) -> str:
    return kind.of(case).size(case)


def _budget(case: Case) -> str:
    told = (*kind.of(case).budget(case), models.weights(case))
    return "".join(f", {each}" for each in told if each)


def _common(values: Iterable[str]) -> str | None:
    """What they all are; None if they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else None
