"""A command of a kind's own, and what it works with. Imports nothing heavy."""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from bench.cases import Comparison, Status
from bench.errors import Ended
from bench.kinds.record import OwnRecord
from bench.kinds.request import Request


class Progress(Protocol):
    """Whom a kind's command tells what it does; see `bench.running.progress`."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def task(self, text: str, number: int, total: int) -> None:
        """One of several things begins; `number` counts from 1."""

    def step(self, text: str) -> None:
        """Something of it is done."""


class Session(Protocol):
    """What a kind's own command works with, once everything that was asked has been measured."""

    @property
    def request(self) -> Request:
        """What was asked."""

    @property
    def comparisons(self) -> Sequence[Comparison]:
        """What was chosen."""

    @property
    def ended(self) -> Mapping[tuple[str, str], Status]:
        """How each ended, by the case's id and the variant."""

    @property
    def patience(self) -> float:
        """Wall seconds after which a request to a worker is given up."""

    @property
    def progress(self) -> Progress:
        """Who tells the user."""

    @property
    def records(self) -> Path:
        """The file of records."""

    def ask(self, library: str, request: dict[str, Any]) -> dict[str, Any]:
        """Ask a library's worker; see `bench.worker.serve`.

        Raises:
            Ended: it died, took too long, or says why it can't.
        """

    def fresh(self) -> None:
        """See to it that the next worker is a fresh process."""

    def write(self, record: OwnRecord) -> None:
        """Append a record to the file."""

    def done(self, line: str) -> set[tuple[Any, ...]]:
        """The keys of those lines of an earlier run that ended ok."""


def reason(session: Session, ended: Ended, what: str = "it") -> str:
    """Why a request to a worker came to nothing; where more is wanted, its trace is told.

    Args:
        session: what was worked with.
        ended: how the request ended.
        what: was asked for, in words.
    """
    if session.request.verbose and ended.trace:
        session.progress.note(ended.trace)
    if ended.status == "timeout":
        return f"{what} was not done after {session.patience:g} s; raise --timeout"
    return ended.reason


class Command(ABC):
    """A command of a kind's own: it chooses like `run`, measures like it, and then goes on.

    Attributes:
        name, help: as `--help` shows them.
        description: of its own help page.
        measures: whether the cases are timed first; else only what it goes on with is done.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    description: ClassVar[str]
    measures: ClassVar[bool] = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what only this command takes; it is found in `Request.more`."""

    def check(self, request: Request, records: Path) -> None:
        """Look at what was asked, before anything is measured.

        Raises:
            UsageError: it can't be done.
        """

    @abstractmethod
    def go_on(self, session: Session) -> None:
        """Do what the command is for, after the cases have been measured."""
