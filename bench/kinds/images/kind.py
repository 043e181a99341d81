"""Attacks on images: what can be asked of them, and the cases that makes. Imports no torch."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from adapters import custom, images
from adapters.base import AdapterError
from adapters.models import catalogue
from bench.cases import A_A, FORWARD_ONLY, SEMI_BACKWARD, Case
from bench.errors import UsageError
from bench.kinds import numbers
from bench.kinds.base import Kind
from bench.kinds.group import ALL, Group
from bench.kinds.images.options import PHOTOGRAPHS, ImageOptions, OnImages
from bench.kinds.offering import attacks_of
from bench.kinds.request import Request
from bench.words import closest

if TYPE_CHECKING:
    from adapters.base import AttackInfo

QUICK = "quick"
PAPER_LIBRARIES = "paper-libraries"
COUNTS = "counts"


@dataclass(frozen=True, kw_only=True)
class ImageGroup(Group):
    """A product of attacks on images.

    Attributes:
        image_size: side in pixels.
        steps: may be left out with `defaults`, the libraries' own hyperparameters.
        classes: of a model with random weights.
    """

    counted: ClassVar[tuple[str, ...]] = ("batch", "image_size", "steps", "classes")

    image_size: int
    steps: tuple[int, ...] | None = None
    defaults: bool = False
    classes: int | None = None
    kind: str = "images"

    @classmethod
    def completed(cls, table: Mapping[str, Any]) -> dict[str, Any]:
        steps = table.get("steps")
        return {**table, **({"steps": [steps]} if isinstance(steps, int) else {})}

    @classmethod
    def needed(cls, table: Mapping[str, Any]) -> list[str]:
        return [*super().needed(table), *([] if table.get("defaults") else ["steps"])]


class Images(Kind):
    """Attacks on images, as their libraries' users call them."""

    name = "images"
    options = ImageOptions
    group = ImageGroup
    own = ("steps", "defaults", "classes", "image_size", "images")
    hint = "attacks on images: leave it out"
    duels = True
    report = "reports.kinds.images.report:ImageReport"

    def add_arguments(self, what: argparse._ArgumentGroup) -> None:
        what.add_argument(
            "--steps",
            nargs="+",
            type=numbers.at_least_one,
            metavar="N",
            help="steps of the attack",
        )
        what.add_argument(
            "--defaults",
            action="store_true",
            help="the libraries' own hyperparameters (but --steps), not settings alike for all",
        )
        what.add_argument(
            "--classes",
            type=numbers.at_least_one,
            metavar="N",
            help="classes of a model with random weights",
        )
        what.add_argument(
            "--image-size", type=numbers.at_least_one, metavar="N", help="side in pixels"
        )
        what.add_argument("--images", type=Path, metavar="FOLDER", help="your own photographs")

    def suite(self, request: Request, device: str) -> str:
        if request.command == "counts":
            return COUNTS
        return PAPER_LIBRARIES if device.startswith("cuda") else QUICK

    def given(self, group: Group, request: Request) -> Group:
        if isinstance(group, ImageGroup) and request.option("defaults"):
            group = replace(group, steps=None)
        return super().given(group, request)

    def check_names(self, request: Request) -> None:
        folder = request.option("images")
        try:
            if folder is not None:
                images.files_in(folder)
        except AdapterError as error:
            raise UsageError(str(error)) from error

    def check_models(self, names: Iterable[str]) -> None:
        check_models(names)

    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        assert isinstance(group, ImageGroup)
        libraries = group.libs if request.libs or not request.own else ()
        for library in libraries:
            offered = attacks_of(library)
            wanted = offered if ALL in group.attacks else group.attacks
            for attack in dict.fromkeys(wanted):
                if attack in offered:
                    for case in _cases(group, library, attack, group.steps or (None,), device):
                        yield obeyed(_asked(case, request), offered[attack])
        for spec in request.own:
            for case in _cases(group, custom.LIBRARY, spec, (None,), device):
                yield _asked(case, request)

    def fitting(self, case: Case) -> tuple[str, ...]:
        """Black-box attacks can do without any gradient; of a user's nobody knows."""
        free = case.library == custom.LIBRARY or _black_box(case)
        return (A_A, SEMI_BACKWARD, *((FORWARD_ONLY,) if free else ()))

    def usual(self, case: Case) -> tuple[str, ...]:
        free = case.library != custom.LIBRARY and _black_box(case)
        return (SEMI_BACKWARD, FORWARD_ONLY) if free else (SEMI_BACKWARD,)

    def from_schema_1(self, case: dict[str, Any]) -> dict[str, Any] | None:
        own = {name: case.pop(name) for name in ("images",) if name in case}
        return {"kind": self.name, **from_schema_1(case), **own}


def from_schema_1(case: dict[str, Any]) -> dict[str, Any]:
    """What the first version of records had of an attack on images, taken out of its case."""
    names = ("input_shape", "steps", "eps", "step_size", "random_start", "classes")
    return {name: case.pop(name) for name in names if name in case}


def check_models(names: Iterable[str]) -> None:
    """Whether these are timm's models, or ours.

    Raises:
        UsageError: one is not.
    """
    if not catalogue.timm_names():
        return  # no timm here: every case will say so, with the command that installs it
    for name in names:
        if not catalogue.is_known(name):
            raise UsageError(f"unknown model {name!r}{closest(name, catalogue.names())}")


def weights(request: Request) -> str:
    """What a case's weights are, as asked."""
    return "pretrained" if request.pretrained else str(request.weights or "random")


def obeyed(case: Case, info: AttackInfo) -> Case:
    """The case with only those settings that its attack obeys, so that the record tells no more."""
    asked = OnImages.of(case)
    names = ("steps", "eps", "step_size", "random_start")
    return case.with_options(
        **{name: getattr(asked, name) if info.takes(name) else None for name in names}
    )


def _black_box(case: Case) -> bool:
    return attacks_of(case.library)[case.attack].access == "black-box"


def _asked(case: Case, request: Request) -> Case:
    folder = str(request.option("images") or PHOTOGRAPHS)
    return replace(case, weights=weights(request)).with_options(images=folder)


def _cases(
    group: ImageGroup, library: str, attack: str, every: Iterable[int | None], device: str
) -> Iterable[Case]:
    shape = (3, group.image_size, group.image_size)
    settings: dict[str, Any] = (
        dict.fromkeys(("eps", "step_size", "random_start")) if group.defaults else {}
    )
    for model, batch, steps in itertools.product(group.models, group.batch, every):
        options = ImageOptions(input_shape=shape, steps=steps, classes=group.classes, **settings)
        yield Case(library, attack, model, batch, group.dtype, device, options)
