"""Energy attacks held against ILFO, network by network: recovery at its error, how soon its
recovery is reached, and images that it does and does not tackle. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.cases import BASELINE, SEMI_BACKWARD, Case
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics import seeds
from bench.statistics.seeds import Mean
from reports.kinds.energy import measures, published
from reports.kinds.energy.measures import Ended, options, place, where
from reports.kinds.energy.published import Row
from reports.reading import ceilings, models, numbers
from reports.table import Table
from semibackward_bench.grammar import counted

BASE = "ilfo"
"""The attack that others are held against."""
WHOLE = 99.95
"""Percent recovered from which an image counts as tackled, every gate on (subset A)."""
RECOVERIES = "Against ILFO, at no larger an error than ILFO ends with,"
"""What the title of the first table begins with."""
_ROUNDING = 1e-9
"""By how much more, of itself, an error counts as equal."""

Point = tuple[float, float]
"""Recovery in percent, and mean squared error."""


@dataclass(frozen=True)
class Pair:
    """ILFO, and another attack on the same networks with the same settings.

    Attributes:
        base: ILFO.
        other: the other.
    """

    base: Ended
    other: Ended

    @property
    def seeds(self) -> list[int | None]:
        """The networks that both attacked."""
        return [seed for seed in self.base.reached if seed in self.other.reached]


def pairs(found: Sequence[Ended]) -> list[Pair]:
    """ILFO and each other attack that differs in nothing else, but for what ILFO has not."""
    bases = {_setting(attack.case): attack for attack in found if attack.case.attack == BASE}
    made = [
        Pair(bases[key], attack)
        for attack in found
        if attack.case.attack != BASE and (key := _setting(attack.case)) in bases
    ]
    return [pair for pair in made if pair.seeds]


def _setting(case: Case) -> tuple[object, ...]:
    """All that both must have alike: neither iterations nor the exponent of the power loss."""
    found = options(case)
    told = (found.alpha, found.space, found.norm, found.keep_label)
    return case.library, case.model, case.batch, case.weights, *told, *place(case)


def course(attack: Ended, seed: int | None) -> list[Point]:
    """Recovery and error on one network after 0, 1, 2, … updates, as far as they were written down,
    and at the end; of images of which none has anything to recover, nothing."""
    steps = attack.records[seed].steps if seed is not None else []
    found = [(step.recovery, step.mse) for step in steps]
    found.append((measures.arp(attack.reached[seed]), measures.mse(attack.reached[seed])))
    return [(recovery, error) for recovery, error in found if recovery is not None]


def at_error(points: Iterable[Point], error: float) -> Point | None:
    """The largest recovery at no larger an error; None where every error is larger."""
    within = [point for point in points if point[1] <= error * (1 + _ROUNDING)]
    return max(within, key=lambda point: (point[0], -point[1]), default=None)


def compared(pair: Pair) -> list[tuple[Point, Point]]:
    """Of each network ILFO's best point and the other's, both at no larger an error than ILFO ends
    with; networks without such points are left out."""
    found = []
    for seed in pair.seeds:
        error = measures.mse(pair.base.reached[seed])
        base = at_error(course(pair.base, seed), error)
        other = at_error(course(pair.other, seed), error)
        if base is not None and other is not None:
            found.append((base, other))
    return found


def reaching(attack: Ended, seed: int | None, recovery: float) -> int | None:
    """Updates after which the recovery is first so large; None where it never is, or where no step
    was written down."""
    steps = attack.records[seed].steps if seed is not None else []
    for number, step in enumerate(steps):
        if step.recovery is not None and step.recovery >= recovery:
            return number
    final = measures.arp(attack.reached[seed])
    return attack.iterations if steps and final is not None and final >= recovery else None


def of(run: Run, found: Sequence[Ended], records: Iterable[ComparisonRecord]) -> Iterator[Table]:
    """Three tables for each data that ILFO and others attacked.

    Args:
        run: what was measured.
        found: its attacks that came to their end.
        records: its comparisons, for the time of a step.
    """
    timed = {r.case_id: r for r in records if r.variant == SEMI_BACKWARD}
    groups: dict[tuple[object, ...], list[Pair]] = {}
    for pair in pairs(found):
        groups.setdefault(place(pair.base.case), []).append(pair)
    suite = run.environment.suite
    for group in groups.values():
        yield _recoveries(group, suite)
        if known := [pair for pair in group if _written(pair.base) or _written(pair.other)]:
            yield _efforts(known, suite, timed)
        yield from _subsets(group, suite)


def _recoveries(group: Sequence[Pair], suite: str | None) -> Table:
    published_rows = [_published(pair, suite) for pair in group]
    return Table(
        f"{RECOVERIES} on {where(group[0].base.case)}",
        (
            *("network", "method", "networks", "ILFO: ARP (%)", "MSE"),
            *("method: ARP (%)", "MSE", "difference", "recovers"),
            *("published: ILFO's ARP", "method's ARP", "table"),
        ),
        tuple(_recovery(*both) for both in zip(group, published_rows, strict=True)),
        (
            "Both stand as they were at their largest recovery among the iterations whose mean"
            " squared error is at most that of ILFO's last, network by network; the difference is"
            " of these pairs, ± the 95 % interval of its mean over networks (Student's t)."
            " Published ones are of the last iteration, whatever its error.",
            *published.notes(
                [row for rows in published_rows for row in rows], [p.base.case for p in group]
            ),
        ),
    )


def _recovery(pair: Pair, rows: tuple[Row | None, Row | None]) -> tuple[str, ...]:
    found = compared(pair)
    base, other = [seeds.mean(both[i][0] for both in found) for i in (0, 1)]
    errors = [seeds.mean(both[i][1] for both in found) for i in (0, 1)]
    apart = seeds.mean(theirs[0] - ilfo[0] for ilfo, theirs in found)
    known = [row for row in rows if row]
    return (
        models.name(pair.other.case),
        pair.other.label,
        str(len(found)),
        measures.told(base),
        measures.error_told(errors[0]),
        measures.told(other),
        measures.error_told(errors[1]),
        f"{'+' if apart and apart.value > 0 else ''}{measures.told(apart)}",
        outcome(pair),
        *(row.cell("arp") if row else "-" for row in rows),
        " and ".join(dict.fromkeys(row.where for row in known)) or "-",
    )


def outcome(pair: Pair) -> str:
    """What the interval of the difference says, in a word or two; or why there is none."""
    apart = seeds.mean(theirs[0] - ilfo[0] for ilfo, theirs in compared(pair))
    if apart is None:
        both = [course(attack, seed) for attack in (pair.base, pair.other) for seed in pair.seeds]
        return "nothing at so small an error" if all(both) else measures.NOTHING
    if apart.half is None:
        return "one network alone"
    if abs(apart.value) <= apart.half:
        return "not told apart"
    return "more" if apart.value > 0 else "less"


def _published(pair: Pair, suite: str | None) -> tuple[Row | None, Row | None]:
    """Of ILFO and of the other, from one table where it has both."""
    other = published.find(pair.other.case, suite=suite)
    return published.find(pair.base.case, suite=suite), other


def _efforts(
    group: Sequence[Pair], suite: str | None, timed: Mapping[str, ComparisonRecord]
) -> Table:
    """Table V: how soon, and at what cost, each attack recovers what ILFO recovers in the end."""
    rows, there = [], []
    for base, attack in _once(group):
        row = published.find(attack.case, "iterations", suite)
        there.append(row)
        rows.append(_effort(base, attack, timed.get(attack.case.id), row))
    return Table(
        f"How soon ILFO's recovery is reached, on {where(group[0].base.case)}",
        (
            *("network", "method", "ILFO's ARP (%)", "iterations to it"),
            *("original (s)", "semi-backward (s)"),
            *("published: ARP (%)", "iterations", "seconds", "table"),
        ),
        tuple(rows),
        (
            "Iterations: updates until the mean recovery is first what ILFO's is after its last;"
            " seconds: these times the timed seconds of a step, of the timed batch.",
            *published.notes(there, [pair.base.case for pair in group]),
        ),
    )


def _once(group: Sequence[Pair]) -> Iterator[tuple[Ended, Ended]]:
    """ILFO with itself before what is held against it."""
    seen: set[str] = set()
    for pair in group:
        if pair.base.case.id not in seen:
            seen.add(pair.base.case.id)
            yield pair.base, pair.base
        yield pair.base, pair.other


def _effort(
    base: Ended, attack: Ended, record: ComparisonRecord | None, row: Row | None
) -> tuple[str, ...]:
    goals = {seed: measures.arp(base.reached[seed]) for seed in Pair(base, attack).seeds}
    known = {seed: goal for seed, goal in goals.items() if goal is not None}
    needed = [reaching(attack, seed, goal) for seed, goal in known.items()]
    found = seeds.mean(number for number in needed if number is not None)
    step = [
        None if record is None else ceilings.median(record, name)
        for name in (BASELINE, SEMI_BACKWARD)
    ]
    return (
        models.name(attack.case),
        attack.label,
        measures.told(seeds.mean(known.values()), nothing=measures.NOTHING),
        _iterations(attack, found, len(needed)),
        *(_seconds(found, one) for one in step),
        *(row.cell(name) if row else "-" for name in ("arp", "iterations", "seconds")),
        row.where if row else "-",
    )


def _written(attack: Ended) -> bool:
    """Whether its iterations were written down."""
    return any(record.steps for record in attack.records.values())


def _iterations(attack: Ended, found: Mean | None, networks: int) -> str:
    if not _written(attack):
        return "-"
    if found is None:
        return "not reached" if networks else measures.NOTHING
    some = (
        ""
        if found.count == networks
        else f", reached on {found.count} of {counted(networks, 'network')}"
    )
    return f"{measures.told(found, 0)}{some}"


def _seconds(found: Mean | None, step: float | None) -> str:
    return "-" if found is None or step is None else numbers.significant(found.value * step)


def _subsets(group: Sequence[Pair], suite: str | None) -> Iterator[Table]:
    """Images that ILFO recovers wholly (A), and the others (B): section 5.3."""
    parts = [(pair, _parts(pair)) for pair in group]
    known = [(pair, found) for pair, found in parts if any(map(any, found))]
    if not known:
        return
    there = [
        published.find(case, suite=suite, subset=subset)
        for pair, _ in known
        for case in (pair.base.case, pair.other.case)
        for subset in "AB"
    ]
    rows = [_subset(*each, there[4 * i : 4 * i + 4]) for i, each in enumerate(known)]
    yield Table(
        f"Images that ILFO recovers wholly (A) and others (B), on {where(group[0].base.case)}",
        (
            *("network", "method", "images in A", "ILFO's ARP on A (%)", "method's ARP on A (%)"),
            *("images in B", "ILFO's ARP on B (%)", "method's ARP on B (%)"),
            *("published: method's on A", "ILFO's on B", "method's on B", "table"),
        ),
        tuple(rows),
        (
            f"A: at least {WHOLE:g} % recovered by ILFO's last iteration; images with nothing to"
            " recover are in neither. Errors in the images are not the same for both: the table of"
            " recoveries has them.",
            *published.notes(there, [pair.base.case for pair, _ in known]),
        ),
    )


def _subset(
    pair: Pair, parts: Sequence[Sequence[list[Point]]], there: Sequence[Row | None]
) -> tuple[str, ...]:
    cells: list[str] = []
    for part in parts:
        per_seed = [found for found in part if found]
        cells.append(str(sum(map(len, per_seed))))
        cells += [
            measures.told(seeds.mean(sum(b[i] for b in f) / len(f) for f in per_seed))
            for i in (0, 1)
        ]
    _, base_b, other_a, other_b = there
    known = next((row for row in there if row), None)
    return (
        models.name(pair.other.case),
        pair.other.label,
        *cells,
        *(row.cell("arp") if row else "-" for row in (other_a, base_b, other_b)),
        known.where if known else "-",
    )


def _parts(pair: Pair) -> tuple[list[list[Point]], list[list[Point]]]:
    """The recoveries of A and of B by ILFO and by the other, image by image, of each network."""
    whole, rest = [], []
    for seed in pair.seeds:
        both = pair.base.reached[seed].recovery, pair.other.reached[seed].recovery
        if len(both[0]) == len(both[1]):
            known = [(a, b) for a, b in zip(*both, strict=True) if a is not None and b is not None]
            whole.append([point for point in known if point[0] >= WHOLE])
            rest.append([point for point in known if point[0] < WHOLE])
    return whole, rest
