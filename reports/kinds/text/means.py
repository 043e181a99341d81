"""Rows of means below a table of speedups on text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.records.types import ComparisonRecord
from reports.reading import averages, numbers
from reports.reading.machines import Machines


def rows(
    of_each: Sequence[Sequence[ComparisonRecord]], machines: Machines, *, mixed: bool
) -> Iterator[tuple[str, ...]]:
    """Means over the attacks that came to a speedup, of each GPU or processor apart.

    Args:
        of_each: the comparisons of each variant.
        machines: what is known of where they ran.
        mixed: whether intervals tell what they are called.
    """
    records = [record for some in of_each for record in some]
    ran_on = machines.apart(records)
    for model in dict.fromkeys(map(ran_on, records)):
        there = [[record for record in some if ran_on(record) == model] for some in of_each]
        yield from _means(there, f", {model}" if model else "", mixed)


def _means(
    of_each: Sequence[Sequence[ComparisonRecord]], where: str, mixed: bool
) -> Iterator[tuple[str, ...]]:
    # Sentences are the same or not, so there is one level at most.
    found = [next(iter(averages.of(records)), None) for records in of_each]
    if not any(mean is not None and mean.count > 1 for mean in found):
        return
    blank = ["-"] * (2 + len(of_each))
    geometric = [
        "-"
        if mean is None
        else f"{numbers.with_interval(mean.geometric, named=mixed)}, of {mean.count}"
        for mean in found
    ]
    arithmetic = ["-" if mean is None else f"{mean.arithmetic:.2f}" for mean in found]
    yield (f"geometric mean{where}", *blank, *geometric, "-", "-")
    yield (f"arithmetic mean{where}", *blank, *arithmetic, "-", "-")
