"""The networks that are pruned, trained where nobody has yet. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.models.trained.cache import Trained
from bench.cases import Case
from bench.kinds import trained
from bench.kinds.command import Session
from bench.kinds.pruning.options import TRAINED, PruningOptions
from bench.kinds.trained import Wanted


def wanted(cases: Iterable[Case], seed: int) -> list[Wanted]:
    """What cases need, each once."""
    found: dict[Wanted, None] = {}
    for case in cases:
        if case.weights != TRAINED:
            continue
        options = PruningOptions.of(case)
        asked = (case.library, case.model, options.data, options.classes, seed, case.device)
        found[Wanted(*asked, told, options.pretraining)] = None
    return list(found)


def train(session: Session, cases: Iterable[Case], seed: int) -> None:
    """Train what cases need and is not there."""
    trained.make(session, wanted(cases, seed))


def told(facts: Trained) -> str:
    """How good a trained network is, in words."""
    return f"{100 * facts.accuracy:.1f} % right on clean images; {facts.seconds:.0f} s"
