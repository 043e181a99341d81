"""Perturbed images on another network than they were made for, or behind a defence. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from bench.kinds.energy.findings import Reached
from bench.records.reading import Run
from bench.statistics import seeds
from bench.statistics.seeds import Mean
from reports.kinds.energy import measures, published
from reports.kinds.energy.measures import Ended, both_told, place, where
from reports.kinds.energy.published import Row
from reports.reading import models
from reports.table import Table
from reports.tables.cells import by_whom


def of(run: Run, found: Sequence[Ended]) -> Iterator[Table]:
    """A table for each data whose images were looked at elsewhere."""
    groups: dict[tuple[object, ...], list[Ended]] = {}
    for attack in found:
        if any(record.elsewhere or record.left_out for record in attack.records.values()):
            groups.setdefault(place(attack.case), []).append(attack)
    for group in groups.values():
        yield _table(group, run)


def _table(group: Sequence[Ended], run: Run) -> Table:
    rows, there = [], []
    for attack in group:
        for name in _names(attack):
            row = _published(attack, name, run.environment.suite)
            there.append(row)
            rows.append(_row(attack, name, row))
    said = by_whom(
        (attack.name, f"{name}: left out: {reason}")
        for attack in group
        for record in attack.records.values()
        for name, reason in record.left_out.items()
    )
    return Table(
        f"Perturbed images on other networks and behind defences, {where(group[0].case)}",
        (
            *("made for", "method", "seen by", "networks", "ARP (%)", "ARP where made (%)"),
            *("MSE", "PSNR (dB)", "right (%), clean → perturbed"),
            *("published: ARP", "table"),
        ),
        tuple(rows),
        (
            *(f"{', '.join(names)}: {text}." for text, names in said.items()),
            *published.notes(there, [attack.case for attack in group]),
        ),
    )


def _names(attack: Ended) -> list[str]:
    """What was to look at its images, also where that can't be."""
    records = attack.records.values()
    return list(dict.fromkeys(name for r in records for name in (*r.elsewhere, *r.left_out)))


def _row(attack: Ended, name: str, row: Row | None) -> tuple[str, ...]:
    there = [
        (found, attack.reached[seed])
        for seed, record in attack.records.items()
        if (found := record.elsewhere.get(name)) is not None and found.images
    ]
    seen = [found for found, _ in there]
    made = [found for _, found in there] or attack.reached.values()
    error = _over(measures.mse, seen)
    return (
        models.name(attack.case),
        attack.label,
        name,
        str(len(seen)),
        measures.told(_over(measures.arp, seen), nothing=measures.NOTHING if seen else "left out"),
        measures.told(_over(measures.arp, made), nothing=measures.NOTHING),
        measures.error_told(error),
        measures.psnr_told(error),
        both_told(_over(measures.clean_accuracy, seen), _over(measures.accuracy, seen)),
        row.cell("arp") if row else "-",
        row.where if row else "-",
    )


def _over(measure: Callable[[Reached], float | None], found: Iterable[Reached]) -> Mean | None:
    return seeds.mean(value for value in map(measure, found) if value is not None)


def _published(attack: Ended, name: str, suite: str | None) -> Row | None:
    """What was published of the same pair of networks, or of the same network behind a defence that
    shares a word with ours."""
    of_pair = published.find(attack.case, suite=suite, transfer=name)
    if of_pair is not None:
        return of_pair
    known = [defence for defence in published.defences() if _words(defence) & _words(name)]
    return published.find(attack.case, suite=suite, defence=known[0]) if known else None


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.casefold()))
