"""What a plot is of: comparisons with what tells them apart in words. Pure; no matplotlib.

A comparison's facets are what it is, each in a word or two: the library, the attack, the model and
so on. Plots group by the facets they do not plot, name series by those that differ, and leave the
common ones to the title.
"""

from __future__ import annotations

import functools
import math
import operator
import statistics
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench import telling
from bench.cases import A_A, SEMI_BACKWARD, Case
from bench.records.reading import Run
from bench.records.types import ComparisonRecord, Environment
from bench.statistics.estimate import CONFIDENCE
from reports.reading import kind, levels, models, naming, places, ways
from reports.reading.places import Place
from reports.reading.words import WITHIN
from semibackward_bench.grammar import counted, form

FAR = 1e6
"""No speedup; and no end of an interval is looked for beyond so many times the estimate."""


@dataclass(frozen=True)
class Point:
    """A comparison, the variant against the baseline.

    What plots ask for again and again is kept: of many comparisons, records are packed.

    Attributes:
        record: the comparison.
        run: the label of its place, as tables head its column; "" where there is only one.
        made: the machine and the torch it was measured on.
        facets: what it is, in the order of `FACETS`.
    """

    record: ComparisonRecord
    run: str
    made: str
    facets: tuple[str, ...]

    @property
    def case(self) -> Case:
        """What was measured."""
        return self.record.case

    @functools.cached_property
    def drawable(self) -> bool:
        """Whether there is a speedup that a plot can show."""
        found = self.record.speedup
        return self.record.status == "ok" and found is not None and 1 / FAR <= found.estimate <= FAR

    @functools.cached_property
    def estimate(self) -> float:
        """The speedup of a drawable point."""
        assert self.record.speedup is not None
        return self.record.speedup.estimate

    @functools.cached_property
    def interval(self) -> tuple[float, float] | None:
        """Ends of the speedup's interval, as far as a plot could show; None without one."""
        found = self.record.speedup
        if found is None or found.low is None or found.high is None:
            return None
        if math.isnan(found.low) or math.isnan(found.high):
            return None
        low, high = min(found.low, found.estimate), max(found.high, found.estimate)
        return max(low, found.estimate / FAR), min(high, found.estimate * FAR)

    @functools.cached_property
    def single(self) -> bool:
        """Whether that interval is of a single process."""
        return self.record.speedup is not None and self.record.speedup.processes == 1

    @functools.cached_property
    def call(self) -> str:
        """How the baseline asks for gradients, as records spell it; "" where that is not known."""
        return str((self.record.gradients or {}).get("call", ""))

    def facet(self, name: str) -> str:
        """One of the facets."""
        return self.facets[_AT[name]]

    def stands_in(self, plot: str) -> bool:
        """Whether comparisons of its kind stand in a plot that kinds share."""
        return plot in kind.of(self.case).plotted

    def seconds(self, variant: str) -> float | None:
        """Median seconds of a run of a variant; None without samples."""
        samples = self.record.seconds.get(variant)
        return statistics.median(samples) if samples else None


FACETS = (
    *("library", "attack", "training", "model", "batch", "size", "steps", "dtype", "device"),
    *("eps", "step size", "start", "weights", "images", "labels", "classes", "replays"),
    *("sentences", "queries", "resources", "level", "other"),
)
"""Of a case, those of its kind included; what no kind of ours has is in "other", and "variant" and
"run" follow them."""
NAMES = (*FACETS, "variant", "run")
"""All facets of a point, in their order."""
_AT = {name: index for index, name in enumerate(NAMES)}
_ESSENTIAL = ("library", "attack", "training", "model", "level", "variant")
"""Told wherever they differ, even where a name would do without."""
_OWN = ("steps", "eps", "step size", "start")
"""What some attacks have none of; among the others it may be the same."""
_UNTOLD = ("images", "labels", "eps", "step size", "start", "classes")
"""Told where they differ, and no title needs them."""
_UNLABELLED = "without"
"""Of several runs, the one that lacks what tells the others apart: no variable is set, say."""


def short(text: str, most: int = 40) -> str:
    """What a record says, on one line, cut in the middle if long."""
    kept = telling.line(text)
    if len(kept) <= most:
        return kept
    tail = (most - 1) // 2
    return f"{kept[: most - 1 - tail]}…{kept[-tail:]}"


def collect(runs: Sequence[Run]) -> list[Point]:
    """Every comparison of some runs, but those of the original with itself."""
    with naming.told_apart(runs):
        return _collected(runs)


def _collected(runs: Sequence[Run]) -> list[Point]:
    found = places.of(runs)
    labels = [place.label or _UNLABELLED for place in found] if len(found) > 1 else [""]
    return [
        point
        for place, label in zip(found, labels, strict=True)
        for point in _of_place(place, label)
    ]


def _of_place(place: Place, label: str) -> Iterator[Point]:
    """Those of one place; of one with several GPUs or processors, each is told by its own too."""
    machines = place.machines
    ran_on = machines.apart([record for record, _ in place.comparisons])
    for record, environment in place.comparisons:
        if record.variant != A_A:
            run = ", ".join(filter(None, (label, ran_on(record))))
            made = _made(machines.model(record), environment)
            yield Point(record, run, made, _facets(record, run))


def _made(machine: str, environment: Environment) -> str:
    return f"{machine}, torch {str(environment.torch.get('version')).partition('+')[0]}"


def _facets(record: ComparisonRecord, label: str) -> tuple[str, ...]:
    case = record.case
    told = kind.of(case)
    found = {
        "library": case.library,
        "attack": models.attack(case),
        "model": models.name(case),
        "batch": counted(case.batch, told.inputs),
        "dtype": case.dtype,
        "device": case.device,
        "weights": models.weights(case),
        **told.facets(case),
        "level": levels.facet(record),
    }
    known = FACETS[:-1]
    others = ", ".join(value for name, value in found.items() if name not in known and value)
    return (*(found.get(name, "") for name in known), others, ways.recorded(record), label)


def grouped(points: Iterable[Point], apart: Collection[str]) -> list[list[Point]]:
    """The points that differ in nothing but the named facets, together; in order."""
    kept = operator.itemgetter(*(at for at, name in enumerate(NAMES) if name not in apart))
    groups: dict[tuple[str, ...], list[Point]] = {}
    for point in points:
        groups.setdefault(kept(point.facets), []).append(point)
    return list(groups.values())


def varying(points: Sequence[Point], apart: Collection[str] = ()) -> list[str]:
    """The facets that differ between points, but for the named ones.

    Attacks in one step have no number of steps; beside others that all have the same, that is no
    difference to speak of.
    """
    found = []
    for name, values in _values(points).items():
        if len(values - {""} if name in _OWN else values) > 1 and name not in apart:
            found.append(name)
    return found


def names(
    points: Sequence[Point], first: Sequence[str] = (), apart: Collection[str] = ()
) -> list[str]:
    """A name for each point, of as few facets as tell it from the others.

    Args:
        points: to name.
        first: facets that are told in any case; so are the essential ones where they differ.
        apart: facets that must not be told.
    """
    differ = varying(points, apart)
    told = {*first, *(facet for facet in differ if facet in _ESSENTIAL)}
    alike: dict[str, list[Point]] = {}
    for point in points:
        alike.setdefault(name(point, told), []).append(point)
    more = {label: _telling(group, told, apart) for label, group in alike.items()}
    usual = all(ways.usual(point.record) for point in points)
    return [name(point, more[name(point, told)], usual=usual) for point in points]


def _telling(points: Sequence[Point], told: Collection[str], apart: Collection[str]) -> set[str]:
    """These facets, and of the others as few as tell points apart as well as all of them do."""
    found, distinct = set(told), 1
    for facet in varying(points, {*told, *apart}):
        more = len({name(point, {*found, facet}) for point in points})
        if more > distinct:
            found, distinct = {*found, facet}, more
    return found


def _values(points: Sequence[Point]) -> dict[str, set[str]]:
    columns = zip(*(point.facets for point in points), strict=True)
    return {name: set(column) for name, column in zip(NAMES, columns, strict=False)}


def name(point: Point, facets: Iterable[str], *, usual: bool = True) -> str:
    """A point by some of its facets, as "foolbox pgd, 4 images".

    Args:
        point: to name.
        facets: to tell.
        usual: semi-backward goes without its name.
    """
    told = {facet: short(point.facet(facet)) for facet in sorted(facets, key=_AT.__getitem__)}
    if usual and told.get("variant") == SEMI_BACKWARD:
        del told["variant"]
    first = " ".join(told.pop(facet, "") for facet in ("library", "attack")).strip()
    return ", ".join(text for text in (first, *told.values()) if text)


def heading(points: Sequence[Point], apart: Collection[str] = ()) -> tuple[str, str]:
    """What all points are, and how they were made, for a title; "" where they differ."""
    differ = {*varying(points), *apart, *_UNTOLD, "variant", "run"}
    values = {
        name: short(max(found)) for name, found in _values(points).items() if name not in differ
    }
    first = " ".join(values.pop(facet, "") for facet in ("library", "attack")).strip()
    what = ", ".join(text for text in (first, *values.values()) if text)
    made = {point.made for point in points}
    variants = {f"{point.record.variant} against {point.record.baseline}" for point in points}
    how = [found.pop() for found in (variants, made) if len(found) == 1]
    return what, "; ".join(how)


def spread_evenly(count: int, most: int) -> list[int]:
    """Indices of at most so many of `count` things in order, from the first to the last."""
    if count <= most:
        return list(range(count))
    return sorted({round(index * (count - 1) / (most - 1)) for index in range(most)})


def ways_of(points: Sequence[Point]) -> tuple[str, str]:
    """What their baselines and their variants are called in a key: by name where all share it."""
    records = [point.record for point in points]
    return short(ways.baseline_of(records)), short(ways.variant_of(records))


def medians(points: Sequence[Point], values: Sequence[float]) -> str:
    """The median of a value of each point, as "1.50"; of each level of equality apart."""
    by_level: dict[str, list[float]] = {}
    for point, value in zip(points, values, strict=True):
        by_level.setdefault(levels.word(point.record), []).append(value)
    found = [
        (level or levels.IDENTICAL, f"{statistics.median(by_level[level]):.2f}")
        for level in sorted(by_level, key=levels.ORDER.index)
    ]
    if len(found) == 1:
        return found[0][1]
    return ", ".join(f"{median} ({level})" for level, median in found)


def not_ok(points: Iterable[Point]) -> str:
    """A sentence that counts what has no speedup to draw; "" if everything has."""
    counts: dict[str, int] = {}
    for point in points:
        if not point.drawable:
            status = point.record.status if point.record.status != "ok" else "without a number"
            counts[status] = counts.get(status, 0) + 1
    if not counts:
        return ""
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    return f"Not drawn, for want of a speedup: {told}."


def intervals(points: Iterable[Point]) -> str:
    """What the whiskers are, and how many points have none."""
    found = list(points)
    drawn = [point for point in found if point.interval is not None]
    alone = sum(point.single for point in drawn)
    whiskers = ""
    if drawn and not alone:
        level = drawn[0].record.speedup.confidence if drawn[0].record.speedup else CONFIDENCE
        whiskers = f"Whiskers: {100 * level:g} % intervals."
    elif drawn:
        which = "" if alone == len(drawn) else f" of {alone} of {len(drawn)}"
        whiskers = f"Whiskers{which}: intervals {WITHIN}; a fresh one may lie outside."
    count = len(found) - len(drawn)
    hollow = (
        f"{count} without an interval, for too few blocks, {form(count, 'is', 'are')} hollow."
        if count
        else ""
    )
    return sentences(whiskers, hollow if count else "")


def sentences(*parts: str) -> str:
    """The parts that say something, as one text."""
    return " ".join(part for part in parts if part)
