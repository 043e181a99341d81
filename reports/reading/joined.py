"""Files that are parts of one run: shards, retries and what was measured again by hand. Pure.

Files are of one run where their environments agree in all but what a shard changes: when it was
made, by which command, on which machine. Each question then has one answer: one that is ok before
any other, and the later one of several. Nothing is averaged, and what is left out is counted.

A file that measured the same cases as another, most of them in both, is no mend but a repetition:
it stays a run of its own, and stands beside the other by its date. Shards of one run never do.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bench.cases import RIVAL
from bench.records import reading
from bench.records.duel import DuelRecord
from bench.records.reading import Run
from bench.records.types import Environment
from semibackward_bench.grammar import counted, form

_OF_A_SHARD = {"--shard": True, "--out": True, "--resume": False}
"""Options in which the commands of one run's shards differ, and whether a word follows."""
_OF_A_PLACE = ("CUDA_VISIBLE_DEVICES",)
"""Variables that tell which of several equal devices were seen."""


@dataclass(frozen=True)
class Joined(Run):
    """Several files that are one run.

    Attributes:
        journals: the files, each as it was read.
        sources: of each comparison the number of its file among them.
        own_sources: the same of a kind's own lines.
        twice: how many questions several files answered; `mended`, of how many of these the answer
            that counts is the only one that is ok.
    """

    journals: tuple[Run, ...] = ()
    sources: tuple[int, ...] = ()
    own_sources: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    twice: int = 0
    mended: int = 0

    @property
    def note(self) -> str:
        """How many answers were left out and why; "" where none was."""
        if not self.twice:
            return ""
        again = self.twice - self.mended
        said = [
            f"{counted(again, 'case')} {form(again, 'was', 'were')} answered more than once, and of"
            " these the later answer counts"
        ]
        mended = (
            f"{counted(self.mended, 'case')} came to no result in one file and"
            f" {form(self.mended, 'is', 'are')} ok in another, which counts"
        )
        told = [*(said if again else []), *([mended] if self.mended else [])]
        return f"{counted(len(self.journals), 'file')} are one run: {'; '.join(told)}."


@dataclass
class _Group:
    """Files that were found to be of one run so far."""

    runs: list[Run]
    answered: list[dict[Any, bool]]


def of(runs: Sequence[Run]) -> list[Run]:
    """The same runs, those that are parts of one as one, in the order of their first files."""
    groups: dict[str, list[_Group]] = {}
    every: list[_Group] = []
    for run in runs:
        there = groups.setdefault(_alike(run.environment), [])
        answered = _answered(run)
        group = next((one for one in there if not _repeats(run, answered, one)), None)
        if group is None:
            group = _Group([], [])
            there.append(group)
            every.append(group)
        group.runs.append(run)
        group.answered.append(answered)
    return [whole(group.runs) for group in every]


def notes(runs: Iterable[Run]) -> list[str]:
    """Of each run that several files answered in, how many answers were left out and why."""
    return [run.note for run in runs if isinstance(run, Joined) and run.note]


def journals(run: Run) -> tuple[Run, ...]:
    """The files that a run was read from, each as it is."""
    return run.journals if isinstance(run, Joined) else (run,)


def comparisons(run: Run) -> Iterator[tuple[Any, Run]]:
    """Its comparisons, each with the file that it is from."""
    if not isinstance(run, Joined):
        return ((record, run) for record in run.comparisons)
    found = zip(run.comparisons, run.sources, strict=True)
    return ((record, run.journals[number]) for record, number in found)


def own(run: Run, line: str) -> Iterator[tuple[Any, Run]]:
    """The same of lines that only one kind has."""
    records = run.own.get(line, ())
    if not isinstance(run, Joined):
        return ((record, run) for record in records)
    found = zip(records, run.own_sources.get(line, ()), strict=True)
    return ((record, run.journals[number]) for record, number in found)


def whole_command(command: Sequence[str]) -> list[str]:
    """A shard's command line as that of its whole run."""
    words, kept = iter(command), []
    for word in words:
        name, _, value = word.partition("=")
        if name not in _OF_A_SHARD:
            kept.append(word)
        elif not value and _OF_A_SHARD[name]:
            following = next(words, "--")
            kept += [following] if following.startswith("--") and following != "--" else []
    return kept


def sharded(command: Sequence[str]) -> bool:
    """Whether it asks for a shard only."""
    return any(word.partition("=")[0] == "--shard" for word in command)


def _alike(environment: Environment) -> str:
    """What two environments must agree in to be of one run."""
    told = asdict(environment)
    for name in ("created", "command", "slots"):
        del told[name]
    told["device"] = environment.device.partition(":")[0]
    told["accelerator"].pop("count", None)
    for name in _OF_A_PLACE:
        told["variables"].pop(name, None)
    told["origins"] = {
        name: (origin.module, origin.digest) for name, origin in environment.origins.items()
    }
    return json.dumps(told, sort_keys=True)


def _answered(run: Run) -> dict[Any, bool]:
    """Its questions, and whether the answer is ok."""
    return {key: record.status == "ok" for key, record in _questions(run)}


def _questions(run: Run) -> Iterator[tuple[Any, Any]]:
    yield from ((("comparison", *record.key), record) for record in run.comparisons)
    yield from ((("counts", *record.key), record) for record in run.counts)
    yield from ((("duel", *_duel(record)), record) for record in run.duels)
    yield from ((("cell", *record.key), record) for record in run.cells)
    for line, records in run.own.items():
        yield from (((line, *record.key), record) for record in records)


def _duel(record: DuelRecord) -> tuple[Any, ...]:
    """What a duel answers: of which case, and of which two versions."""
    sides = sorted(record.sides.items())
    return (record.case_id, *((n, s.distribution, s.version, s.digest) for n, s in sides))


def _repeats(run: Run, answered: Mapping[Any, bool], group: _Group) -> bool:
    """Whether a file measured again what one of the group did."""
    for other, found in zip(group.runs, group.answered, strict=True):
        if not found or len(found) != len(answered) or found.keys() != answered.keys():
            continue
        commands = run.environment.command, other.environment.command
        if all(map(sharded, commands)) and whole_command(commands[0]) == whole_command(commands[1]):
            continue
        both = sum(ok and answered[key] for key, ok in found.items())
        if 2 * both > len(found):
            return True
    return False


def whole(runs: Sequence[Run]) -> Run:
    """Files of one run as one; a single one as it is."""
    if len(runs) == 1:
        return runs[0]
    count = _Count()
    comparisons = count.kept([[(r.key, r) for r in run.comparisons] for run in runs], runs)
    comparisons = reading.as_asked(comparisons, lambda pair: pair[0].number)
    counts = count.kept([[(r.key, r) for r in run.counts] for run in runs], runs)
    duels = count.kept([[(_duel(r), r) for r in run.duels] for run in runs], runs)
    cells = count.kept([[(r.key, r) for r in run.cells] for run in runs], runs)
    lines = dict.fromkeys(line for run in runs for line in run.own)
    own_lines = {
        line: count.kept([[(r.key, r) for r in run.own.get(line, ())] for run in runs], runs)
        for line in lines
    }
    done = {record.key for record, _ in comparisons}
    done |= {(record.case_id, RIVAL) for record, _ in duels}
    parts = {
        (part.key, part.memory, part.process): part
        for run in runs
        for part in run.parts
        if part.key not in done
    }
    return Joined(
        runs[0].path,
        _environment(runs),
        tuple(record for record, _ in comparisons),
        tuple(parts.values()),
        tuple(record for record, _ in counts),
        tuple(record for record, _ in duels),
        tuple(record for record, _ in cells),
        {line: tuple(record for record, _ in found) for line, found in own_lines.items()},
        cut=any(run.cut for run in runs),
        schema=runs[0].schema,
        damaged=tuple(itertools.chain.from_iterable(run.damaged for run in runs)),
        journals=tuple(runs),
        sources=tuple(number for _, number in comparisons),
        own_sources={
            line: tuple(number for _, number in found) for line, found in own_lines.items()
        },
        twice=count.twice,
        mended=count.mended,
    )


@dataclass
class _Count:
    """Questions that several files answered."""

    twice: int = 0
    mended: int = 0

    def kept(
        self, answers: Iterable[Sequence[tuple[Any, Any]]], runs: Sequence[Run]
    ) -> list[tuple[Any, int]]:
        """Of each question the answer that counts and the number of its file, in the order of the
        first answers."""
        found: dict[Any, list[tuple[Any, int]]] = {}
        for number, records in enumerate(answers):
            for key, record in records:
                found.setdefault(key, []).append((record, number))
        return [self._best(tried, runs) for tried in found.values()]

    def _best(self, tried: list[tuple[Any, int]], runs: Sequence[Run]) -> tuple[Any, int]:
        if len(tried) == 1:
            return tried[0]
        self.twice += 1
        self.mended += sum(record.status == "ok" for record, _ in tried) == 1

        def rank(one: tuple[Any, int]) -> tuple[bool, str, int]:
            record, number = one
            return record.status == "ok", runs[number].environment.created, number

        return max(tried, key=rank)


def _environment(runs: Sequence[Run]) -> Environment:
    """That of the first file, with the slots of all, and the command of the whole run."""
    slots = {facts.slot.place: facts for run in runs for facts in run.environment.slots}
    first = runs[0].environment
    return replace(
        first,
        created=min(run.environment.created for run in runs),
        command=whole_command(first.command),
        slots=list(slots.values()),
    )
