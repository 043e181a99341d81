"""How attacks by Monte-Carlo gradients, networks and their defences are called. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from adapters.papers.sap import methods
from adapters.papers.sap.methods import DENSE, Defence
from bench.cases import AS_BUILT, Case
from bench.compare.naming import differing
from bench.kinds.sampling.options import TRAINED, SamplingOptions
from reports.reading import models
from semibackward_bench.grammar import counted

FAMILY = "resnet20"
"""The network whose other recipes are called FAMILY_something."""
ADVERSARIAL = "resnet20_adversarial"
"""ADV: the network of adversarial training (section 4.1.3)."""
OWN, NOISE = "own", "noise"

options = SamplingOptions.of


def defence(case: Case) -> Defence:
    """Of the network."""
    return methods.parse(options(case).defence)


def is_dense(case: Case) -> bool:
    """Whether the network has no defence."""
    return defence(case).name == DENSE


def defended(case: Case) -> str:
    """The defence in a cell, as "SAP-100"."""
    return defence(case).title


def base(case: Case) -> str:
    """The network that another recipe of training made another one of; else the network itself."""
    return FAMILY if case.model.startswith(f"{FAMILY}_") else case.model


def base_name(case: Case) -> str:
    """What that is called."""
    return models.name(replace(case, model=base(case)))


def short_name(case: Case) -> str:
    """Network and defence as the paper has them, where it has them: "ADV + SAP-100"."""
    trained = case.model.removeprefix(f"{FAMILY}_") if case.model != base(case) else ""
    if trained == "adversarial":
        return "ADV" if is_dense(case) else f"ADV + {defended(case)}"
    if trained.startswith("dropout_") and trained.removeprefix("dropout_").isdecimal():
        rate = f"trained with dropout-{int(trained.removeprefix('dropout_')) / 100:g}"
        if defended(case) == f"dropout-{int(trained.removeprefix('dropout_')) / 100:g}":
            return f"{rate}, used"
        return rate if is_dense(case) else f"{defended(case)}, {rate}"
    return ", ".join(filter(None, (defended(case), trained)))


def samples(case: Case) -> str:
    """N, in a cell."""
    return "-" if case.attack == NOISE else str(options(case).samples)


def attacked(case: Case) -> str:
    """The attack in a cell beside its defence and its N, with whose gradient it follows."""
    told = [models.attack(case)]
    if case.attack != NOISE and options(case).gradient != OWN:
        told.append("gradient of the dense network")
    told += [] if case.weights in (TRAINED, AS_BUILT) else [models.weights(case)]
    return ", ".join(filter(None, [*told, *models.apart(case, besides=told)]))


def sampled(case: Case) -> list[str]:
    """N, of a gradient that is worth averaging, as "N = 10"."""
    count = options(case).samples
    if case.attack == NOISE or not (options(case).draws or count > 1):
        return []
    return [f"N = {count}"]


def briefly(case: Case) -> str:
    """Network, defence and N, and whose gradient, as the paper has them."""
    if case.attack != NOISE and options(case).gradient != OWN:
        return f"{short_name(case)}, dense gradient"
    return ", ".join([short_name(case), *sampled(case)])


def method(case: Case) -> str:
    """What attacks what, in a sentence: "SAP-100, fgsm, N = 10"."""
    return ", ".join([defended(case), attacked(case), *sampled(case)])


def names(
    found: Sequence[tuple[Case, int]],
    called: Callable[[Case], str] = method,
    beside: Callable[[Case], object] = lambda case: None,
) -> list[str]:
    """What attacks what, each with what tells it from the others on the same network.

    Args:
        found: cases, each with the passes that outputs are averaged over.
        called: how a case is called otherwise.
        beside: what else of it is told where the name stands.
    """
    alike: dict[tuple[object, ...], list[tuple[Case, int]]] = {}
    for case, passes in dict.fromkeys(found):
        alike.setdefault((case.model, method(case), beside(case)), []).append((case, passes))
    more: dict[tuple[Case, int], list[str]] = {}
    for group in alike.values():
        several = len({passes for _, passes in group}) > 1
        words = differing([case for case, _ in group])
        for (case, passes), one in zip(group, words, strict=True):
            counts = [counted(passes, "pass", "passes")] if several else []
            more[case, passes] = [*one, *counts]
    return [", ".join([called(case), *more[case, passes]]) for case, passes in found]


def place(case: Case) -> tuple[object, ...]:
    """What cases of one table have in common."""
    found = options(case)
    shape = found.input_shape
    return found.data, found.environment, shape, found.classes, case.dtype, case.device


def where(case: Case) -> str:
    """The same in words."""
    found = options(case)
    size = "×".join(map(str, found.input_shape))
    if found.environment is not None:
        return f"{found.environment}, observations of {size}, {case.dtype}, {case.device}"
    return f"{found.data}, images of {size}, {case.dtype}, {case.device}"
