"""What to do about variants that do more than freeze, as compiled code and other dtypes. Pure.

No cause of their speed is looked into, so that all there is to tell is how fast they were and at
which level of equality. At a looser level one is recommended only where it is faster than whatever
a stricter one comes to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.cases import A_A, BASELINE, Case
from bench.records.types import ComparisonRecord
from bench.statistics.estimate import FEW_PROCESSES
from reports.reading import levels, models, numbers, preparation, promises, ways
from semibackward_bench.grammar import counted

_MOST = 4
"""Variants that a sentence names."""


def clauses(shaped: Sequence[ComparisonRecord], besides: Sequence[ComparisonRecord]) -> list[str]:
    """What to do about them, each part of a sentence.

    Args:
        shaped: those of `ways` that are not usual.
        besides: the usual ones, of the same run.
    """
    every = {models.asked(record.case) for record in (*shaped, *besides)}
    found = best([*shaped, *besides])
    told = [_recommended(records, len(every)) for records in _alike(found)]
    over = [record for record in shaped if record.baseline != BASELINE]
    told += [_over(records, len(every)) for records in _alike(filter(_faster, over))]
    gained = {_way(record) for record in shaped if _faster(record)}
    rest = [record for record in shaped if _way(record) not in gained]
    return [*told, *_rest(rest)]


def best(records: Iterable[ComparisonRecord]) -> list[ComparisonRecord]:
    """Of each case the fastest variant that does more than freeze, at each level at which one is
    faster than whatever stricter ones come to; all against the original."""
    by_case: dict[Case, list[ComparisonRecord]] = {}
    for record in records:
        if record.baseline == BASELINE and record.variant != A_A and _faster(record):
            by_case.setdefault(models.asked(record.case), []).append(record)
    return [record for some in by_case.values() for record in _best_of_case(some)]


def code(records: Sequence[ComparisonRecord]) -> Iterator[tuple[str, list[str]]]:
    """Lines of Python that do to a model what is recommended, by the name of the variant."""
    for record in {record.variant: record for record in best(records)}.values():
        if found := ways.lines(record.variant, record.case.device):
            yield record.variant, found


def seen(record: ComparisonRecord) -> str:
    """What was measured of a variant for which there are no sentences on causes."""
    times = f"{numbers.with_interval(record.speedup, named=True)} times as fast"
    told = [levels.beside(times, record), ways.gradients(record), levels.sentence(record)]
    said = "; ".join(filter(None, [*told, *preparation.sentences(record)]))
    return f"{promises.verdict(record)}, and why was not looked into: {said}"


def _best_of_case(records: Sequence[ComparisonRecord]) -> Iterator[ComparisonRecord]:
    most = 1.0
    for level in levels.words_of(records):
        alike = [record for record in records if levels.word(record) == level]
        record = max(alike, key=_estimate)
        if _estimate(record) > most:
            most = _estimate(record)
            if not ways.usual(record):
                yield record


def _faster(record: ComparisonRecord) -> bool:
    return record.status == "ok" and record.verdict == "faster"


def _estimate(record: ComparisonRecord) -> float:
    return 0.0 if record.speedup is None else record.speedup.estimate


def _way(record: ComparisonRecord) -> tuple[str, str]:
    return record.variant, record.baseline


def _alike(records: Iterable[ComparisonRecord]) -> list[list[ComparisonRecord]]:
    """Those of one variant, one baseline and one level together."""
    found: dict[tuple[str, str, str], list[ComparisonRecord]] = {}
    for record in records:
        found.setdefault((*_way(record), levels.word(record)), []).append(record)
    return list(found.values())


def _recommended(records: Sequence[ComparisonRecord], cases: int) -> str:
    (first, *others) = records
    prepared = not others and preparation.of(first) is not None
    spent = f" ({preparation.PREPARED} in {preparation.cell(first)})" if prepared else ""
    return f"`{first.variant}` makes {_which(records, cases)} {_gained(records)}{spent}"


def _over(records: Sequence[ComparisonRecord], cases: int) -> str:
    first = records[0]
    what = f"`{first.variant}`"
    if ways.freezes(first):
        what = f"frozen parameters (`{first.variant}`)"
    makes = "make" if ways.freezes(first) else "makes"
    return f"over `{first.baseline}`, {what} {makes} {_which(records, cases)} {_gained(records)}"


def _gained(records: Sequence[ComparisonRecord]) -> str:
    found = [record.speedup for record in records if record.speedup is not None]
    level = levels.told(records[0])
    here = f" ({promises.ONLY_HERE} only: `--processes {FEW_PROCESSES}` tells more)"
    only = here if any(map(promises.only_here, records)) else ""
    return f"{numbers.span(found)} times as fast{f', {level}' if level else ''}{only}"


def _which(records: Sequence[ComparisonRecord], cases: int) -> str:
    own = len({models.asked(record.case) for record in records})
    if cases == 1:
        return "it"
    return f"{own} of {counted(cases, 'case')}"


def _rest(records: Sequence[ComparisonRecord]) -> Iterator[str]:
    """Variants that made no case faster, by how they came out."""
    left: dict[tuple[str, str], list[ComparisonRecord]] = {}
    for record in records:
        left.setdefault(_way(record), []).append(record)
    ends: dict[str, list[str]] = {}
    for group in left.values():
        ends.setdefault(_end(group), []).append(f"`{ways.called(group[0])}`")
    for end, names in ends.items():
        yield end.format(_listed(names))


def _end(records: Sequence[ComparisonRecord]) -> str:
    """What is said of a variant, with a place for its name."""
    ok = [record for record in records if record.status == "ok"]
    if not ok:
        statuses = ", ".join(dict.fromkeys(record.status for record in records))
        return f"{{}} came to no speedup ({statuses})"
    if any(record.verdict not in ("slower", "same") for record in ok):
        return "measure {} longer (`--max-seconds`), or on a quieter machine: no verdict yet"
    slower = [record for record in ok if record.verdict == "slower"]
    if not slower:
        return "leave out {}: no gain shows"
    found = [record.speedup for record in slower if record.speedup is not None]
    return f"leave out {{}}: {numbers.span(found)} times as fast"


def _listed(names: Sequence[str]) -> str:
    shown = [*names[:_MOST], *([f"{len(names) - _MOST} more"] if len(names) > _MOST else [])]
    *most, last = shown
    return f"{', '.join(most)} and {last}" if most else last
