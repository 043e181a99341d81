"""Pruning by adversarial saliency: what can be asked of it, and the cases that makes. Imports no
torch."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters import registry
from adapters.data import DIGITS, Facts
from adapters.models import custom as own_models
from adapters.models.classifiers.catalogue import NETWORKS
from adapters.papers.mad import methods
from bench.cases import AS_BUILT, Case
from bench.errors import UsageError
from bench.kinds import numbers
from bench.kinds.command import Session
from bench.kinds.group import ALL, Group
from bench.kinds.images.kind import RGB
from bench.kinds.images.networks import OnNetworks, check_network, known
from bench.kinds.offering import attacks_of
from bench.kinds.pruning import training
from bench.kinds.pruning.command import Prune
from bench.kinds.pruning.findings import (
    PRUNED,
    SCORED,
    PrunedRecord,
    PruningFindings,
    ScoredRecord,
)
from bench.kinds.pruning.options import (
    PRETRAINING,
    RANDOM,
    TRAINED,
    UNTRAINED,
    WITH_PERCENT,
    WITHOUT_ATTACK,
    Pretraining,
    PruningOptions,
)
from bench.kinds.request import Request
from bench.words import columns, unknown
from semibackward_bench.grammar import counted

MAD = "mad"
"""The library of the stages, and how the names of its own networks begin."""


@dataclass(frozen=True, kw_only=True)
class PruningGroup(Group):
    """A product of stages: every list multiplies.

    Attributes:
        percent: shares of the weights that are pruned.
        pretraining: how networks are trained before; "none" for drawn weights.
        inside: libraries whose PGD attacks while scoring and training.
        radius: of its ball, on images in [0, 1]; None for the data's.
        steps: of it.
        data: "digits", or the path of a folder.
        input: (channels, height, width) of an image; None for the network's usual.
    """

    counted = (*Group.counted, "steps")

    percent: tuple[float, ...] = methods.PERCENTS[:1]
    pretraining: str = "pgd"
    inside: tuple[str, ...] = ("torchattacks",)
    radius: float | None = None
    steps: tuple[int, ...] = (methods.PGD_STEPS,)
    data: str = DIGITS
    input: tuple[int, ...] | None = None
    kind: str = "pruning"


class PruningKind(OnNetworks):
    """Stages that lead from a robust network to a sparse one."""

    name = "pruning"
    subject = "pruned networks"
    options = PruningOptions
    group = PruningGroup
    findings = PruningFindings
    lines = {SCORED: ScoredRecord, PRUNED: PrunedRecord}  # noqa: RUF012 - nobody changes it
    own = ("percent", "pretraining", "inside", "radius")
    takes = (*own, "steps", "data", "input")
    hint = f"pruning; add --libs {MAD}"
    report = "reports.kinds.pruning.report:PruningReport"
    commands = (Prune(),)

    @property
    def topics(self) -> Mapping[str, Any]:
        return {"criteria": _criteria}

    def add_arguments(self, what: argparse._ArgumentGroup) -> None:
        what.add_argument(
            "--percent",
            nargs="+",
            type=numbers.share,
            metavar="P",
            help="of pruning: shares of the weights that go, between 0 and 1 (0.9)",
        )
        what.add_argument(
            "--pretraining",
            choices=PRETRAINING,
            metavar="METHOD",
            help="of the same: how networks are trained before: natural, pgd (the default), trades,"
            " mart; or none",
        )
        what.add_argument(
            "--inside",
            nargs="+",
            metavar="LIBRARY",
            help="of the same: whose PGD attacks while scoring and training (torchattacks)",
        )
        what.add_argument(
            "--radius",
            type=numbers.positive,
            metavar="EPS",
            help="of the same: radius of PGD's ball, on images in [0, 1] (0.03; of digits 0.125)",
        )

    def meant(self, request: Request) -> bool:
        return request.command == "prune" or self.meant_by_name(request)

    def suite(self, request: Request, device: str) -> str:
        return MAD

    def given(self, group: Group, request: Request) -> Group:
        """With the whole names of our own networks, which go by their published ones too."""
        found = super().given(group, request)
        return replace(found, models=tuple(full(name) for name in found.models))

    def check_names(self, request: Request) -> None:
        unknown("library", request.option("inside"), registry.names())

    def check_models(self, names: Iterable[str]) -> None:
        for name in names:
            check_network(full(name))

    def check(self, request: Request, groups: Sequence[Group], suite: str) -> None:
        for group in self.only_ours(request, groups, suite, "prune", "pruning"):
            assert isinstance(group, PruningGroup)
            _check_group(suite, group)
            if request.command == "prune" and request.option("percent") is None:
                _check_shares(suite, group)

    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        assert isinstance(group, PruningGroup)
        facts = known(group.data)
        for library, model, inside, steps, batch in itertools.product(
            group.libs, group.models, group.inside, group.steps, group.batch
        ):
            _check_batch(batch, facts)
            weights = _weights(request, group, model)
            if request.command == "prune" and weights == RANDOM:
                raise UsageError(
                    f"{model} is not trained, and there is nothing to tell by which of its weights"
                    f" matter: give --weights, or one of {', '.join(_ours())}"
                )
            offered = attacks_of(library)
            wanted = offered if ALL in group.attacks else group.attacks
            for stage in dict.fromkeys(name for name in wanted if name in offered):
                first = (inside, steps) == (group.inside[0], group.steps[0])
                if stage in WITHOUT_ATTACK and not first:
                    continue  # it begins with images that are attacked already
                options = PruningOptions(
                    input_shape=_shape(group, model, facts),
                    data=group.data,
                    classes=facts.classes,
                    pretraining=_pretraining(group) if weights == TRAINED else UNTRAINED,
                    inside=inside,
                    eps=group.radius or _radius(facts),
                    steps=steps,
                )
                asked = (library, stage, model, batch, group.dtype, device)
                for share in group.percent if stage in WITH_PERCENT else (None,):
                    case = Case(*asked, options, weights=weights)
                    yield case.with_options(percent=share)

    def make_ready(self, session: Session, cases: Sequence[Case]) -> None:
        """Train the networks that have not been trained yet."""
        training.train(session, cases, session.request.seed)


def full(name: str) -> str:
    """A network's name, where it is one of ours without what our names begin with."""
    longer = f"{MAD}_{name}"
    return longer if longer in NETWORKS else name


def _ours() -> list[str]:
    """Networks that are trained for this, by their short names."""
    return [name.removeprefix(f"{MAD}_") for name in NETWORKS if name.startswith(f"{MAD}_")]


def _shape(group: PruningGroup, model: str, facts: Facts) -> tuple[int, ...]:
    row = NETWORKS.get(model)
    side = facts.size if row is None else row.side(facts)
    return tuple(group.input or (RGB, side, side))


def _radius(facts: Facts) -> float:
    """Of digits their own: within that of photographs they hardly change."""
    return facts.eps if facts.name == DIGITS else methods.PUBLISHED_EPS


def _pretraining(group: PruningGroup) -> Pretraining:
    """Raises:
    UsageError: there is no such method.
    """
    for name in PRETRAINING:
        if name == group.pretraining:
            return name
    raise UsageError(f"pretraining = {group.pretraining!r} is none of {', '.join(PRETRAINING)}")


def _weights(request: Request, group: PruningGroup, model: str) -> str:
    if request.weights:
        return str(request.weights)
    if own_models.is_own(model):
        return AS_BUILT
    return TRAINED if model in NETWORKS and _pretraining(group) != UNTRAINED else RANDOM


def _check_batch(batch: int, facts: Facts) -> None:
    if batch < facts.classes:
        raise UsageError(
            f"--batch {batch} is smaller than the {counted(facts.classes, 'class', 'classes')} of"
            f" {facts.name}: give --batch {facts.classes} or more"
        )
    if batch > facts.images:
        has = counted(facts.images, "image")
        raise UsageError(f"--batch {batch}: {facts.name} has {has} to train on")


def _check_shares(suite: str, group: PruningGroup) -> None:
    """Whether what `prune` learns of a suite's cases has the suite's shares.

    Raises:
        UsageError: it has not.
    """
    usual = PruningGroup.__dataclass_fields__["percent"].default
    carried = {ALL, *WITH_PERCENT} & set(group.attacks)
    if group.percent != usual and not carried:
        raise UsageError(
            f"suite {suite}: percent is of {' and '.join(WITH_PERCENT)}: name one of them among its"
            " attacks, or give --percent"
        )


def _check_group(suite: str, group: PruningGroup) -> None:
    _pretraining(group)
    unknown("library", group.inside, registry.names())
    for name in group.models:
        check_network(full(name))
    for share in group.percent:
        if not 0 < share < 1:
            raise UsageError(f"suite {suite}: percent = {share:g} must be between 0 and 1")
    if group.radius is not None and not 0 < group.radius < float("inf"):
        raise UsageError(f"suite {suite}: radius = {group.radius:g} must be above 0")


def _criteria() -> str:
    """The text of `list criteria`."""
    rows = [("criterion", "weights that go first"), *methods.CRITERIA_WORDS.items()]
    return columns(rows)
