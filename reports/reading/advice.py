"""One sentence on what to do about what a run measured. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.cases import A_A, Case
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import FEW_PROCESSES
from reports.reading import (
    briefly,
    causes,
    kind,
    levels,
    memory,
    models,
    numbers,
    promises,
    shaping,
    ways,
)
from reports.reading.why import nothing_to_save
from reports.reading.words import shortened
from semibackward_bench import grammar

_MOST, _LONGEST = 5, 28
"""Names that a sentence bears, and characters of each."""
_MENDS = {
    "timeout": "raise `--timeout`",
    "out-of-memory": "take a smaller `--batch`",
    "reads parameter gradients": "don't freeze what reads parameter gradients",
}


def _library(case: Case) -> str:
    """The library; of what is of none, the workload's own name."""
    if case.library == kind.USER:
        return models.attack(case)
    told = kind.of(case)
    return told.facets(case).get("library", case.library) or told.name(case)


def _workload(case: Case) -> str:
    """The same with its attack, where it has a library."""
    library = _library(case)
    return f"{library} {models.attack(case)}" if library == case.library else library


_NAMES: Sequence[Callable[[Case], str]] = (
    _library,
    models.attack,
    models.name,
    lambda case: f"batches of {case.batch}",
    _workload,
)
"""What a sentence may call cases by: the first that tells apart what is said otherwise of, or else
the first of which there are several."""


def of(run: Run) -> str:
    """What to do: freeze, and where; leave as it is; measure longer; or mend what failed first."""
    records = [record for record in run.comparisons if record.variant != A_A]
    noisy = [r for r in run.comparisons if r.variant == A_A and r.verdict in ("faster", "slower")]
    if noisy:
        return (
            f"Repeat this on a quieter machine, with `--processes 5`: {_whose(noisy)} differs from"
            f" itself in {_cases(len(noisy))}, so no speedup here can be trusted."
        )
    if not records:
        return "Nothing was measured: ask for a case that has a variant (`list variants`)."
    shaped = [record for record in records if not ways.usual(record)]
    records = [record for record in records if ways.usual(record)]
    groups = _groups(records, shaping.best([*shaped, *records]))
    namer = _Namer(records, groups.values())
    clauses = [say(groups[name], namer) for name, say in _SAID.items() if name in groups]
    both = "free" in groups and _cases_of(groups["free"]) & _cases_of(groups.get("faster", ()))
    text = "; or ".join(clauses[:2]) if both else "; ".join(clauses[:2])
    text = "; ".join(filter(None, [text, *clauses[2:], *shaping.clauses(shaped, records)]))
    return f"{text[0].upper()}{text[1:]}."


def code(run: Run) -> list[tuple[str, list[str]]]:
    """Lines to paste for the variants that the sentence recommends and freezing is not, by name."""
    return list(shaping.code([record for record in run.comparisons if record.variant != A_A]))


def _whose(noisy: Sequence[ComparisonRecord]) -> str:
    return ways.the(ways.baseline_of(noisy))


def _groups(
    records: Sequence[ComparisonRecord], shaped: Iterable[ComparisonRecord]
) -> dict[str, list[ComparisonRecord]]:
    """Comparisons by what the sentence does with them; of a case that gains in one way, those that
    do not are left out.

    Args:
        records: the usual ones.
        shaped: others that gain.
    """
    found: dict[str, list[ComparisonRecord]] = {}
    for record in records:
        found.setdefault(_group(record), []).append(record)
    gained = _cases_of(found.get("faster", ())) | _cases_of(found.get("free", ()))
    gained |= _cases_of(shaped)
    for name in ("nothing", "small", "open"):
        left = [record for record in found.pop(name, ()) if models.asked(record.case) not in gained]
        found |= {name: left} if left else {}
    return found


def _cases_of(records: Iterable[ComparisonRecord]) -> set[Case]:
    return {models.asked(record.case) for record in records}


def _group(record: ComparisonRecord) -> str:
    """What the sentence does with a comparison."""
    if record.status != "ok":
        return "ended"
    if record.verdict == "faster" and _really(record):
        return "free" if ways.infers(record) else "faster"
    if causes.no_effect(record) is not None:
        return "beyond"
    if briefly.asks_for_none(record) and memory.records_graph(record, record.baseline):
        return "slower" if record.verdict == "slower" else "small"
    if nothing_to_save(record) or briefly.asks_for_none(record):
        return "nothing"
    return {"slower": "slower", "same": "small"}.get(str(record.verdict), "open")


def _really(record: ComparisonRecord) -> bool:
    """Whether there was something to gain; a gain from nothing is noise."""
    if briefly.asks_for_none(record):
        return not causes.never_calls(record)
    return causes.no_effect(record) is None and not nothing_to_save(record)


def _tells_apart(name: Callable[[Case], str], groups: Sequence[Iterable[Case]]) -> bool:
    """Whether no name is in two groups of cases, and a sentence bears those of each."""
    named = [set(map(name, cases)) for cases in groups]
    few = all(len(names) <= _MOST + 1 for names in named)
    return few and sum(map(len, named)) == len(set().union(*named))


class _Namer:
    """What to call some of the cases, by what they alone have."""

    def __init__(
        self,
        records: Sequence[ComparisonRecord],
        groups: Iterable[Sequence[ComparisonRecord]],
    ) -> None:
        self._records = records
        by_case = [{record.case for record in group} for group in groups]
        several = [name for name in _NAMES if len({name(r.case) for r in records}) > 1]
        apart = (name for name in several if _tells_apart(name, by_case))
        self._name = next(apart, several[0] if several else None)

    def all(self, records: Sequence[ComparisonRecord]) -> bool:
        """Whether these are of all cases there are."""
        return _cases_of(records) == _cases_of(self._records)

    def names(self, records: Sequence[ComparisonRecord]) -> list[str]:
        """A name for each of them that has one; those that others share, with how many it is of."""
        if self._name is None:
            return [_cases(len(_cases_of(records)))]
        variants = {record.variant for record in records}
        alike = [record for record in self._records if record.variant in variants]
        every = Counter(self._short(record) for record in alike)
        found = Counter(self._short(record) for record in records)
        told = [
            name if count == every[name] else f"{name} ({count} of {every[name]})"
            for name, count in found.most_common()
        ]
        if len(told) > _MOST + 1:
            told = [*told[:_MOST], f"{len(told) - _MOST} more"]
        return told

    def _short(self, record: ComparisonRecord) -> str:
        assert self._name is not None
        return shortened(self._name(record.case), _LONGEST)

    def list(self, records: Sequence[ComparisonRecord]) -> str:
        """The names, as a sentence has them."""
        if self.all(records):
            return "it" if len(_cases_of(records)) == 1 else "them all"
        *most, last = self.names(records)
        return f"{', '.join(most)} and {last}" if most else last

    def beside(self, records: Sequence[ComparisonRecord]) -> str:
        """Which of them are meant; nothing where all are."""
        return "" if self.all(records) else f" for {self.list(records)}"

    def verb(self, records: Sequence[ComparisonRecord], one: str, many: str) -> str:
        """A verb in the number of the names."""
        return one if len(self.names(records)) <= 1 else many


def _faster(records: Sequence[ComparisonRecord], namer: _Namer) -> str:
    said = dict.fromkeys(kind.of(record.case).freezing for record in records)
    return f"{', or '.join(said)}{_gained(records, namer)}"


def _free(records: Sequence[ComparisonRecord], namer: _Namer) -> str:
    what = "answer queries that read no gradient under `torch.inference_mode()` (forward-only)"
    return f"{what}{_gained(records, namer)}"


def _gained(records: Sequence[ComparisonRecord], namer: _Namer) -> str:
    by_level: dict[str, list[ComparisonRecord]] = {}
    for record in records:
        by_level.setdefault(levels.told(record), []).append(record)
    said = " and ".join(
        f"{_times(group)} times as fast{f', {level}' if level else ''}"
        for level, group in by_level.items()
    )
    here = sum(map(promises.only_here, records))
    count = "" if here == len(records) else f"{here} of them "
    only = f" ({count}{promises.ONLY_HERE} only: `--processes {FEW_PROCESSES}` tells more)"
    return f"{namer.beside(records)}: {said}{only if here else ''}"


def _times(records: Sequence[ComparisonRecord]) -> str:
    return numbers.span([record.speedup for record in records if record.speedup is not None])


def _nothing(records: Sequence[ComparisonRecord], namer: _Namer) -> str:
    reasons = {next(iter(briefly.forms(record)), "") for record in records}
    because = f" ({reasons.pop()})" if len(reasons) == 1 and "" not in reasons else ""
    eager = any(map(causes.by_asking, records)) and causes.EAGER not in because
    gain = f"nothing to gain{f' {causes.EAGER}' if eager else ''}{because}"
    if namer.all(records):
        return f"leave the code as it is: there is {gain}"
    return f"{_leave(records, namer)}: {gain}"


def _beyond(records: Sequence[ComparisonRecord], namer: _Namer) -> str:
    computes = namer.verb(records, "computes", "compute")
    return (
        f"freezing the model does not reach what {namer.list(records)} {computes} in vain:"
        " `--wide` names what to mend"
    )


def _small(records: Sequence[ComparisonRecord], namer: _Namer) -> str:
    if namer.all(records):
        return "leave the code as it is, or try a larger `--batch`: no gain shows"
    return f"{_leave(records, namer)}: no gain shows"


def _slower(records: Sequence[ComparisonRecord], namer: _Namer) -> str:
    return f"{_leave(records, namer)}: frozen {_times(records)} times as fast"


def _leave(records: Sequence[ComparisonRecord], namer: _Namer) -> str:
    return f"leave {namer.list(records)} as {namer.verb(records, 'it is', 'they are')}"


def _open(records: Sequence[ComparisonRecord], namer: _Namer) -> str:
    return (
        f"measure {namer.list(records)} longer (`--max-seconds`), or on a quieter machine: no"
        " verdict yet"
    )


def _ended(records: Sequence[ComparisonRecord], namer: _Namer) -> str:
    ends = {(models.asked(record.case), record.status): None for record in records}
    counted = Counter(status for _, status in ends)
    told = ", ".join(f"{count} {status}" for status, count in counted.items())
    if len(counted) == 1:
        told = records[0].status
    mends = [_MENDS[status] for status in counted if status in _MENDS]
    mend = f": {', '.join(mends)}" if mends and len(mends) == len(counted) else ""
    if namer.all(records):
        return f"mend what the table names, and repeat it: nothing came to a speedup ({told}){mend}"
    return f"{_cases(len(_cases_of(records)))} came to no speedup ({told}){mend}"


_SAID: Mapping[str, Callable[[Sequence[ComparisonRecord], _Namer], str]] = {
    "free": _free,
    "faster": _faster,
    "nothing": _nothing,
    "beyond": _beyond,
    "small": _small,
    "slower": _slower,
    "open": _open,
    "ended": _ended,
}
"""What is said of each group, in this order."""


def _cases(count: int) -> str:
    return grammar.counted(count, "case")
