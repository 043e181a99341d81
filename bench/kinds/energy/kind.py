"""Energy attacks: what can be asked of them, and the cases that makes. Imports no torch."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from adapters import custom
from adapters.base import AdapterError
from adapters.data import DIGITS, Facts
from adapters.models import custom as own_models
from adapters.models.dynamic.catalogue import NETWORKS
from adapters.papers.energy import defences, methods
from bench.cases import AS_BUILT, Case
from bench.errors import UsageError
from bench.kinds import numbers
from bench.kinds.command import Session
from bench.kinds.energy import training
from bench.kinds.energy.command import Energy
from bench.kinds.energy.findings import LINE, EnergyFindings, EnergyRecord
from bench.kinds.energy.options import NORMS, SPACES, TRAINED, EnergyOptions
from bench.kinds.group import ALL, Group
from bench.kinds.images.kind import RGB, files_of
from bench.kinds.images.networks import OnNetworks, known
from bench.kinds.offering import attacks_of
from bench.kinds.request import Request
from bench.words import columns, unknown
from semibackward_bench.grammar import counted

PAPERS = "papers"
"""The library of attacks that only papers have."""


@dataclass(frozen=True, kw_only=True)
class EnergyGroup(Group):
    """A product of energy attacks: every list but `transfer` and `defences` multiplies.

    Attributes:
        steps: iterations of a timed run.
        iterations: of the attack to its end; None for the method's own.
        alpha: weights of the imperceptibility loss.
        power: p of the power loss.
        space: how images stay in [0, 1].
        norm: of the imperceptibility loss.
        keep_label: whether a classification loss keeps the label.
        data: "digits", or the path of a folder with CIFAR, SVHN, CUB or Tiny-ImageNet.
        transfer: networks that the perturbed images are tried on, too.
        defences: what they are tried behind, too.
        input: (channels, height, width) that a user's network takes; None for the data's.
    """

    counted = (*Group.counted, "steps", "iterations")

    steps: tuple[int, ...] = (10,)
    iterations: int | None = None
    alpha: tuple[float, ...] = (100.0,)
    power: tuple[float, ...] = (4.0,)
    space: tuple[str, ...] = SPACES[:1]
    norm: tuple[str, ...] = NORMS[:1]
    keep_label: bool = False
    data: str = DIGITS
    transfer: tuple[str, ...] = ()
    defences: tuple[str, ...] = ()
    input: tuple[int, ...] | None = None
    kind: str = "energy"


class EnergyKind(OnNetworks):
    """Attacks on dynamic networks that make them execute more."""

    name = "energy"
    subject = "dynamic networks"
    options = EnergyOptions
    group = EnergyGroup
    findings = EnergyFindings
    lines = {LINE: EnergyRecord}  # noqa: RUF012 - a mapping that nobody changes
    own = (
        *("alpha", "power", "space", "norm", "keep_label", "iterations"),
        *("transfer", "defences"),
    )
    takes = (*own, "steps", "data", "input")
    hint = f"energy attacks; add --libs {PAPERS}"
    report = "reports.kinds.energy.report:EnergyReport"
    commands = (Energy(),)

    @property
    def topics(self) -> Mapping[str, Callable[[], str]]:
        return {"networks": _networks}

    def add_arguments(self, what: argparse._ArgumentGroup) -> None:
        what.add_argument(
            "--alpha",
            nargs="+",
            type=numbers.not_negative,
            metavar="X",
            help="of energy attacks: weight of the imperceptibility loss (100)",
        )
        what.add_argument(
            "--power",
            nargs="+",
            type=numbers.from_one,
            metavar="P",
            help="of energy attacks: p of the power loss (4)",
        )
        what.add_argument(
            "--space",
            nargs="+",
            choices=SPACES,
            metavar="NAME",
            help="of energy attacks: how images are kept in [0, 1]: tanh (the default), or"
            " projection",
        )
        what.add_argument(
            "--norm",
            nargs="+",
            choices=NORMS,
            metavar="NAME",
            help="of energy attacks: norm of the imperceptibility loss: l2 (the default), or linf",
        )
        what.add_argument(
            "--keep-label",
            action="store_true",
            help="of energy attacks: with a classification loss that keeps the label",
        )
        what.add_argument(
            "--iterations",
            type=numbers.at_least_one,
            metavar="N",
            help="of energy attacks: how far one is taken that is not timed (its paper's number);"
            " --steps are those of a timed run",
        )
        what.add_argument(
            "--transfer",
            nargs="+",
            metavar="NETWORK",
            help="of energy attacks: other networks to try the perturbed images on; `list"
            " networks`",
        )
        what.add_argument(
            "--defences",
            nargs="+",
            metavar="NAME|SPEC",
            help="of energy attacks: what to try them behind:"
            f" {', '.join(defences.DEFENCES)}, or your own FILE.py:FUNCTION(images) -> images",
        )

    def meant(self, request: Request) -> bool:
        return request.command == "energy" or self.meant_by_name(request)

    def suite(self, request: Request, device: str) -> str:
        return "energy"

    def check_names(self, request: Request) -> None:
        for name in request.option("transfer") or ():
            _check_network(name)

    def check_models(self, names: Iterable[str]) -> None:
        for name in names:
            _check_network(name)

    def check(self, request: Request, groups: Sequence[Group], suite: str) -> None:
        for group in self.only_ours(request, groups, suite, "energy", "energy attacks"):
            assert isinstance(group, EnergyGroup)
            unknown("space", group.space, SPACES)
            unknown("norm", group.norm, NORMS)
            for name in group.defences:
                _check_defence(name)
            for name in group.transfer:
                _check_network(name)
            _check_numbers(suite, group)

    def files_of(self, case: Case) -> Iterable[Path]:
        """The user's network, and the user's defences."""
        own = (name for name in EnergyOptions.of(case).defences if name not in defences.DEFENCES)
        return [*files_of(case), *(Path(custom.parse(name).place) for name in own)]

    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        assert isinstance(group, EnergyGroup)
        facts = known(group.data)
        for library, model, batch in itertools.product(group.libs, group.models, group.batch):
            if batch > facts.test_images:
                has = counted(facts.test_images, "image")
                raise UsageError(f"--batch {batch}: {facts.name} has {has} to attack")
            offered = attacks_of(library)
            wanted = offered if ALL in group.attacks else group.attacks
            for attack in dict.fromkeys(name for name in wanted if name in offered):
                for options in _options(group, attack, _shape(group, model, facts), facts):
                    yield Case(
                        *(library, attack, model, batch, group.dtype, device, options),
                        weights=_weights(request, model),
                    )

    def make_ready(self, session: Session, cases: Sequence[Case]) -> None:
        """Train the networks that have not been trained yet."""
        wanted = training.wanted(cases, session.request.seed)
        training.train(session, wanted)


def _options(
    group: EnergyGroup, attack: str, shape: tuple[int, ...], facts: Facts
) -> Iterable[EnergyOptions]:
    """Every setting that the attack obeys, each once."""
    obeyed = _obeyed(attack)
    usual = {f.name: f.default for f in fields(EnergyOptions)}
    lists = {
        name: getattr(group, name) if name in obeyed else (usual[name],)
        for name in ("alpha", "power", "space", "norm")
    }
    for steps, *values in itertools.product(group.steps, *lists.values()):
        yield EnergyOptions(
            input_shape=shape,
            steps=steps,
            iterations=group.iterations or methods.ATTACKS[attack].default_steps,
            keep_label=group.keep_label and "keep_label" in obeyed,
            data=group.data,
            classes=facts.classes,
            transfer=group.transfer,
            defences=group.defences,
            **dict(zip(lists, values, strict=True)),
        )


def _obeyed(attack: str) -> set[str]:
    """The settings that an attack obeys, so that a case tells no more."""
    method = methods.METHODS[attack]
    if method.early_exits:
        return set()
    return {"alpha", "space", "norm", "keep_label"} | (
        {"power"} if method.off == "power" else set()
    )


def _shape(group: EnergyGroup, model: str, facts: Facts) -> tuple[int, ...]:
    if own_models.is_own(model) and group.input is not None:
        return group.input
    if group.input is not None:
        raise UsageError(f"--input is for a network of your own; {model} takes {facts.name}")
    return (RGB, facts.size, facts.size)


def _weights(request: Request, model: str) -> str:
    usual = AS_BUILT if own_models.is_own(model) else TRAINED
    return str(request.weights or usual)


def _check_network(name: str) -> None:
    if own_models.is_own(name):
        try:
            own_models.check(name)
        except AdapterError as error:
            raise UsageError(str(error)) from error
        return
    try:
        unknown("dynamic network", [name], NETWORKS)
    except UsageError as error:
        raise UsageError(f"{error}; or your own, as {own_models.EXAMPLE}") from error


def _check_defence(name: str) -> None:
    try:
        defences.check(name)
    except AdapterError as error:
        raise UsageError(str(error)) from error


def _check_numbers(suite: str, group: EnergyGroup) -> None:
    for name, least in (("alpha", 0), ("power", 1)):
        wrong = [value for value in getattr(group, name) if not least <= value < float("inf")]
        if wrong:
            raise UsageError(f"suite {suite}: {name} = {wrong[0]:g} must be at least {least}")


def _networks() -> str:
    """The text of `list networks`."""
    rows = [("network", "source", "on digits")]
    for name, network in NETWORKS.items():
        rows.append((name, network.source, counted(network.digits.epochs, "epoch")))
    return columns(rows)
