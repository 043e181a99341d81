"""The networks that cases need, trained where nobody has yet. Imports no torch.

The worker trains an epoch at a time and leaves a checkpoint after each, so that a training which
was interrupted goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.base import AdapterError
from adapters.models import custom as own_models
from adapters.models.dynamic import cache
from adapters.models.dynamic.catalogue import NETWORKS
from bench.cases import Case
from bench.errors import Ended, UsageError
from bench.kinds.command import Session
from bench.kinds.energy.options import TRAINED, EnergyOptions


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


def wanted(cases: Iterable[Case], seed: int) -> list[Wanted]:
    """What cases need, each once: their own networks', and those of others that they try."""
    found: dict[Wanted, None] = {}
    for case in cases:
        options = EnergyOptions.of(case)
        names = [case.model] if case.weights == TRAINED else []
        names += [name for name in options.transfer if not own_models.is_own(name)]
        for name in names:
            wanted_ = Wanted(case.library, name, options.data, options.classes, seed, case.device)
            found[wanted_] = None
    return list(found)


def train(session: Session, asked: Sequence[Wanted]) -> None:
    """Train those that are not there; of one that can't be, its cases will say so."""
    waiting = [one for one in asked if not cache.ready(one.file)]
    for number, one in enumerate(waiting, 1):
        session.fresh()
        if one.file.exists():
            session.progress.note(f"{cache.fault(one.file)}; it is trained again")
        what = f"training {one.network} on {one.data}, seed {one.seed}"
        session.progress.task(f"{what} ({NETWORKS[one.network].source})", number, len(waiting))
        try:
            _to_the_end(session, one)
        except Ended as ended:
            session.progress.note(f"  {ended.status}: {ended.reason}")
        else:
            session.progress.note(f"  {told(one)}")
    if waiting:
        session.fresh()


def told(one: Wanted) -> str:
    """How good a trained network is, in words."""
    facts = cache.facts(one.file)
    return (
        f"{100 * facts.accuracy:.1f} % right; an image costs {100 * facts.share:.0f} ±"
        f" {100 * facts.spread:.0f} % of the static network; {facts.seconds:.0f} s"
    )


def _to_the_end(session: Session, one: Wanted) -> None:
    """Raises:
    Ended: it can't be trained.
    """
    request = {
        "do": "own",
        "server": "bench.kinds.energy.learning:Server",
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
