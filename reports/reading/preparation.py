"""What compiling, or capturing, took before anything was timed, and whether that pays off. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bench.records.types import ComparisonRecord
from bench.statistics.preparation import Preparation
from semibackward_bench.grammar import counted, form

PREPARED = "prepared"
"""The head of its row or column."""
MOST = 3
"""Graph breaks that a sentence names."""


def of(record: ComparisonRecord) -> Preparation | None:
    """That of the variant; None where it needed none."""
    return (record.preparation or {}).get(record.variant)


def cell(record: ComparisonRecord) -> str:
    """As "41 s, paid off after 120 runs"."""
    found = of(record)
    return "-" if found is None else _told(found, record)


def forms(record: ComparisonRecord) -> tuple[str, ...]:
    """What to tell of it in a few words, the longest first; nothing where nothing was prepared."""
    if record.recompilations:
        times = counted(record.recompilations, "graph")
        return (f"{times} compiled while timed", "compiled while timed", "recompiled")
    found = of(record)
    if found is None or record.speedup is None:
        return ()
    paid = _paid(found)
    shortest = paid.replace("off after", "in")
    told = (f"{PREPARED} in {_seconds(found)}, {paid}", f"{_seconds(found)}, {paid}", paid)
    return (*told, *([] if shortest == paid else [shortest]))


def sentences(record: ComparisonRecord) -> Iterator[str]:
    """What it took, in how many pieces, and what was compiled too late."""
    for way in dict.fromkeys((record.baseline, record.variant)):
        found = (record.preparation or {}).get(way)
        if found is None:
            continue
        made = f"{counted(found.compilations, 'graph')} in {counted(found.runs, 'run')}"
        paid = way == record.variant and record.speedup is not None
        won = f", which {_paid(found)}" if paid else ""
        yield f"{way} was {PREPARED} in {_seconds(found)} ({made}){won}"
        if found.breaks:
            more = len(found.breaks) - MOST
            left = f"; and {counted(more, 'more reason')}" if more > 0 else ""
            yield (
                f"{way} is compiled in several pieces,"
                f" {counted(found.compilations, 'graph')} in all:"
                f" {'; '.join(found.breaks[:MOST])}{left}"
            )
    if record.recompilations:
        number = record.recompilations
        yield (
            f"{counted(number, 'graph')} {form(number, 'was', 'were')} compiled while it was timed,"
            " which its times hold: give each run images of one shape and settings that stay as"
            " they are; with TORCH_LOGS=recompiles in the environment torch tells what changed"
        )


def _told(found: Preparation, record: ComparisonRecord) -> str:
    if record.speedup is None:
        return _seconds(found)
    return f"{_seconds(found)}, {_paid(found)}"


def _seconds(found: Preparation) -> str:
    return f"{found.seconds:.0f} s" if found.seconds >= 10 else f"{found.seconds:.2g} s"


def _paid(found: Preparation) -> str:
    if found.pays_off is None:
        return "never paid off"
    if found.pays_off == 0:
        return "paid off at once"
    return f"paid off after {counted(found.pays_off, 'run')}"
