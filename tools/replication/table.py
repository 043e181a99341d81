"""How far runs agree, as Markdown. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import NormalDist

from bench.records.types import Environment
from bench.statistics.estimate import CONFIDENCE
from reports.formats import markdown
from reports.table import Table
from semibackward_bench.grammar import counted
from tools.load import PHASE_SECONDS
from tools.replication import analysis
from tools.replication.analysis import Among, Row, Share
from tools.replication.folder import Replica

_AGREEING = (
    "library",
    "runs",
    "estimates (least to most)",
    "sd of estimates",
    "half-width (median)",
    "in another run's interval",
)
_VARYING = ("sd between blocks", "between processes", "between runs")
_AMONG: Mapping[Among, str] = {
    "without": "both without another program",
    "with": "both with one",
    "mixed": "one of each",
}
_SHALL_AGREE: Mapping[str, Callable[[Environment], object]] = {
    "the program's code": lambda environment: environment.code,
    "libraries": lambda environment: environment.libraries,
    "libraries' code": lambda environment: {
        name: origin.digest for name, origin in environment.origins.items()
    },
    "torch": lambda environment: environment.torch,
    "processor": lambda environment: (environment.processor, environment.cores),
    "threads": lambda environment: environment.threads,
    "environment variables": lambda environment: environment.variables,
}
_NONE = "-"


def draw(name: str, replicas: Sequence[Replica], rows: Sequence[Row]) -> str:
    """The tables of some runs, with what to know of them.

    Where some had another program beside them and some had not, the variances are of each kind by
    itself: of all together they would only say how noisy the disturbed ones are.

    Args:
        name: of these runs.
        replicas: at least one.
        rows: what they say of each comparison.
    """
    command = _command(replicas[0].records.environment)
    title = f"Replication, {name}: {counted(len(replicas), 'run')} of {command}"
    kinds = {
        "Those without another program beside them": [row.only(load=False) for row in rows],
        "Those with another program beside them": [row.only(load=True) for row in rows],
    }
    several = all(any(row.answers for row in found) for found in kinds.values())
    tables = [_table(title, rows, varying=not several)]
    if several:
        tables += [_table(title, found, varying=True) for title, found in kinds.items()]
    notes = "\n".join(f"- {markdown.escape(note)}" for note in _notes(replicas, rows))
    return "\n\n".join([*map(markdown.draw, tables), notes])


def by_chance(confidence: float = CONFIDENCE) -> float:
    """How often a run's estimate lies in another's interval where nothing differs but the noise.

    Both have an error, of normal distribution and of one width.
    """
    normal = NormalDist()
    quantile = normal.inv_cdf((1 + confidence) / 2)
    return 2 * normal.cdf(quantile / math.sqrt(2)) - 1


def _table(title: str, rows: Sequence[Row], *, varying: bool) -> Table:
    """A row for each comparison and one for all, with where the variance lies if asked."""
    runs = {answer.run for row in rows for answer in row.answers}
    cells = [
        *([*_agreeing(row), *(_varying(row) if varying else ())] for row in rows),
        ["all", str(len(runs)), *[_NONE] * 3, _share(analysis.total(rows))],
    ]
    header = (*_AGREEING, *(_VARYING if varying else ()))
    filled = (tuple(row + [_NONE] * (len(header) - len(row))) for row in cells)
    return Table(title, header, tuple(filled), ())


def _agreeing(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        str(len(row.answers)),
        _span(row.estimates, ".3f"),
        _percent(row.spread),
        _percent(row.half_width),
        _share(analysis.share(row.answers)),
    )


def _varying(row: Row) -> tuple[str, ...]:
    if not row.answers:
        return ()
    found = analysis.components([answer.log_ratios for answer in row.answers])
    return (_percent(found.blocks), _percent(found.processes), _percent(found.runs))


def _notes(replicas: Sequence[Replica], rows: Sequence[Row]) -> Iterator[str]:
    yield _how(replicas)
    yield _where(replicas, rows)
    among = {words: analysis.total(rows, kind) for kind, words in _AMONG.items()}
    told = [f"{words}: {_share(found)}" for words, found in among.items() if found.pairs]
    if told:
        yield f"In another run's interval, of two runs {'; '.join(told)}."
    of_next_run = {answer.speedup.of_next_run for row in rows for answer in row.answers}
    if of_next_run == {True}:
        yield (
            f"Intervals are where the next run's estimate lies: {CONFIDENCE:.0%} of pairs, where"
            " runs differ by nothing but the noise."
        )
    else:
        yield (
            f"Where runs differ by nothing but the noise that {CONFIDENCE:.0%} intervals of the"
            f" true ratio allow for, and these are of one width, {by_chance():.0%} of estimates"
            " lie in another run's, since both have an error."
        )
    yield (
        "Half-width: of the interval of the log ratio. sd of estimates: standard deviation of their"
        " logarithms. Between blocks, processes and runs: of the log ratios of the blocks that the"
        " estimates are of, by the method of moments, 0 where that comes out below."
    )
    if _processes(rows) == {1}:
        yield (
            "With one process a case, processes and runs can't be told apart:"
            " the last column holds what both differ by."
        )
    environments = [replica.records.environment for replica in replicas]
    differ = [
        what
        for what, asked in _SHALL_AGREE.items()
        if any(asked(each) != asked(environments[0]) for each in environments)
    ]
    if differ:
        yield f"These runs are not of one kind; they differ in {', '.join(differ)}."
    for replica in replicas:
        failed = [record for record in replica.records.comparisons if record.speedup is None]
        for record in failed:
            yield f"Run {replica.number}, {record.case.what}: no speedup ({record.status})."


def _how(replicas: Sequence[Replica]) -> str:
    """How long they took, when, and beside what."""
    notes = [replica.note for replica in replicas if replica.note]
    took = _span([note.seconds for note in notes], ".0f")
    times = [replica.records.environment.created for replica in replicas]
    load = f"{sum(note.load for note in notes)} of {len(replicas)}" if notes else "unknown how many"
    return (
        f"Wall seconds of a run: {took}; started from {min(times)} to {max(times)};"
        f" {load} had another program beside them, which computes on one core in stretches of about"
        f" {PHASE_SECONDS:g} s."
    )


def _where(replicas: Sequence[Replica], rows: Sequence[Row]) -> str:
    environment = replicas[0].records.environment
    processes = _span(sorted(_processes(rows)), "d")
    return (
        f"{markdown.machine(environment)}, torch {environment.torch['version']};"
        f" processes a case: {processes}."
    )


def _processes(rows: Sequence[Row]) -> set[int]:
    return {answer.speedup.processes for row in rows for answer in row.answers}


def _command(environment: Environment) -> str:
    """The main job's, but for where its records went."""
    words = list(environment.command)
    if "--out" in words:
        place = words.index("--out")
        del words[place : place + 2]
    return " ".join(words)


def _span(values: Sequence[float], form: str) -> str:
    """Least to most."""
    if not values:
        return _NONE
    least, most = format(min(values), form), format(max(values), form)
    return least if least == most else f"{least} to {most}"


def _share(found: Share) -> str:
    if not found.pairs:
        return _NONE
    return f"{found.held} of {found.pairs} ({found.held / found.pairs:.0%})"


def _percent(value: float | None) -> str:
    return _NONE if value is None else f"{100 * value:.2f} %"
