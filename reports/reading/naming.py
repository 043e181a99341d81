"""Names for the cases of one table, that tell what differs between them and no more. Pure."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bench import specs
from bench.cases import AS_BUILT, Case
from bench.compare.naming import differing
from reports.reading import kind, models
from reports.reading.models import Known

if TYPE_CHECKING:
    from bench.records.reading import Run


@dataclass(frozen=True)
class Namer:
    """A case's name, with only what differs between the cases of a table; the rest is common.

    Attributes:
        model, size, device: what all of them have in common; None where they differ.
        budget: whether names tell steps, queries and weights, without which two would be alike.
        apart: of cases whose names would be alike still, whatever else differs.
    """

    model: str | None
    size: str | None
    device: str | None
    budget: bool = False
    apart: Mapping[Case, tuple[str, ...]] = field(default_factory=dict)

    @property
    def common(self) -> str:
        """What is in no name, to go behind a title."""
        parts = [
            f" on {self.model}" if self.model and self.model != AS_BUILT else "",
            f", {self.size}" if self.size else "",
            f", {self.device}" if self.device else "",
        ]
        return "".join(parts)

    def __call__(self, case: Case) -> str:
        parts = [
            "" if self.model else models.on(case),
            "" if self.size else f", {_size(case)}",
            _listed(_budget(case)) if self.budget else "",
            _listed(self.apart.get(models.asked(case), ())) if self.apart else "",
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
    namer = replace(namer, budget=len({namer(case) for case in different}) < len(different))
    return replace(namer, apart=_apart(map(models.asked, cases), namer))


def within_table(cases: Sequence[Case]) -> list[str]:
    """The cases of a table whose title tells what they have in common, by their attacks: with what
    they may spend where an attack stands there several times, and what else differs."""
    meant = Counter(models.attack(case) for case in cases)
    return [
        ", ".join([short if meant[short] == 1 else kind.of(case).workload(case), *apart])
        for case in cases
        for short, apart in [(models.attack(case), models.apart(case))]
    ]


@contextlib.contextmanager
def told_apart(runs: Sequence[Run]) -> Iterator[None]:
    """Inside the block the names of these runs' cases tell them apart."""
    cases = list(dict.fromkeys(models.asked(case) for run in runs for case in _cases(run)))
    found = specs.shortest(spec for case in cases for spec in (case.attack, case.model))
    with models.knowing(Known(found)):
        apart = _apart(cases, _name)
    with models.knowing(Known(found, apart)):
        yield


def _apart(cases: Iterable[Case], name: Callable[[Case], object]) -> dict[Case, tuple[str, ...]]:
    """Of the cases that share a name, whatever else differs between them."""
    alike: dict[object, list[Case]] = {}
    for case in dict.fromkeys(cases):
        alike.setdefault(name(case), []).append(case)
    return {
        case: tuple(told)
        for group in alike.values()
        for case, told in zip(group, differing(group), strict=True)
        if told
    }


def _asked(runs: Iterable[Run]) -> list[Case]:
    return list(dict.fromkeys(models.asked(case) for run in runs for case in _cases(run)))


def _name(case: Case) -> tuple[object, ...]:
    """All that names tell of a case wherever there is room."""
    told = kind.of(case)
    named = (case.kind, told.name(case), models.name(case), *told.budget(case))
    return (*named, _size(case), _device(case))


def _cases(run: Run) -> Iterator[Case]:
    lines = (run.comparisons, run.counts, run.duels, run.cells, *run.own.values())
    return (record.case for record in itertools.chain.from_iterable(lines))


def _device(case: Case) -> str:
    return f"{case.dtype}, {case.device}" if case.device else case.dtype


def _size(case: Case) -> str:
    return kind.of(case).size(case)


def _budget(case: Case) -> list[str]:
    return [*kind.of(case).budget(case), models.weights(case)]


def _listed(told: Iterable[str]) -> str:
    return "".join(f", {each}" for each in told if each)


def _common(values: Iterable[str]) -> str | None:
    """What they all are; None if they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else None
