"""Which machine and which GPU each case was measured on, and who worked beside it. Pure.

A run has slots on one machine or on several, and a record tells its own. Records from before slots
were kept tell of the machine what the environment says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bench.records.slot import SlotFacts
from bench.records.types import Environment, Timed
from semibackward_bench.grammar import counted

HOST, GPU, PROCESSOR = "machine", "GPU", "processor"
"""The heads of what is told of a record's machine."""
_FEW, _MANY = 3, 8
"""Machines that a line bears; and machines of a whole run that one does, and cases of a note."""


class Machines:
    """What is known of the slots of some environments that are alike in what slots do not tell.

    Args:
        environments: one at least.
    """

    def __init__(self, *environments: Environment) -> None:
        self._first = environments[0]
        self._slots = {found.slot.place: found for each in environments for found in each.slots}

        known = self._slots.values()
        # Where all are alike, no record is asked: of many, each would be unpacked for it.
        self._gpus = {_gpu(self._first.accelerator), *(_gpu(one.accelerator) for one in known)}
        self._processors = {self._first.processor, *(one.processor for one in known)}

    def facts(self, record: Timed) -> SlotFacts | None:
        """What the run knew of a record's slot; None where it did not tell."""
        return None if record.slot is None else self._slots.get(record.slot.place)

    def gpu(self, record: Timed) -> str:
        """The GPU's name; "" on a CPU."""
        if len(self._gpus) == 1:
            return next(iter(self._gpus))
        found = self.facts(record)
        return _gpu(self._first.accelerator if found is None else found.accelerator)

    def model(self, record: Timed) -> str:
        """What it ran on: the GPU, else the processor."""
        if name := self.gpu(record):
            return name
        found = None if len(self._processors) == 1 else self.facts(record)
        return self._first.processor if found is None else found.processor

    def apart(self, records: Iterable[Timed]) -> Callable[[Timed], str]:
        """What averages of some records are kept apart by: what each ran on, where that differs."""
        alike = len(self._gpus) == 1 and ("" not in self._gpus or len(self._processors) == 1)
        several = not alike and len({self.model(record) for record in records}) > 1
        return self.model if several else lambda record: ""

    def rows(self, records: Sequence[Timed]) -> Iterator[tuple[str, list[str]]]:
        """Of some records the machine, and the GPU or the processor; "-" where it need not be told.

        Machines are told where there are several; GPUs where there are several models, or where
        each slot had its own.
        """
        hosts = {host(record) for record in records} | {
            found.slot.host for found in self._slots.values()
        }
        yield HOST, [host(r) or "-" if len(hosts - {""}) > 1 else "-" for r in records]
        told = [self.gpu(record) for record in records]
        models = {*told, *(_gpu(found.accelerator) for found in self._slots.values())}
        own = any(record.slot is not None and record.slot.gpu for record in records)
        shown = any(models) and (own or len(models) > 1)
        yield GPU, [name or "-" if shown else "-" for name in told]
        ran = [self.model(record) for record in records]
        several = not any(models) and len(set(ran)) > 1
        yield PROCESSOR, [name if several else "-" for name in ran]

    def columns(self, records: Sequence[Timed]) -> list[tuple[str, Callable[[Timed], str]]]:
        """The same where a record is a row: the heads of what is to be told, and their cells."""
        return [
            (head, _cell(dict(zip(map(id, records), told, strict=True))))
            for head, told in self.rows(records)
            if any(cell != "-" for cell in told)
        ]

    def sentences(self, record: Timed) -> Iterator[str]:
        """What there is to say of one, without a full stop."""
        yield from filter(None, (_beside(record), self._differs(record), _again(record)))

    def notes(self, named: Sequence[tuple[str, Timed]], whose: str = "") -> Iterator[str]:
        """Who worked beside these, where versions were others, and what was begun again.

        Args:
            named: records, each with what the note calls it.
            whose: what a note on all of them begins with.
        """
        for say in (_beside, self._differs, _again):
            yield from _said(named, say, whose)

    def _differs(self, record: Timed) -> str:
        found = self.facts(record)
        if found is None or not found.differs:
            return ""
        told = "; ".join(f"{name} {versions}" for name, versions in sorted(found.differs.items()))
        return f"measured with other versions than the run's: {told}"


def host(record: Timed) -> str:
    """The name of its machine; "" of records from before this was kept."""
    return "" if record.slot is None else record.slot.host


def apart(measured: Sequence[tuple[Timed, Environment]]) -> Callable[[Timed], str]:
    """What averages of some records are kept apart by, where several runs measured them.

    Args:
        measured: each record with its environment; of these alone it can be asked.
    """
    known = {id(where): Machines(where) for _, where in measured}
    found = {id(record): known[id(where)].model(record) for record, where in measured}
    return _cell(found) if len(set(found.values())) > 1 else lambda record: ""


def slots(environment: Environment) -> str:
    """A run's slots in words, as "4 slots on 2 machines: a (2 × NVIDIA A100), b (2 × NVIDIA H200)";
    "" of a run that had one."""
    if len(environment.slots) < 2:
        return ""
    by_host: dict[str, Counter[str]] = {}
    for found in environment.slots:
        name = _gpu(found.accelerator) or found.processor
        by_host.setdefault(found.slot.host, Counter())[name] += 1
    told = [
        f"{name} ({', '.join(f'{count} × {model}' for model, count in models.items())})"
        for name, models in by_host.items()
    ]
    more = len(told) - _MANY
    shown = told if more < 2 else [*told[:_MANY], f"and {more} more"]
    number = counted(len(environment.slots), "slot")
    return f"{number} on {counted(len(told), 'machine')}: {', '.join(shown)}"


def models(environment: Environment) -> list[str]:
    """What its slots ran on, each once: the GPUs, else the processors."""
    found = [_gpu(facts.accelerator) or facts.processor for facts in environment.slots]
    return list(dict.fromkeys(found))


def briefly(records: Sequence[Timed]) -> Iterator[str]:
    """The same of all records in a line: on which machines, beside whom, and begun how often."""
    hosts = list(dict.fromkeys(filter(None, map(host, records))))
    said = [f"on {counted(len(hosts), 'machine')} ({_listed(hosts)})"] if len(hosts) > 1 else []
    if most := max(map(_others, records), default=0):
        said.append(f"beside up to {counted(most, 'other slot')} of the run on the same machine")
    if said:
        yield f"measured {', '.join(said)}"
    if again := sum(record.tries > 1 for record in records):
        yield f"{counted(again, 'case')} begun again: a worker was killed, or a slot was lost"


def _cell(told: Mapping[int, str]) -> Callable[[Timed], str]:
    return lambda record: told[id(record)]


def _gpu(accelerator: dict[str, str | int]) -> str:
    return str(accelerator.get("name") or "")


def _others(record: Timed) -> int:
    return 0 if record.slot is None else record.slot.others


def _beside(record: Timed) -> str:
    others = _others(record)
    told = counted(others, "other slot")
    return f"measured while {told} of the run worked on the same machine" if others else ""


def _again(record: Timed) -> str:
    if record.tries < 2:
        return ""
    return f"begun {record.tries} times, since its worker was killed or its slot was lost"


def _said(
    named: Sequence[tuple[str, Timed]], say: Callable[[Timed], str], whose: str
) -> Iterator[str]:
    """What is said of records, each sentence once; of whom, unless of all of them."""
    by_text: dict[str, list[str]] = {}
    for name, record in named:
        by_text.setdefault(say(record), []).append(name)
    for text, names in by_text.items():
        names = list(dict.fromkeys(names))
        if len(by_text) == 1:
            names = [whose] if whose else []
        elif len(names) > _MANY:
            names = [f"{whose}, " * bool(whose) + f"{len(names)} of these"]
        if text:
            yield f"{', '.join(names)}: {text}." if names else f"{text[0].upper()}{text[1:]}."


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - _FEW} more"] if len(names) > _FEW else []
    *most, last = [*names[:_FEW], *more]
    return f"{', '.join(most)} and {last}"
