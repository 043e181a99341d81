"""What attacks by Monte-Carlo gradients come to: accuracy, calibration and reward, by λ. Pure.

A network stands under an attack once, whatever seeds it was trained from: each has its own images,
so their means are over seeds, and two networks are held against each other seed by seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bench.cases import SEMI_BACKWARD, Case
from bench.kinds.sampling.findings import (
    JUDGED,
    PLAYED,
    AgentRecord,
    Judged,
    Played,
    RobustnessRecord,
    SamplingFindings,
)
from bench.kinds.sampling.options import SamplingOptions
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics import proportions, seeds
from bench.statistics.estimate import CONFIDENCE
from bench.statistics.proportions import Within
from bench.statistics.seeds import Mean
from reports.kinds.sampling.words import OWN, attacked, briefly, names, options, place
from reports.reading import models

Line = TypeVar("Line", RobustnessRecord, AgentRecord)


@dataclass(frozen=True)
class Evaluated:
    """A network under an attack of several strengths.

    Attributes:
        case: what attacked what.
        passes: that outputs are averaged over.
        records: by the seed of the network.
        attack: the attack beside defence and N, with whatever tells it from the others.
        label: all of it in a sentence.
        short: it without its attack, as the paper has networks and defences.
    """

    case: Case
    passes: int
    records: Mapping[int, RobustnessRecord]
    attack: str = ""
    label: str = ""
    short: str = ""

    @property
    def name(self) -> str:
        """It with its network."""
        return f"{self.label} on {models.name(self.case)}"

    @property
    def strengths(self) -> list[float]:
        """Every λ that some of its networks was attacked with."""
        return sorted({found.strength for r in self.records.values() for found in r.judged})

    @property
    def images(self) -> int:
        """Of all its networks together, with one λ."""
        return sum(max(f.images for f in r.judged) for r in self.records.values())

    def at(self, strength: float) -> dict[int, Judged]:
        """What was found with one λ, by seed."""
        return {
            seed: found
            for seed, record in self.records.items()
            for found in record.judged
            if found.strength == strength
        }

    def mean(self, measure: Callable[[Judged], float], strength: float) -> Mean | None:
        """A measure's mean over networks; None where none was attacked with this λ."""
        return seeds.mean(map(measure, self.at(strength).values()))

    def accuracy(self, strength: float) -> Mean | None:
        """In percent."""
        return self.mean(accuracy, strength)

    def error(self, strength: float) -> Mean | None:
        """The expected calibration error, in percent (Guo et al. 2017, equation 5)."""
        return self.mean(calibration, strength)


@dataclass(frozen=True)
class Agent:
    """An agent under attacks of several strengths.

    Attributes:
        case: what attacked what.
        passes: that its values are averaged over.
        records: by the seed of the agent.
        attack: the attack beside defence and N, with whatever tells it from the others.
        label: all of it in a sentence.
    """

    case: Case
    passes: int
    records: Mapping[int, AgentRecord]
    attack: str = ""
    label: str = ""

    @property
    def strengths(self) -> list[float]:
        """Every λ that some agent was attacked with."""
        return sorted({found.strength for r in self.records.values() for found in r.played})

    def at(self, strength: float) -> dict[int, Played]:
        """Its episodes with one λ, by seed."""
        return {
            seed: found
            for seed, record in self.records.items()
            for found in record.played
            if found.strength == strength
        }


Placed = TypeVar("Placed", Evaluated, Agent)


def accuracy(found: Judged) -> float:
    """Percent of the images that are classified rightly."""
    return 100 * found.right / found.images


def calibration(found: Judged) -> float:
    """Expected calibration error, in percent."""
    return 100 * found.error


def lines(run: Run) -> list[RobustnessRecord]:
    """A run's networks under attack, however they ended."""
    return [r for r in run.own.get(JUDGED, ()) if isinstance(r, RobustnessRecord)]


def agent_lines(run: Run) -> list[AgentRecord]:
    """A run's agents under attack, however they ended."""
    return [r for r in run.own.get(PLAYED, ()) if isinstance(r, AgentRecord)]


def timed(run: Run) -> list[ComparisonRecord]:
    """A run's comparisons of such attacks."""
    return [r for r in run.comparisons if isinstance(r.case.options, SamplingOptions)]


def findings(record: ComparisonRecord) -> SamplingFindings | None:
    """What a comparison found out of its samples; None if it did not come so far."""
    return record.findings if isinstance(record.findings, SamplingFindings) else None


def evaluated(run: Run) -> list[Evaluated]:
    """The networks that were judged, a value for each case and number of passes, in order.

    Of one that was judged with and without the trick, semi-backward's stand: `apart` tells where
    the two came to something else.
    """
    found = _by_seed(r for r in lines(run) if r.judged)
    told = [Evaluated(next(iter(some.values())).case, key[1], some) for key, some in found.items()]
    cases = [(each.case, each.passes) for each in told]
    return [
        replace(each, attack=attack, label=label, short=short)
        for each, attack, label, short in zip(
            told, names(cases, attacked), names(cases), names(cases, briefly), strict=True
        )
    ]


def agents(run: Run) -> list[Agent]:
    """The agents that played, likewise."""
    found = _by_seed(r for r in agent_lines(run) if r.played)
    told = [Agent(next(iter(some.values())).case, key[1], some) for key, some in found.items()]
    cases = [(each.case, each.passes) for each in told]
    return [
        replace(each, attack=attack, label=label)
        for each, attack, label in zip(told, names(cases, attacked), names(cases), strict=True)
    ]


def _by_seed(found: Iterable[Line]) -> dict[tuple[str, int], dict[int, Line]]:
    """Those that came to their end, by case and passes and then by seed, in order."""
    ended = [line for line in found if line.status == "ok"]
    made: dict[tuple[str, int], dict[int, Line]] = {(r.case_id, r.passes): {} for r in ended}
    for line in sorted(ended, key=lambda line: line.variant == SEMI_BACKWARD):
        made[line.case_id, line.passes][line.network_seed] = line
    return {key: dict(sorted(some.items())) for key, some in made.items()}


def sources(group: Iterable[Evaluated | Agent]) -> list[str]:
    """A sentence for each network on where its weights come from."""
    said: dict[tuple[str, ...], dict[str, None]] = {}
    for each in group:
        told = tuple(dict.fromkeys(r.source for r in each.records.values() if r.source))
        if told:
            said.setdefault(told, {})[models.name(each.case)] = None
    return [f"{', '.join(names)}: weights {', '.join(told)}." for told, names in said.items()]


def apart(run: Run) -> list[RobustnessRecord]:
    """Networks that were judged otherwise with the trick than without it."""
    first: dict[tuple[object, ...], RobustnessRecord] = {}
    found = []
    for line in lines(run):
        if line.status == "ok":
            other = first.setdefault((line.case_id, line.network_seed, line.passes), line)
            if other.judged != line.judged:
                found.append(line)
    return found


@dataclass(frozen=True)
class Difference:
    """How far two networks lie apart with one λ, in percentage points.

    Attributes:
        found: the first's accuracy less the second's.
        seeds: networks that went in.
    """

    found: Within
    seeds: int

    @property
    def told(self) -> str:
        """As "+3.1 (-0.4 to 6.6)"."""
        return f"{self.found.value:+.1f} ({self.found.low:.1f} to {self.found.high:.1f})"


def difference(
    first: Evaluated, second: Evaluated, strength: float, confidence: float = CONFIDENCE
) -> Difference | None:
    """How much more of the images the first has right: of several networks the mean over them with
    Student's t interval, of one network with that of its images (Newcombe 1998); None where no
    network was attacked both ways."""
    ours, theirs = first.at(strength), second.at(strength)
    both = [(ours[seed], theirs[seed]) for seed in ours if seed in theirs]
    if not both:
        return None
    if len(both) == 1:
        shares = [proportions.proportion(f.right, f.images, confidence) for f in both[0]]
        one = proportions.difference(*shares)
        return Difference(Within(100 * one.value, 100 * one.low, 100 * one.high), 1)
    mean = seeds.mean((accuracy(a) - accuracy(b) for a, b in both), confidence)
    assert mean is not None
    assert mean.half is not None
    within = Within(mean.value, mean.value - mean.half, mean.value + mean.half)
    return Difference(within, len(both))


def told(found: Mean | None, decimals: int = 1) -> str:
    """A mean in a cell, as "73.4 ± 2.1"; without the interval where there is none."""
    if found is None:
        return "-"
    half = "" if found.half is None else f" ± {found.half:.{decimals}f}"
    return f"{found.value:.{decimals}f}{half}"


def grouped(found: Iterable[Placed]) -> list[list[Placed]]:
    """By what tables have in common, each group by network, defence and attack in the order of
    their first, and then by samples."""
    groups: dict[tuple[object, ...], list[Placed]] = {}
    for each in found:
        groups.setdefault(place(each.case), []).append(each)
    return [_ordered(group) for group in groups.values()]


def _ordered(found: Sequence[Placed]) -> list[Placed]:
    ranks: list[list[object]] = [
        list(dict.fromkeys(one(each.case) for each in found)) for one in _RANKS
    ]

    def key(each: Placed) -> tuple[object, ...]:
        at: list[int] = [
            rank.index(one(each.case)) for rank, one in zip(ranks, _RANKS, strict=True)
        ]
        return *at, options(each.case).samples, each.passes

    return sorted(found, key=key)


_RANKS: tuple[Callable[[Case], object], ...] = (
    lambda case: case.model,
    lambda case: options(case).defence,
    lambda case: case.attack,
    lambda case: options(case).gradient == OWN,
)
