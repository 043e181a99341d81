"""A folder of runs: run-0.jsonl, run-1.jsonl, ..., and runs.json, which says how each was made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import files
from bench.records import reading
from bench.records.reading import Run

NOTES = "runs.json"
_NAME = re.compile(r"run-(\d+)\.jsonl")


@dataclass(frozen=True)
class Note:
    """How a run was made.

    Attributes:
        run: its number, from 0.
        load: whether another program ran beside it.
        seconds: wall seconds it took.
    """

    run: int
    load: bool
    seconds: float


@dataclass(frozen=True)
class Notes:
    """What runs.json holds.

    Attributes:
        words: what the main job was told beyond where its records go.
        runs: by their number, those that were complete.
    """

    words: tuple[str, ...]
    runs: Mapping[int, Note]


@dataclass(frozen=True)
class Replica:
    """One run of the main job.

    Attributes:
        number: from 0.
        records: what it wrote.
        note: how it was made; None where nobody wrote that down.
    """

    number: int
    records: Run
    note: Note | None = None


def path_of(folder: Path, number: int) -> Path:
    """Where a run's records are."""
    return folder / f"run-{number}.jsonl"


def read(folder: Path) -> list[Replica]:
    """All runs of a folder, by their number.

    Raises:
        RecordError: a file can't be read.
    """
    known = notes(folder)
    named = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    found = sorted((int(match[1]), path) for match, path in named if match)
    return [
        Replica(number, reading.read(path), known.runs.get(number) if known else None)
        for number, path in found
    ]


def notes(folder: Path) -> Notes | None:
    """What runs.json says; None where there is none."""
    path = folder / NOTES
    if not path.exists():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    runs = (Note(**each) for each in told["runs"])
    return Notes(tuple(told["words"]), {note.run: note for note in runs})


def write_notes(folder: Path, words: Sequence[str], runs: Mapping[int, Note]) -> None:
    """Write runs.json anew."""
    told = {"words": list(words), "runs": [asdict(runs[number]) for number in sorted(runs)]}
    files.write(folder / NOTES, json.dumps(told, indent=1) + "\n")
