"""Attacks by Monte-Carlo gradients: what can be asked of them, and the cases that makes. Imports no
torch."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters.agents import environments
from adapters.base import AdapterError
from adapters.data import DIGITS, Facts
from adapters.models import custom as own_models
from adapters.models.classifiers.catalogue import NETWORKS
from adapters.papers.sap import methods
from bench.cases import AS_BUILT, Case
from bench.errors import UsageError
from bench.kinds import numbers
from bench.kinds.command import Session
from bench.kinds.group import ALL, Group
from bench.kinds.images.kind import RGB
from bench.kinds.images.networks import OnNetworks, check_network, known
from bench.kinds.offering import attacks_of
from bench.kinds.request import Request
from bench.kinds.sampling import training
from bench.kinds.sampling.command import Robustness
from bench.kinds.sampling.findings import (
    JUDGED,
    PLAYED,
    AgentRecord,
    RobustnessRecord,
    SamplingFindings,
)
from bench.kinds.sampling.options import (
    AGENT,
    GRADIENTS,
    ITERATIVE,
    RANDOM,
    TRAINED,
    SamplingOptions,
)
from bench.words import columns, unknown

SAP = "sap"
"""The library of these attacks."""


@dataclass(frozen=True, kw_only=True)
class SamplingGroup(Group):
    """A product of attacks by Monte-Carlo gradients: every list multiplies.

    Attributes:
        defences: of the networks, as "sap-100".
        samples: Monte-Carlo samples of each gradient.
        chunk: samples that one pass takes; None for as many as pay and fit.
        strength: λ, on a scale of 0 to 255.
        step: k of the iterative attack, on the same scale.
        gradients: whose the attacks follow.
        data: "digits", or the path of a folder with CIFAR, SVHN, CUB or Tiny-ImageNet.
        environments: that agents act in; the images of `data` where it is empty.
        input: (channels, height, width) of an image; None for the network's usual.
    """

    counted = (*Group.counted, "samples", "chunk")

    defences: tuple[str, ...] = ("sap-100",)
    samples: tuple[int, ...] = (10,)
    chunk: int | None = None
    strength: tuple[float, ...] = (8.0,)
    step: float = 1.0
    gradients: tuple[str, ...] = GRADIENTS[:1]
    data: str = DIGITS
    environments: tuple[str, ...] = ()
    input: tuple[int, ...] | None = None
    kind: str = "sampling"


class SamplingKind(OnNetworks):
    """Attacks on networks that draw at random in every forward pass."""

    name = "sampling"
    subject = "defended networks"
    options = SamplingOptions
    group = SamplingGroup
    findings = SamplingFindings
    lines = {JUDGED: RobustnessRecord, PLAYED: AgentRecord}  # noqa: RUF012 - nobody changes it
    own = ("samples", "chunk", "strength", "step", "gradients", "environments")
    takes = (*own, "defences", "data", "input")
    hint = f"attacks by Monte-Carlo gradients; add --libs {SAP}"
    report = "reports.kinds.sampling.report:SamplingReport"
    commands = (Robustness(),)

    @property
    def topics(self) -> Mapping[str, Any]:
        return {"defences": _defences}

    def add_arguments(self, what: argparse._ArgumentGroup) -> None:
        what.add_argument(
            "--samples",
            nargs="+",
            type=numbers.at_least_one,
            metavar="N",
            help="of attacks by Monte-Carlo gradients: samples of each gradient (10)",
        )
        what.add_argument(
            "--chunk",
            type=numbers.at_least_one,
            metavar="N",
            help="samples that one pass takes (as many as pay and fit into free memory)",
        )
        what.add_argument(
            "--strength",
            nargs="+",
            type=numbers.not_negative,
            metavar="λ",
            help="of the same: radius of the ball on a scale of 0 to 255 (8)",
        )
        what.add_argument(
            "--step",
            type=numbers.positive,
            metavar="K",
            help="of the iterative attack: length of a step on that scale (1); it takes λ / K",
        )
        what.add_argument(
            "--gradients",
            nargs="+",
            choices=GRADIENTS,
            metavar="WHOSE",
            help="of the same: follow the defended network's own gradient (own, the default), or"
            " the undefended one's (dense)",
        )
        what.add_argument(
            "--environments",
            nargs="+",
            metavar="NAME",
            help=f"attack what an agent observes in place of images: {environments.CATCH}, or one"
            " of gymnasium's such as ALE/Pong-v5",
        )

    def meant(self, request: Request) -> bool:
        return request.command == "robustness" or self.meant_by_name(request)

    def suite(self, request: Request, device: str) -> str:
        return "sap-robustness" if request.command == "robustness" else SAP

    def check_models(self, names: Iterable[str]) -> None:
        for name in names:
            check_network(name, AGENT)

    def given(self, group: Group, request: Request) -> Group:
        assert isinstance(group, SamplingGroup)
        found = super().given(group, request)
        assert isinstance(found, SamplingGroup)
        if request.option("environments") and request.models is None:
            found = replace(found, models=(AGENT,))
        elif request.models is not None and AGENT not in request.models:
            found = replace(found, environments=tuple(request.option("environments") or ()))
        return found

    def check(self, request: Request, groups: Sequence[Group], suite: str) -> None:
        for group in self.only_ours(request, groups, suite, "robustness", "defended networks"):
            assert isinstance(group, SamplingGroup)
            _check_group(suite, group)

    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        assert isinstance(group, SamplingGroup)
        places: Sequence[str | None] = group.environments or (None,)
        for library, model, place, batch in itertools.product(
            group.libs, group.models, places, group.batch
        ):
            _check_agent(model, place)
            shown = _shown(group, model, place)
            offered = attacks_of(library)
            wanted = offered if ALL in group.attacks else group.attacks
            for attack in dict.fromkeys(name for name in wanted if name in offered):
                for options in _options(group, attack, shown):
                    weights = _weights(request, model)
                    yield Case(
                        *(library, attack, model, batch, group.dtype, device, options),
                        weights=weights,
                    )

    def make_ready(self, session: Session, cases: Sequence[Case]) -> None:
        """Train the networks and agents that have not been trained yet."""
        training.train(session, cases, session.request.seed)


def _options(
    group: SamplingGroup, attack: str, shown: Mapping[str, Any]
) -> Iterable[SamplingOptions]:
    """Every setting that differs for the attack, each once."""
    found: dict[SamplingOptions, None] = {}
    for spec, strength, gradient, samples in itertools.product(
        group.defences, group.strength, group.gradients, group.samples
    ):
        defence = methods.parse(spec)
        if attack == ITERATIVE and not strength:
            raise UsageError("the iterative attack of --strength 0 takes no step: give one above 0")
        blind = attack == "noise"
        own = gradient == GRADIENTS[0] or defence.name == methods.DENSE
        drawn = defence.method.drawn and own and not blind
        options = SamplingOptions(
            defence=defence.spec,
            samples=samples if drawn else 1,
            chunk=group.chunk if drawn else None,
            strength=float(strength),
            step=group.step if attack == ITERATIVE else 1.0,
            gradient="own" if own or blind else "dense",
            **shown,
        )
        found[options] = None
    return found


def _shown(group: SamplingGroup, model: str, place: str | None) -> dict[str, Any]:
    """What of a case's options tells what the network is shown."""
    if place is not None:
        try:
            room = environments.facts(place)
        except AdapterError as error:
            raise UsageError(str(error)) from error
        return {"input_shape": room.input_shape, "classes": room.actions, "environment": place}
    facts = known(group.data)
    shape = group.input or (RGB, *(2 * (_side(model, facts),)))
    return {"input_shape": tuple(shape), "classes": facts.classes, "data": group.data}


def _side(model: str, facts: Facts) -> int:
    row = NETWORKS.get(model)
    return facts.size if row is None else row.side(facts)


def _check_agent(model: str, place: str | None) -> None:
    if place is not None and model != AGENT:
        raise UsageError(f"--environments are for the network {AGENT}, and {model} is shown images")
    if place is None and model == AGENT:
        raise UsageError(f"{AGENT} acts in an environment: name one with --environments")


def _check_group(suite: str, group: SamplingGroup) -> None:
    unknown("gradient", group.gradients, GRADIENTS)
    for spec in group.defences:
        try:
            methods.parse(spec)
        except AdapterError as error:
            raise UsageError(str(error)) from error
    for name in group.models:
        check_network(name, AGENT)
    wrong = [value for value in group.strength if not 0 <= value < float("inf")]
    if wrong:
        raise UsageError(f"suite {suite}: strength = {wrong[0]:g} must be at least 0")
    if not 0 < group.step < float("inf"):
        raise UsageError(f"suite {suite}: step = {group.step:g} must be above 0")


def _weights(request: Request, model: str) -> str:
    if request.weights:
        return str(request.weights)
    if model == AGENT or model in NETWORKS:
        return TRAINED
    return AS_BUILT if own_models.is_own(model) else RANDOM


def _defences() -> str:
    """The text of `list defences`."""
    rows = [("defence", "changes", "its number", "Dhillon et al. 2018")]
    for name, method in methods.METHODS.items():
        spec = methods.Defence(name, method.usual).spec
        rows.append((spec, method.place, method.value or "-", method.source))
    return columns(rows)
