"""How each part went, in the output folder: written as it begins and as it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from bench.commands import codes
from bench.errors import EnvironmentMismatch, UsageError
from bench.records import reading
from bench.records.reading import RecordError
from tools.bench_gpu.child import Ended
from tools.bench_gpu.parts import RECORDS, Part

NAME = "parts.json"
How = Literal["running", "ended", "cut", "failed"]
"""`running` is left by a run that was killed."""


@dataclass(frozen=True)
class Entry:
    """How a part went.

    Attributes:
        how: it came to its end, was ended at its limit, or failed.
        seconds: in all calls.
        records: comparisons that it left, or 1 where it leaves another file.
        code: its exit code; None while it runs.
        killed: whether it did not end in order.
    """

    how: How
    seconds: float = 0.0
    records: int = 0
    code: int | None = None
    killed: bool = False


class Diary:
    """The entries of a folder, by the parts' names, in the order in which they ran.

    Args:
        folder: the output folder.

    Raises:
        UsageError: what lies there is no diary.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.entries: dict[str, Entry] = {}
        path = folder / NAME
        if path.exists():
            try:
                told = json.loads(path.read_text(encoding="utf-8"))
                self.entries = {name: Entry(**entry) for name, entry in told.items()}
            except (OSError, ValueError, TypeError, AttributeError) as error:
                raise UsageError(
                    f"{path} can't be read ({error}); move it away, or name another --out"
                ) from error

    def check(self, code: str) -> None:
        """Whether what was measured can be gone on with, before any part finds that it can't.

        Args:
            code: a digest of this program, as records have it.

        Raises:
            EnvironmentMismatch: it was measured by another state of this program.
        """
        path = self._folder / RECORDS
        try:
            then = reading.read(path).environment.code
        except RecordError:
            return  # not there, or nothing in it yet
        if then != code:
            raise EnvironmentMismatch(
                f"{path} was measured by another state of this program ({then} then, {code} now);"
                " what is in it stays: name another --out"
            )

    def done(self, part: Part) -> bool:
        """Whether it need not run again."""
        entry = self.entries.get(part.name)
        return entry is not None and entry.how == "ended"

    def begin(self, part: Part) -> int:
        """A part begins; how much there was of what it leaves."""
        self._write(part, replace(self.entries.get(part.name, Entry("running")), how="running"))
        return left(self._folder, part)

    def end(self, part: Part, ended: Ended, seconds: float, before: int) -> Entry:
        """A part has ended.

        Args:
            part: which.
            ended: how.
            seconds: that it took.
            before: what `begin` said.
        """
        how: How = "cut" if ended.cut else "ended" if ended.code in part.done else "failed"
        earlier = self.entries[part.name]
        there = left(self._folder, part)
        entry = Entry(
            how,
            round(earlier.seconds + seconds, 1),
            earlier.records + there - before if part.leaves == RECORDS else there,
            ended.code,
            ended.killed,
        )
        self._write(part, entry)
        return entry

    def _write(self, part: Part, entry: Entry) -> None:
        self.entries[part.name] = entry
        text = json.dumps({name: asdict(each) for name, each in self.entries.items()}, indent=1)
        fresh = self._folder / f"{NAME}.new"
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(self._folder / NAME)  # at once, so that a kill leaves the one or the other


def left(folder: Path, part: Part) -> int:
    """How much there is of what a part leaves: comparisons of all parts, or 1 for another file."""
    path = folder / part.leaves
    if part.leaves != RECORDS:
        return int(path.is_file() and path.stat().st_size > 0)
    try:
        return len(reading.read(path).ended)
    except RecordError:
        return 0  # not there yet, or the first line is being written


def code(entries: Mapping[str, Entry]) -> int:
    """The exit code of all parts: 0, or as the worst one.

    A part that was cut at its limit is as good as one that ended, if it left something;
    `NOT_ALL_OK` is better than any fault.
    """
    found = [_code(entry) for entry in entries.values()]
    faults = [each for each in found if each not in (codes.DONE, codes.NOT_ALL_OK)]
    return faults[0] if faults else max(found, default=codes.DONE)


def _code(entry: Entry) -> int:
    if entry.how == "running":
        return codes.INTERRUPTED
    told = codes.DONE if entry.how == "cut" or entry.code is None else entry.code
    return told or (codes.DONE if entry.records else codes.NOT_ALL_OK)
