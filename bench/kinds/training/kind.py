"""Training: what can be asked of it, and the cases that makes. Imports no torch."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters import custom, data
from adapters.base import AdapterError
from adapters.data import DIGITS, Facts
from adapters.papers.methods import FAST_STEP, METHODS, Method
from bench.cases import SEMI_BACKWARD, Case
from bench.errors import UsageError
from bench.kinds import numbers
from bench.kinds.base import Kind
from bench.kinds.group import Group
from bench.kinds.images.kind import (
    RGB,
    ImageGroup,
    Images,
    check_models,
    files_of,
    from_schema_1,
    obeyed,
    weights,
)
from bench.kinds.offering import attacks_of, usual
from bench.kinds.request import Request, flag
from bench.kinds.training.command import Train
from bench.kinds.training.options import NO_ATTACK, TrainingOptions
from bench.kinds.training.plan import add_plan
from bench.kinds.training.record import LINE, TrainingRecord
from bench.words import columns, unknown
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from adapters.base import AttackInfo

REFERENCE = "reference"
"""The library of attacks of our own, which methods with an attack of theirs are built from."""
OWN_ATTACK = "pgd-backward"
STEP_SHARE = 0.25
"""Length of a step of the attack inside, in radii of its ball."""
IMAGE_SIZE = 32
"""Side of the images of most data sets to train on, in pixels; where it stands, nobody said."""


@dataclass(frozen=True, kw_only=True)
class TrainingGroup(ImageGroup):
    """A product of trainings.

    Attributes:
        training: their methods; `data` sets the images' size and classes.
        replays: of free training, a minibatch.
        data: "digits", or the path of a folder with CIFAR, SVHN, CUB or Tiny-ImageNet.
    """

    counted = (*ImageGroup.counted, "replays")

    training: tuple[str, ...]
    replays: int | None = None
    data: str = DIGITS
    kind: str = "training"

    @classmethod
    def completed(cls, table: Mapping[str, Any]) -> dict[str, Any]:
        return {"image_size": IMAGE_SIZE, **super().completed(table)}


class Training(Kind):
    """Optimisation steps of adversarial training, with libraries' attacks inside."""

    name = "training"
    options = TrainingOptions
    group = TrainingGroup
    lines = {LINE: TrainingRecord}  # noqa: RUF012 - a mapping that nobody changes
    own = ("training", "data", "replays")
    takes = (*own, *Images.own)
    hint = "--training METHOD; name a method too"
    report = "reports.kinds.training.report:TrainingReport"
    commands = (Train(),)

    @property
    def topics(self) -> Mapping[str, Callable[[], str]]:
        return {"training": _methods}

    def add_arguments(self, what: argparse._ArgumentGroup) -> None:
        what.add_argument(
            "--training",
            nargs="+",
            metavar="METHOD",
            help="measure an optimisation step of adversarial training, the attacks inside it;"
            " `list training`",
        )
        what.add_argument(
            "--data",
            metavar="digits|FOLDER",
            help="what to train on: scikit-learn's digits, or a folder with CIFAR-10, CIFAR-100,"
            " SVHN, CUB-200-2011 or Tiny-ImageNet",
        )
        what.add_argument(
            "--replays",
            type=numbers.at_least_one,
            metavar="M",
            help="how often free training uses each minibatch (8)",
        )

    def add_report_arguments(self, report: argparse.ArgumentParser) -> None:
        add_plan(report)

    def meant(self, request: Request) -> bool:
        return request.command == "train" or "training" in request.given

    def suite(self, request: Request, device: str) -> str:
        return "training"

    def claims(self, table: Mapping[str, Any]) -> bool:
        return "training" in table

    def attacks(self, libraries: Iterable[str]) -> list[str]:
        return super().attacks([*libraries, REFERENCE])

    def regrouped(self, groups: Sequence[Group], request: Request, suite: str) -> Sequence[Group]:
        """With only the methods that were asked for; groups of attacks are trained by them."""
        methods = request.option("training")
        if methods is None:
            return groups
        found: list[Group] = []
        for group in groups:
            if isinstance(group, TrainingGroup):
                if wanted := tuple(name for name in group.training if name in methods):
                    found.append(replace(group, training=wanted))
            else:
                found.append(_trained(group, methods))
        if not found:
            raise UsageError(f"suite {suite} has no training by {', '.join(methods)}")
        return found

    def given(self, group: Group, request: Request) -> Group:
        """What was given in its place, but for the methods, which `regrouped` has chosen."""
        assert isinstance(group, TrainingGroup)
        found = super().given(group, request)
        assert isinstance(found, TrainingGroup)
        return replace(found, training=group.training)

    def offered(self, library: str) -> Iterable[str]:
        return attacks_of(library)

    def usual_attack(self, library: str) -> str | None:
        return usual(library, _in_a_ball)

    def attacks_for(self, library: str, group: Group, groups: Sequence[Group]) -> tuple[str, ...]:
        """Those of the group's own that methods bring their own attack from, and one of the
        library's at least."""
        there = self.attacks([library])
        kept = [name for name in group.attacks if name in there]
        if not set(kept) & set(attacks_of(library)):
            kept += filter(None, [self.usual_attack(library)])
        return tuple(kept)

    def check_names(self, request: Request) -> None:
        unknown("training", request.option("training"), METHODS)
        if (where := request.option("data")) is not None:
            _known(where)

    def check_models(self, names: Iterable[str]) -> None:
        check_models(names)

    def check(self, request: Request, groups: Sequence[Group], suite: str) -> None:
        ours = self.of(groups)
        if ours:
            if request.command == "explain":
                raise UsageError("explain looks at attacks: leave out --training, or use run")
            for name, given in (
                ("max_batch_search", request.max_batch_search),
                ("defaults", request.option("defaults")),
                ("labels", request.option("labels")),
            ):
                if given:
                    raise UsageError(f"{flag(name)} is for attacks, not for training: leave it out")
        for group in ours:
            assert isinstance(group, TrainingGroup)
            unknown("training", group.training, METHODS)
        if request.command == "train":
            if len(ours) < len(groups):
                raise UsageError(f"suite {suite} has attacks alone: add --training METHOD")
            if request.variants is not None and SEMI_BACKWARD not in request.variants:
                raise UsageError(f"train compares {SEMI_BACKWARD} with the original: name it too")

    def files_of(self, case: Case) -> Iterable[Path]:
        return files_of(case)

    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        """Each once for methods that have no library inside."""
        assert isinstance(group, TrainingGroup)
        group = replace(group, libs=group.libs if request.libs or not request.own else ())
        facts = _known(group.data)
        said = request.option("image_size") is not None or group.image_size != IMAGE_SIZE
        if said and group.image_size != facts.size:
            raise UsageError(
                f"{facts.name} has images {facts.size} pixels wide: leave out --image-size"
            )
        shape = (RGB, facts.size, facts.size)
        if group.input not in (None, shape):
            spelt = "x".join(map(str, shape))
            raise UsageError(f"{facts.name} has images of {spelt}: leave out --input")
        for name, model, batch in itertools.product(group.training, group.models, group.batch):
            if batch > facts.images:
                has = counted(facts.images, "image")
                raise UsageError(f"--batch {batch}: {facts.name} has {has} to train on")
            options = TrainingOptions(
                input_shape=shape,
                eps=None,
                step_size=None,
                random_start=None,
                classes=facts.classes,
                training=name,
                data=group.data,
            )
            plain = Case(
                *(REFERENCE, NO_ATTACK, model, batch, group.dtype, device, options),
                weights=weights(request, model),
            )
            yield from _with_attacks(plain, METHODS[name], group, facts, request.own)

    def from_schema_1(self, case: dict[str, Any]) -> dict[str, Any] | None:
        if case.get("training") is None:
            return None
        return {
            "kind": self.name,
            **from_schema_1(case),
            "training": case.pop("training"),
            "data": case.pop("images"),
            "replays": case.pop("replays", None),
        }


def _trained(group: Group, methods: tuple[str, ...]) -> TrainingGroup:
    """A product of attacks as one of trainings with these attacks inside.

    Raises:
        UsageError: they are no attacks on images.
    """
    if not isinstance(group, ImageGroup):
        raise UsageError("--training is for attacks on images, not on text: leave it out")
    kept = {field.name: getattr(group, field.name) for field in fields(group)}
    kept |= {"kind": "training", "image_size": IMAGE_SIZE, "training": methods}
    return TrainingGroup(**kept)


def _with_attacks(
    plain: Case, method: Method, group: TrainingGroup, facts: Facts, own: Iterable[str]
) -> Iterable[Case]:
    if method.inside == "none":
        free = method.replays > 1
        replays = (group.replays or method.replays) if free else None
        yield plain.with_options(replays=replays, eps=facts.eps if free else None)
        return
    for steps in (1,) if method.one_step else group.steps or (None,):
        share = FAST_STEP if method.one_step else STEP_SHARE
        budget = plain.with_options(steps=steps, eps=facts.eps, step_size=share * facts.eps)
        if method.inside == "own":
            controls = [name for name in group.attacks if name in attacks_of(REFERENCE)]
            for attack in controls or [OWN_ATTACK]:
                yield replace(budget, attack=attack)
            continue
        for library in group.libs:
            yield from _with_library(budget.with_options(random_start=True), library, group)
        for spec in own:
            yield replace(budget, library=custom.LIBRARY, attack=spec).with_options(
                steps=None, step_size=None
            )


def _with_library(budget: Case, library: str, group: TrainingGroup) -> Iterable[Case]:
    attacks = attacks_of(library)
    found = [name for name in group.attacks if name in attacks]
    if not found and library == REFERENCE:
        found = [OWN_ATTACK]
    if not found:
        raise UsageError(
            f"{library} has none of the attacks asked for; it has {', '.join(list(attacks)[:8])},"
            " …: `list attacks`"
        )
    for attack in found:
        if not _in_a_ball(attacks[attack]):
            raise UsageError(
                f"training needs an attack with gradients in a ball; {library} {attack} is none"
            )
        yield obeyed(replace(budget, library=library, attack=attack), attacks[attack])


def _in_a_ball(attack: AttackInfo) -> bool:
    """Whether a training can be by this attack."""
    return attack.access != "black-box" and attack.takes("eps")


def _known(where: str) -> Facts:
    """What is known of the data.

    Raises:
        UsageError: they are not there.
    """
    try:
        return data.facts(where)
    except AdapterError as error:
        raise UsageError(str(error)) from error


def _methods() -> str:
    """The text of `list training`."""
    inside = {"library": "any library's", "own": "its own", "none": "-"}
    rows = [("method", "source", "attack inside", "theory: 1 step, 7, 20")]
    for name, method in METHODS.items():
        if method.inside == "none":
            theory = "1.00"
        elif method.one_step:
            theory = f"{method.theory(1):.2f}"
        else:
            theory = ", ".join(f"{method.theory(steps):.2f}" for steps in (1, 7, 20))
        rows.append((name, method.source, inside[method.inside], theory))
    return columns(rows)
