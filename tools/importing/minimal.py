"""The fewest distributions that what we do can be imported with, and the proof."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.importing import trial, uses, wall
from tools.importing.environment import ROOT, Fresh

OURSELVES = "semibackward-bench"
Say = Callable[[str], None]
Try = Callable[[str, Collection[str], Collection[str]], dict[str, Any]]
"""Tries a use behind a wall that shows what is had and what was found; see `tools.importing.trial`.
"""


class Unusable(Exception):
    """A use works not even with everything that is installed here; the message names it."""


@dataclass(frozen=True)
class Found:
    """What is needed.

    Attributes:
        needs: of each use beyond what is had, and what those before it need.
        theirs: what only something that is had imports: that machine has it too, or another version
            of what imports it.
    """

    needs: dict[str, list[str]]
    theirs: set[str]


def tried(use: str, had: Collection[str], found: Collection[str]) -> dict[str, Any]:
    """Try a use behind a wall, in a process of its own."""
    command = [sys.executable, "-m", "tools.importing.trial", use, *sorted(had), "--"]
    ended = subprocess.run(
        [*command, *sorted(found)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return _answer(ended)


def needed(names: Iterable[str], had: Collection[str], say: Say, attempt: Try = tried) -> Found:
    """What each use needs beyond what is had.

    Args:
        names: of the uses.
        had: names of distributions.
        say: told of each.
        attempt: tries one.

    Raises:
        Unusable: one does not work here at all.
    """
    found = Found({}, set())
    shown = {OURSELVES}
    for name in names:
        found.needs[name] = []
        while True:
            answer = attempt(name, {*had, *found.theirs}, shown)
            needs, theirs = answer.get("needs", ()), answer.get("theirs", ())
            found.needs[name] += needs
            found.theirs.update(theirs)
            shown.update(needs)
            if "error" not in answer:
                break
            if not needs and not theirs:
                raise Unusable(f"{name} does not work here: {answer['error']}")
        say(f"{name}: {', '.join(found.needs[name]) or 'nothing more'}")
    return found


@dataclass(frozen=True)
class Proof:
    """What a fresh environment showed.

    Attributes:
        failed: why a use does not work there, by its name.
        missing: distributions that would have to be there too.
        stood_in: those whose wheels are for another Python, so that what is installed here stood in
            for them.
    """

    failed: dict[str, str]
    missing: list[str]
    stood_in: list[str]


def prove(names: Iterable[str], wheels: Sequence[Path], had: Collection[str], say: Say) -> Proof:
    """Try each use in a fresh environment that has the wheels and what is had, and no index.

    Args:
        names: of the uses.
        wheels: what was collected.
        had: names of distributions.
        say: told of each.
    """
    owned = wall.owners()
    failed: dict[str, str] = {}
    missing: dict[str, None] = {}
    with tempfile.TemporaryDirectory() as folder:
        fresh = Fresh(Path(folder))
        stood_in = fresh.fill(wheels, had)
        for name in names:
            answer = _answer(fresh.run("-m", "tools.importing.trial", name))
            if "error" in answer:
                failed[name] = answer["error"]
                missing.update(dict.fromkeys(trial.spelt(answer["missing"], owned)))
            say(f"{name}: {failed.get(name, 'works')}")
    return Proof(failed, list(missing), stood_in)


def every(*, text: bool) -> list[str]:
    """The uses by name."""
    return list(uses.every(text=text))


def _answer(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        said = " ".join(ended.stderr.split())[-300:]
        return {
            "missing": "",
            "needs": [],
            "error": f"its process ended with {ended.returncode}: {said}",
        }
    return found
