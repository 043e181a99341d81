"""What agents earn under attack, relative to the dense agent, beside what was published. Pure.

Table 1 of the paper: 100 (defended - dense) / dense. Here the magnitude of the dense agent's reward
divides, so that more reward is always more percent; where it is 0 the change is undefined.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from bench.kinds.sampling.findings import Played
from bench.statistics import seeds
from bench.statistics.seeds import Mean
from reports.kinds.sampling import measures, published
from reports.kinds.sampling.growing import FOUND, NOT_FOUND, UNTOLD
from reports.kinds.sampling.measures import Agent, told
from reports.kinds.sampling.published import Row
from reports.kinds.sampling.words import defended, is_dense, samples, where
from reports.reading import models
from reports.table import Table
from semibackward_bench.grammar import counted

UNDEFINED = "undefined"
"""The change against an agent that earns nothing."""


def of(found: Sequence[Agent]) -> Iterator[Table]:
    """Two tables for each environment: rewards, and their change against the dense agent's."""
    for group in measures.grouped(found):
        yield _rewards(group)
        pairs = [(each, dense) for each in group if (dense := without(each, group)) is not None]
        if pairs:
            yield _changes(pairs)


def narrow(found: Sequence[Agent]) -> Iterator[Table]:
    """Rewards for a terminal."""
    for group in measures.grouped(found):
        strengths = _strengths(group)
        yield Table(
            f"Rewards by λ in {where(group[0].case)}",
            ("agent under attack", *(f"{strength:g}" for strength in strengths)),
            tuple(
                (f"{each.label} on {models.name(each.case)}", *_by_strength(each, strengths))
                for each in group
            ),
            ("λ: the radius of the L-infinity ball, on a scale of 0 to 255.",),
        )


def _strengths(group: Sequence[Agent]) -> list[float]:
    return sorted({strength for each in group for strength in each.strengths})


def _by_strength(each: Agent, strengths: Sequence[float]) -> list[str]:
    return [told(reward(each, strength)) for strength in strengths]


def reward(each: Agent, strength: float) -> Mean | None:
    """Its mean over episodes: of one agent with their interval, of several with the agents'."""
    there = list(each.at(strength).values())
    if len(there) == 1:
        return seeds.mean(there[0].rewards)
    return seeds.mean(mean_of(found) for found in there)


def mean_of(found: Played) -> float:
    """Over its episodes."""
    return statistics.fmean(found.rewards)


def without(each: Agent, group: Sequence[Agent]) -> Agent | None:
    """The dense agent under the same attack; None of itself."""
    if is_dense(each.case):
        return None
    return next(
        (
            other
            for other in group
            if is_dense(other.case)
            and (other.case.model, other.case.attack) == (each.case.model, each.case.attack)
        ),
        None,
    )


def gained(each: Agent, dense: Agent, strength: float) -> Mean | None:
    """How much more it earns: of one agent over its episodes, which are the dense agent's too; of
    several over these."""
    ours, theirs = each.at(strength), dense.at(strength)
    both = [(ours[seed].rewards, theirs[seed].rewards) for seed in ours if seed in theirs]
    if len(both) == 1 and len(both[0][0]) == len(both[0][1]):
        return seeds.mean(a - b for a, b in zip(*both[0], strict=True))
    return seeds.mean(statistics.fmean(a) - statistics.fmean(b) for a, b in both)


def change(each: Agent, dense: Agent, strength: float) -> Mean | None:
    """The same in percent of what the dense agent earns; None where that is nothing."""
    found, before = gained(each, dense, strength), _shared(dense, each, strength)
    if found is None or not before:
        return None
    scale = 100 / abs(before)
    return Mean(
        found.value * scale, None if found.half is None else found.half * scale, found.count
    )


def _shared(dense: Agent, each: Agent, strength: float) -> float | None:
    """What the dense agent earns, of the seeds that both played."""
    theirs, ours = dense.at(strength), each.at(strength)
    found = [mean_of(theirs[seed]) for seed in theirs if seed in ours]
    return statistics.fmean(found) if found else None


def _rewards(group: Sequence[Agent]) -> Table:
    strengths = _strengths(group)
    return Table(
        f"Rewards of agents by λ in {where(group[0].case)}",
        (
            *("network", "defence", "attack", "N", "agents", "episodes", "passes"),
            *(f"λ = {strength:g}" for strength in strengths),
        ),
        tuple(
            (
                *(models.name(each.case), defended(each.case), each.attack, samples(each.case)),
                *(str(len(each.records)), str(_episodes(each)), str(each.passes)),
                *_by_strength(each, strengths),
            )
            for each in group
        ),
        (
            *measures.sources(group),
            "Episodes: with each λ, of all agents together; the same ones for every defence."
            " ± is the 95 % interval of the mean (Student's t): over agents, or over the episodes"
            " of one.",
        ),
    )


def _episodes(each: Agent) -> int:
    return max(
        sum(len(found.rewards) for found in each.at(strength).values())
        for strength in each.strengths
    )


def _changes(pairs: Sequence[tuple[Agent, Agent]]) -> Table:
    strengths = sorted({s for each, dense in pairs for s in each.strengths if s in dense.strengths})
    there = [published.change(each.case, s) for each, _ in pairs for s in strengths]
    rows: list[Row] = [found[0] for found in there if found is not None]
    lacking = [
        strength
        for each, dense in pairs
        for strength in strengths
        if _shared(dense, each, strength) == 0
    ]
    return Table(
        f"Change of the reward against the dense agent's, in percent, in {where(pairs[0][0].case)}",
        (
            *("network", "defence", "N", *(f"λ = {strength:g}" for strength in strengths)),
            *("falls at λ = 0", "rises above", "published"),
        ),
        tuple(_row(each, dense, strengths) for each, dense in pairs),
        (
            *_undefined(lacking),
            "100 (defended - dense) / |dense|, with the 95 % interval of the difference (Student's"
            " t) over the episodes that both played, or over agents.",
            *published.notes(rows, [each.case for each, _ in pairs]),
            *published.missing(published.AGENTS),
        ),
    )


def _undefined(lacking: Sequence[float]) -> Iterator[str]:
    if lacking:
        which = ", ".join(f"{strength:g}" for strength in sorted(set(lacking)))
        yield f"Undefined at λ = {which}: the dense agent earns 0 there."


def _row(each: Agent, dense: Agent, strengths: Sequence[float]) -> tuple[str, ...]:
    known = [(s, found[1]) for s in strengths if (found := published.change(each.case, s))]
    return (
        models.name(each.case),
        defended(each.case),
        samples(each.case),
        *(_cell(each, dense, strength) for strength in strengths),
        _outcome(each, dense, [s for s in strengths if s == 0], rises=False),
        _outcome(each, dense, [s for s in strengths if s > 0], rises=True),
        ", ".join(f"{strength:g}: {value:.1f}" for strength, value in known) or "-",
    )


def _cell(each: Agent, dense: Agent, strength: float) -> str:
    if _shared(dense, each, strength) == 0:
        return UNDEFINED
    found = change(each, dense, strength)
    sign = "+" if found is not None and found.value > 0 else ""
    return f"{sign}{told(found)}"


def _outcome(each: Agent, dense: Agent, strengths: Sequence[float], *, rises: bool) -> str:
    """Whether the reward rises, or falls, with every one of some λ, as the paper says."""
    signs = [_sign(gained(each, dense, strength)) for strength in strengths]
    wanted = 1 if rises else -1
    if not signs:
        return "-"
    if all(sign == wanted for sign in signs):
        return FOUND
    if -wanted in signs:
        against = [s for s, sign in zip(strengths, signs, strict=True) if sign == -wanted]
        return f"{NOT_FOUND} at {counted(len(against), 'λ', 'λ')} of {len(strengths)}"
    return UNTOLD


def _sign(found: Mean | None) -> int:
    """1 or -1 where the interval is on one side of 0."""
    if found is None or found.half is None or abs(found.value) <= found.half:
        return 0
    return 1 if found.value > 0 else -1
