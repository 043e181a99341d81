"""What a kind's cases need that has to be trained, trained where nobody has yet. Imports no torch.

The worker trains an epoch, or a slice, at a time and leaves a checkpoint after each, so that a
training which was interrupted goes on from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from adapters.base import AdapterError
from adapters.models.trained import cache, catalogue
from adapters.models.trained.cache import Trained
from bench.errors import Ended, UsageError
from bench.kinds import numbers
from bench.kinds.command import Session


class Lacking(Protocol):
    """Something that a recipe makes, and keeps in a file."""

    @property
    def library(self) -> str:
        """Whose worker trains."""

    @property
    def file(self) -> Path:
        """Where it is kept."""

    @property
    def what(self) -> str:
        """What it is, in words."""

    @property
    def server(self) -> str:
        """The worker's, as `Session.ask` takes it; its answers tell whether it is `done`."""

    @property
    def request(self) -> Mapping[str, Any]:
        """What the server is asked, again and again."""

    def fault(self) -> str | None:
        """Why the file can't be used, in a sentence; None where it can."""

    def step(self, answer: Mapping[str, Any]) -> str:
        """How far it is, by what the server answered, in words."""

    def outcome(self) -> str:
        """How good it became, in words."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what commands are told that attack trained networks to the end."""
    parser.add_argument(
        "--seeds",
        type=numbers.at_least_one,
        default=1,
        metavar="N",
        help="how many networks of each sort to train and attack, from --seed on (1)",
    )
    parser.add_argument(
        "--test-images",
        type=numbers.at_least_one,
        default=64,
        metavar="N",
        help="how many test images to attack (64)",
    )


def make(session: Session, asked: Sequence[Lacking]) -> None:
    """Make what is not there; of what can't be made, its cases will say so.

    Args:
        session: what to work with.
        asked: what is needed, each once.
    """
    waiting = [one for one in asked if one.fault() is not None]
    for number, one in enumerate(waiting, 1):
        session.fresh()
        if one.file.exists():
            session.progress.note(f"{one.fault()}; it is trained again")
        session.progress.task(f"training {one.what}", number, len(waiting))
        try:
            _to_the_end(session, one)
        except Ended as ended:
            session.progress.note(f"  {ended.status}: {ended.reason}")
        else:
            session.progress.note(f"  {one.outcome()}")
    if waiting:
        session.fresh()


def _to_the_end(session: Session, one: Lacking) -> None:
    """Raises:
    Ended: it can't be trained.
    """
    request = {"do": "own", "server": one.server, "request": dict(one.request)}
    done = False
    while not done:
        answer = session.ask(one.library, request)
        done = answer["done"]
        if not done:
            session.progress.step(one.step(answer))


@dataclass(frozen=True)
class Wanted:
    """Weights that a recipe makes.

    Attributes:
        library: whose worker trains.
        network: its name in the catalogue.
        data: what it is trained on.
        classes: of the data.
        seed: of weights and data order.
        device: where it is trained.
        told: what is said of a trained one, in words.
        method: that it is trained by, as `adapters.models.trained.cache.recipe` has it.
    """

    library: str
    network: str
    data: str
    classes: int
    seed: int
    device: str
    told: Callable[[Trained], str]
    method: str | None = None

    @property
    def file(self) -> Path:
        """Where they are kept.

        Raises:
            UsageError: nobody knows where to keep them, or there is no such method.
        """
        try:
            return cache.path(self.network, self.data, self.classes, self.seed, method=self.method)
        except AdapterError as error:
            raise UsageError(str(error)) from error

    server = "bench.worker.learning:Server"

    @property
    def what(self) -> str:
        source = catalogue.network(self.network).source
        by = "" if self.method is None else f" by {self.method}"
        return f"{self.network} on {self.data}{by}, seed {self.seed} ({source})"

    @property
    def request(self) -> Mapping[str, Any]:
        return {
            "network": self.network,
            "data": self.data,
            "seed": self.seed,
            "file": str(self.file),
            "device": self.device,
            "method": self.method,
        }

    def fault(self) -> str | None:
        return cache.fault(self.file)

    def step(self, answer: Mapping[str, Any]) -> str:
        return (
            f"{answer['stage']}, epoch {answer['epoch']} of {answer['epochs']}:"
            f" loss {answer['loss']:.3f}"
        )

    def outcome(self) -> str:
        return self.told(cache.facts(self.file))
