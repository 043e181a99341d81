"""Whether the trick changes what pruning comes to, bit for bit, and what each stage of the whole
pipeline takes with and without it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.cases import BASELINE, SEMI_BACKWARD
from bench.kinds.pruning.findings import DENSE, PrunedRecord, ScoredRecord
from bench.records.reading import Run
from reports.kinds.pruning import measures
from reports.kinds.pruning.words import networks, place, share, stage_rank, where
from reports.reading import numbers
from reports.table import Table
from semibackward_bench.grammar import counted, form

SAME, DIFFERENT, UNTOLD = "the same", "different", "not told"
Line = ScoredRecord | PrunedRecord
Pair = tuple[Line, Line]
"""Without the trick and with it."""


def of(run: Run) -> Iterator[Table]:
    """What came out, and the seconds, a table of each for each data; none where nothing was made
    both ways."""
    ended = _ended(run)
    names = networks({line.case_id: line.case for line in ended})
    for group in _by_place(ended):
        found = pairs(group)
        if found:
            yield _equal(found, len(group) - 2 * len(found), names)
            yield from _seconds(found, names)


def narrow(run: Run) -> Iterator[Table]:
    """Seconds for a terminal, a table for each network."""
    ended = _ended(run)
    names = networks({line.case_id: line.case for line in ended})
    for group in _by_place(ended):
        for (key, seed), sums in _sums(pairs(group)).items():
            yield Table(
                f"Seconds by the wall: {names[key]}, seed {seed}, {where(group[0].case)}",
                ("stage", "of", BASELINE, SEMI_BACKWARD),
                tuple((stage, *_sum(sums[of, stage], of)) for of, stage in sums),
                ("Each was run once: for orientation.",),
            )


def _ended(run: Run) -> list[Line]:
    lines: list[Line] = [*measures.scored_lines(run), *measures.pruned_lines(run)]
    return [line for line in lines if line.status == "ok"]


def _by_place(lines: Sequence[Line]) -> list[list[Line]]:
    groups: dict[tuple[object, ...], list[Line]] = {}
    for line in lines:
        groups.setdefault(place(line.case), []).append(line)
    return list(groups.values())


def pairs(lines: Sequence[Line]) -> list[Pair]:
    """What was made both ways, in the order of networks, each network's saliency first."""
    found: dict[tuple[object, ...], dict[str, Line]] = {}
    for line in lines:
        found.setdefault(_asked(line), {})[line.variant] = line
    both = [
        (ways[BASELINE], ways[SEMI_BACKWARD])
        for ways in found.values()
        if BASELINE in ways and SEMI_BACKWARD in ways
    ]
    order = list(dict.fromkeys((one.case_id, one.network_seed) for one, _ in both))
    return sorted(both, key=lambda pair: order.index((pair[0].case_id, pair[0].network_seed)))


def _asked(line: Line) -> tuple[object, ...]:
    """What two lines have in common that differ by the trick alone."""
    if isinstance(line, ScoredRecord):
        return line.kind, line.case_id, line.network_seed, line.batches
    return line.kind, line.network_seed, *measures.way(line)


def what(line: Line) -> str:
    """What a line is of, in a cell."""
    if isinstance(line, ScoredRecord):
        return f"saliency, {counted(line.batches, 'batch', 'batches')}"
    if line.criterion == DENSE:
        return DENSE
    return f"{line.criterion}, {share(line.percent)}, {counted(line.epochs, 'epoch')}"


def digests(first: str, second: str) -> str:
    """Whether two are of the same bits."""
    if not first or not second:
        return UNTOLD
    return SAME if first == second else DIFFERENT


def _row(pair: Pair) -> tuple[str, ...]:
    """Network before, saliency, masks, network at the end, and what it was judged."""
    ours, theirs = pair
    if isinstance(ours, ScoredRecord) and isinstance(theirs, ScoredRecord):
        before = digests(ours.weights, theirs.weights)
        return before, digests(ours.saliency, theirs.saliency), "-", "-", "-"
    assert isinstance(ours, PrunedRecord)
    assert isinstance(theirs, PrunedRecord)
    masks = "-" if ours.criterion == DENSE else digests(ours.masks, theirs.masks)
    judged = UNTOLD
    if ours.judged and theirs.judged:
        judged = SAME if _judged(ours) == _judged(theirs) else DIFFERENT
    return "-", "-", masks, digests(ours.weights, theirs.weights), judged


def _judged(line: PrunedRecord) -> dict[str, tuple[int, int]]:
    return {found.attack: (found.right, found.images) for found in line.judged}


def _equal(found: Sequence[Pair], alone: int, names: Mapping[str, str]) -> Table:
    rows = [(pair, _row(pair)) for pair in found]
    return Table(
        f"With and without the trick, bit for bit, on {where(found[0][0].case)}",
        (
            *("network", "seed", "what", "network before", "saliency", "masks"),
            *("weights at the end", "right answers"),
        ),
        tuple(
            (names[ours.case_id], str(ours.network_seed), what(ours), *cells)
            for (ours, _), cells in rows
        ),
        (
            f"{SEMI_BACKWARD} against {BASELINE}, by digests of all bits; right answers by their"
            " number under each attack.",
            _summary([cells for _, cells in rows]),
            *_alone(alone),
        ),
    )


def _summary(rows: Sequence[tuple[str, ...]]) -> str:
    """How many are the same, of each of what was held against each other."""
    said = []
    kinds = ("networks before", "saliencies", "masks", "weights at the end", "right answers")
    for name, column in zip(kinds, zip(*rows, strict=True), strict=True):
        there = [told for told in column if told in (SAME, DIFFERENT)]
        if there:
            said.append(f"{name} {there.count(SAME)} of {len(there)}")
    return (
        f"The same: {', '.join(said)}." if said else "No digest is told, so none can be compared."
    )


def _alone(count: int) -> Iterator[str]:
    if count:
        yield (
            f"{counted(count, 'other line')} {form(count, 'has', 'have')} come to"
            f" {form(count, 'its', 'their')} end in one variant alone, and"
            f" {form(count, 'is', 'are')} not held against anything."
        )


Sums = Mapping[tuple[str, str], Sequence[tuple[float, float]]]
"""Seconds of each line in both variants; by what lines are of, "" of networks, and stage."""


def _sums(found: Sequence[Pair]) -> dict[tuple[str, int], Sums]:
    """By network and seed, in the order of stages, saliency first."""
    groups: dict[tuple[str, int], dict[tuple[str, str], list[tuple[float, float]]]] = {}
    for ours, theirs in found:
        of = what(ours) if isinstance(ours, ScoredRecord) else ""
        for name in ours.seconds.keys() & theirs.seconds.keys():
            sums = groups.setdefault((ours.case_id, ours.network_seed), {})
            sums.setdefault((of, name), []).append((ours.seconds[name], theirs.seconds[name]))

    def rank(key: tuple[str, str]) -> tuple[object, ...]:
        return not key[0], key[0], *stage_rank(key[1])

    return {one: {key: sums[key] for key in sorted(sums, key=rank)} for one, sums in groups.items()}


def _sum(seconds: Sequence[tuple[float, float]], of: str) -> tuple[str, ...]:
    """What they are of, and both variants' sums."""
    both = (numbers.significant(sum(each[at] for each in seconds)) for at in (0, 1))
    return of or counted(len(seconds), "network"), *both


def _seconds(found: Sequence[Pair], names: Mapping[str, str]) -> Iterator[Table]:
    """By network and stage; of pruned networks those of all together."""
    groups = _sums(found)
    if groups:
        yield Table(
            f"Seconds of the whole pipeline by the wall, on {where(found[0][0].case)}",
            ("network", "seed", "stage", "of", f"{BASELINE} (s)", f"{SEMI_BACKWARD} (s)"),
            tuple(
                (names[key], str(seed), stage, *_sum(seconds, of))
                for (key, seed), sums in groups.items()
                for (of, stage), seconds in sums.items()
            ),
            (
                "Each was run once, so that two numbers of a row may also differ by what else the"
                " machine did: for orientation. What a stage gains is measured in the tables of"
                " time by stage.",
            ),
        )
