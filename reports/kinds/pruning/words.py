"""How stages of pruning, criteria and pruned networks are called. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.data import DIGITS, facts
from adapters.papers.mad.methods import CRITERIA, EVALUATED, PUBLISHED_EPS, STAGES
from bench.cases import Case
from bench.compare.naming import differing
from bench.kinds.pruning.findings import CLEAN, DENSE
from bench.kinds.pruning.options import RANDOM, TRAINED, WITHOUT_ATTACK, PruningOptions
from reports.reading import models

options = PruningOptions.of

FINETUNING = "finetuning"
"""The stage of which records of pruned networks have seconds."""


def is_attacked(case: Case) -> bool:
    """Whether a stage has PGD inside."""
    return case.attack not in WITHOUT_ATTACK


def usual_eps(case: Case) -> float:
    """The radius that stands where nobody gives one, of the case's data."""
    return facts(DIGITS).eps if options(case).data == DIGITS else PUBLISHED_EPS


def share(percent: float) -> str:
    """A share of the weights, as "90 %"."""
    return f"{100 * percent:g} %"


def percent(case: Case) -> str:
    """How much of the network a stage works on is pruned; "" where none is."""
    found = options(case).percent
    return "" if found is None else f"{share(found)} pruned"


def inside(case: Case) -> str:
    """Whose PGD is inside; "" where none is."""
    return f"PGD of {options(case).inside}" if is_attacked(case) else ""


def trained(case: Case) -> str:
    """How the network was trained before, where that is not usual, or where its weights are from;
    "" where both are."""
    if case.weights not in (TRAINED, RANDOM):
        return f"weights {models.weights(case).removeprefix('weights ') or case.weights}"
    found = options(case).pretraining
    if case.weights == RANDOM or found == "none":
        return "not trained before"
    usual = PruningOptions.__dataclass_fields__["pretraining"].default
    return "" if found == usual else f"trained before by {found}"


def stage(case: Case) -> str:
    """The stage in a cell, with how much of its network is pruned."""
    return ", ".join(filter(None, (models.attack(case), percent(case))))


def network(case: Case) -> str:
    """The network in a cell, with how it was trained where that is not usual."""
    return ", ".join(filter(None, (models.name(case), trained(case))))


def networks(cases: Mapping[str, Case]) -> dict[str, str]:
    """What the networks of some cases are called: each with what tells it from those that are
    called alike.

    Args:
        cases: of whole pipelines, by their ids.
    """
    alike: dict[str, dict[str, Case]] = {}
    for key, case in cases.items():
        alike.setdefault(network(case), {})[key] = case
    found: dict[str, str] = {}
    for name, group in alike.items():
        more = differing(list(group.values()))
        for key, words in zip(group, more, strict=True):
            found[key] = ", ".join([name, *words])
    return found


def place(case: Case) -> tuple[object, ...]:
    """What cases of one table have in common."""
    found = options(case)
    return found.data, found.input_shape, found.classes, found.eps, case.dtype, case.device


def where(case: Case) -> str:
    """The same in words."""
    found = options(case)
    size = "×".join(map(str, found.input_shape))
    return f"{found.data}, images of {size}, ε = {found.eps:.3g}, {case.dtype}, {case.device}"


def criterion_rank(name: str) -> int:
    """The dense network first, then criteria in the paper's order."""
    order = (DENSE, *CRITERIA)
    return order.index(name) if name in order else len(order)


def attack_rank(name: str) -> tuple[int, str]:
    """Images as they are first, then attacks from the weakest, then unknown ones."""
    order = (CLEAN, *EVALUATED)
    return (order.index(name), "") if name in order else (len(order), name)


def attack_head(name: str) -> str:
    """What is over the accuracy under an attack."""
    return "clean" if name == CLEAN else name


def stage_rank(name: str) -> tuple[int, str]:
    """Stages in the order in which they come, then unknown ones."""
    order = tuple(STAGES)
    return (order.index(name), "") if name in order else (len(order), name)
