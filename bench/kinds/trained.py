"""The networks that a kind's cases need, trained where nobody has yet. Imports no torch.

The worker trains an epoch at a time and leaves a checkpoint after each, so that a training which
was interrupted goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.base import AdapterError
from adapters.models.trained import cache, catalogue
from adapters.models.trained.cache import Trained
from bench.errors import Ended, UsageError
from bench.kinds.command import Session


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
    """

    library: str
    network: str
    data: str
    classes: int
    seed: int
    device: str

    @property
    def file(self) -> Path:
        """Where they are kept.

        Raises:
            UsageError: nobody knows where to keep them.
        """
        try:
            return cache.path(self.network, self.data, self.classes, self.seed)
        except AdapterError as error:
            raise UsageError(str(error)) from error


def train(session: Session, asked: Sequence[Wanted], told: Callable[[Trained], str]) -> None:
    """Train those that are not there; of one that can't be, its cases will say so.

    Args:
        session: what to work with.
        asked: what is needed, each once.
        told: what is said of a trained network, in words.
    """
    waiting = [one for one in asked if not cache.ready(one.file)]
    for number, one in enumerate(waiting, 1):
        session.fresh()
        if one.file.exists():
            session.progress.note(f"{cache.fault(one.file)}; it is trained again")
        what = f"training {one.network} on {one.data}, seed {one.seed}"
        source = catalogue.network(one.network).source
        session.progress.task(f"{what} ({source})", number, len(waiting))
        try:
            _to_the_end(session, one)
        except Ended as ended:
            session.progress.note(f"  {ended.status}: {ended.reason}")
        else:
            session.progress.note(f"  {told(cache.facts(one.file))}")
    if waiting:
        session.fresh()


def _to_the_end(session: Session, one: Wanted) -> None:
    """Raises:
    Ended: it can't be trained.
    """
    request = {
        "do": "own",
        "server": "bench.worker.learning:Server",
        "request": {
            "network": one.network,
            "data": one.data,
            "seed": one.seed,
            "file": str(one.file),
            "device": one.device,
        },
    }
    done = False
    while not done:
        answer = session.ask(one.library, request)
        done = answer["done"]
        if not done:
            session.progress.step(
                f"{answer['stage']}, epoch {answer['epoch']} of {answer['epochs']}:"
                f" loss {answer['loss']:.3f}"
            )
