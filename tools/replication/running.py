"""Run the main job several times, each time in a fresh controlling process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from bench.commands import codes
from bench.records import reading
from bench.records.reading import RecordError
from tools import load, main_job
from tools.replication import folder as folders
from tools.replication.folder import Note

Job = Callable[[Path, Sequence[str]], int]
"""Runs the main job into a file of records, with further words; its exit code."""
Key = tuple[str, str]
"""A case's id and a variant."""


class ReplicationFailed(Exception):
    """Runs can't be made; the message says why."""


def run_main_job(path: Path, words: Sequence[str]) -> int:
    """`python -m bench`, as its users run it; its table is not shown, its progress is."""
    command = [sys.executable, "-m", "bench", "--out", str(path), *words]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode


def replicate(
    folder: Path,
    runs: int,
    words: Sequence[str] = (),
    pause: float = 0.0,
    *,
    job: Job = run_main_job,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Make the runs that are not there yet; every other one has another program beside it.

    Args:
        folder: where they go; made if need be.
        runs: how many there shall be.
        words: what the main job is told beyond where its records go.
        pause: seconds between one run and the next.
        job: runs the main job.
        sleep: waits so many seconds.

    Raises:
        ReplicationFailed: the folder's runs were told something else, or one did not come to an
            end.
        UsageError: the main job does not know these words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = folders.notes(folder)
    if known is not None and known.words != tuple(words):
        raise ReplicationFailed(
            f"the runs in {folder} were made with {' '.join(known.words) or 'no further words'};"
            " give the same after --, or name another --out"
        )
    notes = dict(known.runs) if known else {}
    made = 0
    for number in range(runs):
        path = folders.path_of(folder, number)
        if complete(path, words):
            print(f"[{number + 1}/{runs}] {path} is there", flush=True)
            continue
        path.unlink(missing_ok=True)
        if made:
            sleep(pause)
        notes[number] = _run(number, path, words, job)
        folders.write_notes(folder, words, notes)
        made += 1
        beside = "with" if notes[number].load else "without"
        seconds = notes[number].seconds
        print(
            f"[{number + 1}/{runs}] {path}: {seconds:.0f} s, {beside} another program", flush=True
        )


def complete(path: Path, words: Sequence[str]) -> bool:
    """Whether a file has all comparisons that the main job makes when it is told these words.

    Raises:
        UsageError: it does not know them.
    """
    try:
        found = reading.read(path)
    except RecordError:
        return False
    return wanted(words, found.environment.device) <= {each.key for each in found.comparisons}


def wanted(words: Sequence[str], device: str) -> set[Key]:
    """The comparisons that the main job makes on a device when it is told these words.

    Raises:
        UsageError: it does not know them.
    """
    return {comparison.key for comparison in main_job.comparisons(words, device)}


def _run(number: int, path: Path, words: Sequence[str], job: Job) -> Note:
    loaded = number % 2 == 1
    with load.beside(number) if loaded else nullcontext():
        started = time.perf_counter()
        code = job(path, words)
        seconds = time.perf_counter() - started
    if code not in (codes.DONE, codes.NOT_ALL_OK):
        raise ReplicationFailed(
            f"run {number} ended with exit code {code}; mend that, and the same command goes on"
        )
    return Note(number, loaded, round(seconds, 1))
