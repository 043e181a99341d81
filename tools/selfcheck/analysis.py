"""From the results of a self-check to errors, power and a table. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from semibackward_bench.grammar import counted
from tools.selfcheck.running import ENGINE, LOADS, true_ratio

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Row:
    """One tool under one condition.

    Attributes:
        tool: its name.
        statistic: of its times, the one with the smallest error between equals.
        load: the condition.
        errors: log of the ratio found between equals, one for each comparison.
        slowed: log of the ratio found where the second program does 3 % more.
        seconds: timed in a comparison, on average; a tool keeps to its budget as it can.
        wall: what a comparison took, start-up, waiting and the rest of it included.
        seen: how many of those the tool tells from equals, given its own error between equals.
        excluded: how many of its own intervals leave 1 out; None without intervals.
    """

    tool: str
    statistic: str
    load: str
    errors: tuple[float, ...]
    slowed: tuple[float, ...]
    seconds: float
    wall: float
    seen: int
    excluded: int | None

    @property
    def rms(self) -> float:
        """Root mean square of the error between equals."""
        return rms(self.errors)

    @property
    def rms_interval(self) -> tuple[float, float]:
        """Its interval, if the errors are normal."""
        count = len(self.errors)
        total = count * self.rms**2
        tail = (1 - CONFIDENCE) / 2
        return (
            math.sqrt(total / float(stats.chi2.ppf(1 - tail, count))),
            math.sqrt(total / float(stats.chi2.ppf(tail, count))),
        )


def rms(errors: Sequence[float]) -> float:
    """Root mean square."""
    return math.sqrt(statistics.fmean(error**2 for error in errors))


def rows(results: Sequence[dict[str, Any]]) -> list[Row]:
    """Every tool under every condition, each by the statistic that does best for it there."""
    tools = list(dict.fromkeys(item["tool"] for item in results))
    tools.sort(key=lambda tool: tool != ENGINE)
    return [
        _row(tool, load, [i for i in results if (i["tool"], i["load"]) == (tool, load)])
        for tool in tools
        for load in LOADS
    ]


def quotient(found: Sequence[Row], load: str) -> float:
    """The engine's error between equals over the best peer's."""
    there = [row for row in found if row.load == load]
    engine = next(row.rms for row in there if row.tool == ENGINE)
    return engine / min(row.rms for row in there if row.tool != ENGINE)


def table(found: Sequence[Row], head: dict[str, Any]) -> str:
    """The whole result as Markdown."""
    lines = [
        f"Error between equals and power to see {1 / true_ratio('slowed') - 1:.1%} more work,"
        f" {head['seconds']:g} s a comparison, {head['processor']},"
        f" {counted(head['cores'], 'core')}, torch {head['torch']},"
        f" {counted(head['threads'], 'thread')}, {head['created']}.",
        "",
        "| tool | other load | comparisons | timed (s) | in all (s)"
        " | error between equals (rms) | 95 % of it |"
        " smallest effect it can show | sees 3 % |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in found:
        low, high = row.rms_interval
        lines.append(
            f"| {row.tool} ({row.statistic}) | {_LOADS[row.load]} | {len(row.errors)} |"
            f" {row.seconds:.0f} | {row.wall:.0f} | {100 * row.rms:.2f} % |"
            f" {100 * low:.2f} to {100 * high:.2f} % | {100 * threshold(row.errors):.1f} % |"
            f" {row.seen} of {len(row.slowed)} |"
        )
    lines.append("")
    lines += [
        f"- {_LOADS[load]}: the engine's error is {quotient(found, load):.2f} of the best peer's."
        for load in LOADS
    ]
    engine = [row for row in found if row.tool == ENGINE]
    lines += [
        f"- {_LOADS[row.load]}: {row.excluded} of {len(row.slowed)} of the engine's own intervals"
        f" leave 1 out where the second program does more."
        for row in engine
    ]
    versions = ", ".join(f"{name} {version}" for name, version in head["peers"].items())
    lines.append(f"- Peers: {versions}; each by the statistic that does best for it there.")
    return "\n".join(lines)


_LOADS = {"idle": "none", "loaded": "one core, on and off"}


def threshold(errors: Sequence[float]) -> float:
    """What a log ratio must exceed to be no error between equals, 19 times in 20."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, len(errors))) * rms(errors)


def _row(tool: str, load: str, items: Sequence[dict[str, Any]]) -> Row:
    names = list(items[0]["ratios"])
    best = min(names, key=lambda name: rms(_logs(items, name, "equal")))
    errors = _logs(items, best, "equal")
    slowed = _logs(items, best, "slowed")
    limit = threshold(errors)
    intervals = [item for item in items if item["effect"] == "slowed" and "high" in item]
    return Row(
        tool,
        best,
        load,
        tuple(errors),
        tuple(slowed),
        statistics.fmean(item["seconds"] for item in items),
        statistics.fmean(item["wall"] for item in items),
        sum(log < -limit for log in slowed),
        sum(item["high"] < 1 for item in intervals) if intervals else None,
    )


def _logs(items: Iterable[dict[str, Any]], statistic: str, effect: str) -> list[float]:
    return [math.log(item["ratios"][statistic]) for item in items if item["effect"] == effect]
