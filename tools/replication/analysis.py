"""From several runs to how far their answers agree. Pure.

Two questions to each comparison: how often a run's estimate lies in another run's interval, and how
much of the variance is between blocks, between processes and between runs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy
from numpy.typing import NDArray

from bench.records.types import ComparisonRecord
from bench.statistics.blocks import Block, Sample
from bench.statistics.estimate import Speedup
from tools.replication.folder import Replica

Among = Literal["without", "with", "mixed"]
"""Pairs of runs: both without another program beside them, both with one, one of each."""
AMONG: tuple[Among, ...] = ("without", "with", "mixed")

Array = NDArray[numpy.float64]
LogRatios = tuple[tuple[float, ...], ...]
"""Of one run: for each process the log ratios of its blocks."""


@dataclass(frozen=True)
class Answer:
    """What one run says of one comparison.

    Attributes:
        run: its number.
        load: whether another program ran beside it; None where nobody knows.
        speedup: the estimate and its interval.
        log_ratios: of the blocks that the estimate is of.
    """

    run: int
    load: bool | None
    speedup: Speedup
    log_ratios: LogRatios


@dataclass(frozen=True)
class Row:
    """What all runs say of one comparison.

    Attributes:
        name: the library's, with more of the case where that does not tell it from the others.
        answers: of the runs that came to a speedup, in their order.
    """

    name: str
    answers: tuple[Answer, ...]

    @property
    def estimates(self) -> tuple[float, ...]:
        """In the order of the runs."""
        return tuple(answer.speedup.estimate for answer in self.answers)

    @property
    def spread(self) -> float | None:
        """Standard deviation of the estimates' logarithms; None with fewer than two."""
        if len(self.answers) < 2:
            return None
        return float(numpy.log(self.estimates).std(ddof=1))

    @property
    def half_width(self) -> float | None:
        """Median of the intervals' half-widths, of the log ratio; None without an interval."""
        widths = [answer.speedup.half_width for answer in self.answers]
        known = [width for width in widths if math.isfinite(width)]
        return median(known) if known else None

    def only(self, *, load: bool) -> Row:
        """The same of the runs that had another program beside them, or of those that had none."""
        return Row(self.name, tuple(answer for answer in self.answers if answer.load is load))


@dataclass(frozen=True)
class Share:
    """How many ordered pairs of runs (i, j) have i's estimate in j's interval.

    Attributes:
        held: those that do.
        pairs: all.
    """

    held: int = 0
    pairs: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.held + other.held, self.pairs + other.pairs)


@dataclass(frozen=True)
class Components:
    """Standard deviations of the log ratio; None where the data can't tell.

    Attributes:
        blocks: of a block in its process.
        processes: of a process in its run; None also where each run has one process: `runs` then
            holds what processes differ by, too.
        runs: of a run.
    """

    blocks: float | None
    processes: float | None
    runs: float | None


def rows(replicas: Sequence[Replica]) -> list[Row]:
    """One for each comparison, in the order in which the runs made them."""
    found: dict[tuple[str, str], ComparisonRecord] = {}
    answers: dict[tuple[str, str], list[Answer]] = {}
    for replica in replicas:
        load = replica.note.load if replica.note else None
        for record in replica.records.comparisons:
            found.setdefault(record.key, record)
            said = answers.setdefault(record.key, [])
            if record.speedup is not None:
                said.append(Answer(replica.number, load, record.speedup, log_ratios(record)))
    names = _names(list(found.values()))
    return [Row(name, tuple(answers[key])) for name, key in zip(names, found, strict=True)]


def log_ratios(record: ComparisonRecord) -> LogRatios:
    """log(mean time of the baseline / mean time of the variant) of each block that the estimate is
    of: those of one process that count, the calm ones of several if more than one has some."""
    every: dict[int, list[float]] = {}
    undisturbed: dict[int, list[float]] = {}
    for block in _blocks(record):
        if not block.repeated:
            every.setdefault(block.process, []).append(block.log_ratio)
        if block.calm:
            undisturbed.setdefault(block.process, []).append(block.log_ratio)
    return tuple(map(tuple, (undisturbed if len(undisturbed) > 1 else every).values()))


def _blocks(record: ComparisonRecord) -> Iterator[Block]:
    """As they were run."""
    of = {"A": iter(record.seconds[record.baseline]), "B": iter(record.seconds[record.variant])}
    for number, (order, process) in enumerate(zip(record.order, record.processes, strict=True)):
        samples = tuple(Sample(next(of[letter])) for letter in order)
        yield Block(process, order, samples, repeated=number in record.repeated)


def share(answers: Iterable[Answer], among: Among | None = None) -> Share:
    """How often an estimate lies in another run's interval; one without ends holds nothing.

    Args:
        answers: one of each run.
        among: which pairs; None for all.
    """
    pairs = [
        pair
        for pair in itertools.permutations(answers, 2)
        if among is None or _among(*pair) == among
    ]
    return Share(sum(_holds(mine, others) for mine, others in pairs), len(pairs))


def total(found: Iterable[Row], among: Among | None = None) -> Share:
    """The same over all comparisons."""
    return sum((share(row.answers, among) for row in found), Share())


def components(runs: Sequence[LogRatios]) -> Components:
    """Standard deviations between blocks, between processes and between runs.

    Nested random effects by the method of moments: a log ratio is the case's, plus its run's own
    deviation, its process's, and its block's. Means count alike, however many blocks they are of,
    and from their variance is taken what their own processes and blocks make of it, so that a
    noisier run with fewer blocks does not pass for a difference between runs. A variance below 0 is
    told as 0.

    Args:
        runs: at least one block in each process, and one process in each run.
    """
    groups = [[numpy.array(process) for process in run] for run in runs]
    every = list(itertools.chain(*groups))
    degrees = sum(len(process) - 1 for process in every)
    squares = sum(float(((process - process.mean()) ** 2).sum()) for process in every)
    within = squares / degrees if degrees else None
    centres = [numpy.array([process.mean() for process in run]) for run in groups]
    errors = [numpy.array([_error(process, within or 0.0) for process in run]) for run in groups]
    between = _between_processes(centres, errors)
    return Components(
        _root(within), _root(between), _root(_between_runs(centres, errors, between or 0.0))
    )


def _between_processes(centres: Sequence[Array], errors: Sequence[Array]) -> float | None:
    """Variance of processes in their run, from runs that have several."""
    several = [(c, e) for c, e in zip(centres, errors, strict=True) if len(c) > 1]
    if not several:
        return None
    found = [float(c.var(ddof=1) - e.mean()) for c, e in several]
    return float(numpy.average(found, weights=[len(c) - 1 for c, _ in several]))


def _between_runs(
    centres: Sequence[Array], errors: Sequence[Array], between: float
) -> float | None:
    """Variance of runs, from the means of their processes' means."""
    if len(centres) < 2:
        return None
    own = [
        float(c.var(ddof=1)) / len(c) if len(c) > 1 else max(0.0, between) + float(e[0])
        for c, e in zip(centres, errors, strict=True)
    ]
    return float(numpy.var([c.mean() for c in centres], ddof=1) - numpy.mean(own))


def _error(process: Array, usual: float) -> float:
    """Variance of the mean of a process's blocks, where one block tells nothing the usual one's."""
    variance = float(process.var(ddof=1)) if len(process) > 1 else usual
    return variance / len(process)


def _root(variance: float | None) -> float | None:
    return None if variance is None else math.sqrt(max(0.0, variance))


def _holds(mine: Answer, others: Answer) -> bool:
    low, high = others.speedup.low, others.speedup.high
    return low is not None and high is not None and low <= mine.speedup.estimate <= high


def _among(first: Answer, second: Answer) -> Among | None:
    if first.load is None or second.load is None:
        return None
    if first.load != second.load:
        return "mixed"
    return "with" if first.load else "without"


def _names(records: Sequence[ComparisonRecord]) -> list[str]:
    """The shortest names that tell the comparisons apart."""
    for names in _candidates(records):
        if len(set(names)) == len(names):
            return names
    return [f"{record.case}, {record.variant}" for record in records]


def _candidates(records: Sequence[ComparisonRecord]) -> Iterator[list[str]]:
    yield [record.case.library for record in records]
    yield [record.case.what for record in records]
    yield [f"{record.case.what}, {record.variant}" for record in records]
