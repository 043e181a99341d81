"""What was measured of a change: its three files under results/upstream/NAME/. No torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from packaging.version import Version

from bench import files
from bench.records import reading
from bench.records.reading import RecordError, Run
from tools.upstream import commands, wheels
from tools.upstream.declared import Change, Project

RESULTS = Path(__file__).resolve().parents[2] / "results" / "upstream"
KINDS = ("explain", "duel")
PROGRAM = ("python", "-m", "bench")
"""What records have in front of a command's words."""


@dataclass(frozen=True)
class Source:
    """What was measured, by digest.

    Attributes:
        released: the file's name.
        sha256: of it.
        diff: the sha256 of the diff that was applied to it.
    """

    released: str
    sha256: str
    diff: str


@dataclass(frozen=True)
class Measured:
    """What was measured of a change.

    Attributes:
        source: of what.
        explain, duel: the runs.
    """

    source: Source
    explain: Run
    duel: Run


def path(results: Path, project: Project, change: Change, kind: str) -> Path:
    """Where the records of a kind are."""
    return results / project.name / f"{change.name}.{kind}.jsonl"


def told(results: Path, project: Project, change: Change) -> Path:
    """Where it is told what they are of."""
    return results / project.name / f"{change.name}.json"


def write(results: Path, project: Project, change: Change, source: Source) -> None:
    """Tell what the records are of."""
    text = json.dumps(asdict(source), indent=1)
    files.write(told(results, project, change), f"{text}\n")


def read(results: Path, project: Project, change: Change) -> Measured | None:
    """What was measured of a change; None of one that was not, or not all of it.

    Raises:
        RecordError: it is of another diff, release or case than are declared now, or can't be read.
    """
    paths = [path(results, project, change, kind) for kind in KINDS]
    about = told(results, project, change)
    if not all(one.is_file() for one in (about, *paths)):
        return None
    source = Source(**json.loads(files.text(about)))
    if source.diff != wheels.digest(project.diff(change)):
        raise _stale(project, change, change.diff)
    if wheels.version(source.released) != Version(project.version):
        raise _stale(project, change, "the release")
    found = Measured(source, *map(reading.read, paths))
    asked = {
        "explain": (found.explain, commands.explain(project, change)),
        "duel": (found.duel, commands.duel(project, change, patched(change, source.released))),
    }
    for kind, (run, words) in asked.items():
        told_words = run.environment.command[len(PROGRAM) :]
        if told_words[: len(words)] != words:
            raise _stale(project, change, f"what is asked of {kind}")
    return found


def patched(change: Change, released: str) -> str:
    """The changed wheel, as the commands name it from the folder that they run in."""
    return f"./patched/{change.name}/{released}"


def _stale(project: Project, change: Change, what: str) -> RecordError:
    name = f"{project.name}/{change.name}"
    return RecordError(
        f"{name}: {what} has changed since it was measured; run: python -m tools.upstream {name}"
    )


def is_there(results: Path, project: Project, change: Change) -> bool:
    """Whether a change was measured as it is."""
    try:
        return read(results, project, change) is not None
    except RecordError:
        return False
