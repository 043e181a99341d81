"""Some runs in three sentences that a busy reader can act on. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from bench.cases import A_A
from bench.records.reading import Run
from bench.records.types import ComparisonRecord, Environment
from reports.reading import (
    averages,
    causes,
    changes,
    joined,
    levels,
    machines,
    matrix,
    models,
    numbers,
    promises,
    ways,
)
from reports.reading.averages import Average
from reports.reading.why import nothing_to_save
from reports.reading.words import spelt
from semibackward_bench.grammar import counted

_FEW = 4
"""Names that a sentence bears."""

Measured = tuple[ComparisonRecord, Environment]
RanOn = Callable[[ComparisonRecord], str]


def of(runs: Sequence[Run]) -> tuple[str, ...]:
    """What is gained, where nothing is and why, what other variants came to, and whether to believe
    it and what to do; of a matrix alone, what changes in it."""
    every = [
        (record, journal.environment)
        for run in runs
        for record, journal in joined.comparisons(run)
        if record.variant != A_A
    ]
    if not every:
        counted_there = tuple(_of_matrices(runs))
        return counted_there or ("No case has been measured.",)
    ok = [(record, where) for record, where in every if record.status == "ok"]
    usual = [(record, where) for record, where in ok if ways.usual(record)]
    frozen = [(record, where) for record, where in usual if ways.freezes(record)]
    others = [record for record, _ in ok if not ways.usual(record)]
    ran_on = machines.apart(ok)
    said = [_gains(frozen, usual, ran_on), _no_gains(frozen)] if usual or not others else []
    return (*said, *_of_others(others, ran_on), _trust(every, frozen))


def _of_matrices(runs: Sequence[Run]) -> Iterator[str]:
    """What the cells of runs that timed nothing else came to."""
    for run in runs:
        if (found := matrix.of(run.cells)) is not None:
            yield from changes.told(found)


def _gains(frozen: Sequence[Measured], usual: Sequence[Measured], ran_on: RanOn) -> str:
    faster = [record for record, _ in frozen if record.verdict == "faster"]
    inferring = [r for r, _ in usual if ways.infers(r) and r.verdict == "faster"]
    free = averages.of(inferring, ran_on)
    more = ""
    if free:
        each = " and ".join(f"{_cases(mean.count)} {_mean(mean)} times as fast" for mean in free)
        more = f"; queries without any gradient (forward-only) made {each}"
    means = averages.of(faster, ran_on)
    if not means:
        return f"Frozen parameters made none of {_cases(len(frozen))} measurably faster{more}."
    best = max(faster, key=_surely)
    most = ""
    if len(faster) > 1:
        surely = levels.beside(numbers.with_interval(best.speedup), best)
        most = f" on average, {_name(best)} most surely: {surely}"
    each = " and ".join(
        f"{f'{mean.count} of them ' if len(means) > 1 else ''}{_mean(mean)} times" for mean in means
    )
    return (
        f"Frozen parameters made {len(faster)} of {_cases(len(frozen))} faster"
        f"{_only_here(faster)}, {each}{most}{more}."
    )


def _of_others(others: Sequence[ComparisonRecord], ran_on: RanOn) -> list[str]:
    """A sentence on variants that do more than freeze, or are held against another one: the mean of
    each at each level, faster or not."""
    by_way: dict[str, list[ComparisonRecord]] = {}
    for record in others:
        by_way.setdefault(ways.called(record), []).append(record)
    told = [
        f"{way} was {numbers.with_interval(mean.geometric, named=True)} times as fast in"
        f" {_cases(mean.count)}{f' on {mean.ran_on}' if mean.ran_on else ''}"
        f"{f', with {levels.outputs(mean.level)}' if mean.level else ''}"
        for way, records in by_way.items()
        for mean in averages.of(records, ran_on)
    ]
    text = "; ".join(told)
    return [f"{text[0].upper()}{text[1:]}."] if text else []


def _mean(mean: Average) -> str:
    told = numbers.with_interval(mean.geometric, named=True)
    at = f"(with {levels.outputs(mean.level)}) " if mean.level else ""
    return f"{f'on {mean.ran_on} ' if mean.ran_on else ''}{at}{told}"


def _surely(record: ComparisonRecord) -> float:
    """The gain that the interval leaves at the least, in another process too."""
    return (record.speedup and promises.widened(record.speedup).low) or 0.0


def _only_here(records: Iterable[ComparisonRecord]) -> str:
    count = sum(map(promises.only_here, records))
    return f" ({count} only {promises.ONLY_HERE})" if count else ""


def _name(record: ComparisonRecord) -> str:
    case = record.case
    what = case.what.replace(case.attack, models.attack(case))
    return ", ".join([f"{what}{models.on(case)}", *models.apart(case)])


def _no_gains(frozen: Sequence[Measured]) -> str:
    optimal: Counter[str] = Counter()
    calls: set[str] = set()
    open_, small, beyond = 0, 0, 0
    slower: list[ComparisonRecord] = []
    for record, _ in frozen:
        if record.verdict == "faster":
            continue
        found = str((record.gradients or {}).get("call", "-")).split(" + ")
        if causes.no_effect(record) is not None:
            beyond += 1
        elif nothing_to_save(record) or found == ["none"]:
            optimal[record.case.library] += 1
            calls.update(found)
        elif record.verdict == "slower":
            slower.append(record)
        elif record.verdict == "same":
            small += 1
        else:
            open_ += 1
    said = []
    if optimal:
        ways = _ways(calls)
        because = f" ({ways})" if ways else ""
        said.append(
            f"{_cases(optimal.total())} of {_list(optimal)} had no parameter gradient to"
            f" spare{because}"
        )
    if beyond:
        said.append(f"{_cases(beyond)} computed what freezing the model does not spare")
    if small:
        said.append(f"{_cases(small)} gained nothing that shows")
    if slower:
        said.append(f"{_cases(len(slower))} became slower{_only_here(slower)}")
    if open_:
        said.append(f"{_cases(open_)} stayed open: measure longer, or on a quieter machine")
    if not said:
        return "Every case gained." if frozen else "No case was measured frozen."
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _ways(calls: set[str]) -> str:
    kinds = sorted(spelt(call) for call in calls - {"none", "-"})
    asked = [f"asked for by {' or '.join(kinds)}"] if kinds else []
    return ", or ".join([*asked, *(["no gradient at all"] if "none" in calls else [])])


def _trust(every: Sequence[Measured], frozen: Sequence[Measured]) -> str:
    compared = [record for record, _ in every if record.equality is not None]
    counts = Counter(map(levels.word, compared))
    same = counts[""]
    proved = sum(levels.word(r) == levels.ROUNDING and ways.explained(r) for r in compared)
    told = f"The outputs were bit for bit the same in {same} of"
    told += f" {counted(len(compared), 'comparison')}"
    nearly = {
        " and differed by rounding, which was proved,": proved,
        ", differed by no more than rounding": counts[levels.ROUNDING] - proved,
        ", agreed": counts[levels.AGREES],
        ", differed by more": counts[levels.OTHER],
    }
    told += "".join(f"{what} in {number}" for what, number in nearly.items() if number)
    bad = Counter(record.status for record, _ in every if record.status != "ok")
    if bad:
        ended = ", ".join(f"{count} {status}" for status, count in bad.items())
        told += f" ({ended}: see the rows)"
    gained = Counter(r.case.library for r, _ in frozen if r.verdict == "faster")
    if gained:
        told += (
            f"; to have the gain with {_list(gained)}, freeze the model's parameters before the"
            " attack: `with semi_backward(model):`"
        )
    return f"{told}."


def _cases(count: int) -> str:
    return counted(count, "case")


def _list(found: Counter[str]) -> str:
    """The names, the most frequent first; many of them in part."""
    names = [name for name, _ in found.most_common()]
    shown: Iterable[str] = names
    if len(names) > _FEW + 1:
        shown = [*names[:_FEW], counted(len(names) - _FEW, "other library", "other libraries")]
    *most, last = shown
    return f"{', '.join(most)} and {last}" if most else last
