"""The trained networks that energy attacks need. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adapters.models import custom as own_models
from adapters.models.trained.cache import Trained
from bench.cases import Case
from bench.kinds import trained
from bench.kinds.command import Session
from bench.kinds.energy.options import TRAINED, EnergyOptions
from bench.kinds.trained import Wanted


def wanted(cases: Iterable[Case], seed: int) -> list[Wanted]:
    """What cases need, each once: their own networks', and those of others that they try."""
    found: dict[Wanted, None] = {}
    for case in cases:
        options = EnergyOptions.of(case)
        names = [case.model] if case.weights == TRAINED else []
        names += [name for name in options.transfer if not own_models.is_own(name)]
        for name in names:
            asked = (case.library, name, options.data, options.classes, seed, case.device)
            found[Wanted(*asked, told)] = None
    return list(found)


def train(session: Session, asked: Sequence[Wanted]) -> None:
    """Train those that are not there."""
    trained.make(session, asked)


def told(facts: Trained) -> str:
    """How good a trained network is, and what it saves, in words.

    Args:
        facts: of a dynamic network, so its share is known.
    """
    assert facts.share is not None
    assert facts.spread is not None
    return (
        f"{100 * facts.accuracy:.1f} % right; an image costs {100 * facts.share:.0f} ±"
        f" {100 * facts.spread:.0f} % of the static network; {facts.seconds:.0f} s"
    )
