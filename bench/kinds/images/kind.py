"""Attacks on images: what can be asked of them, and the cases that makes. Imports no torch."""

from __future__ import annotations

import argparse
import contextlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from adapters import custom, images
from adapters.base import AdapterError
from adapters.models import catalogue
from adapters.models import custom as own_models
from bench import files
from bench.cases import A_A, AS_BUILT, FORWARD_ONLY, SEMI_BACKWARD, Case
from bench.errors import UsageError
from bench.kinds import numbers
from bench.kinds.base import Ask, Kind
from bench.kinds.group import ALL, Group
from bench.kinds.images.options import PHOTOGRAPHS, ImageOptions, OnImages
from bench.kinds.offering import attacks_of, usual
from bench.kinds.request import Request
from bench.variants import naming
from bench.words import closest

if TYPE_CHECKING:
    from adapters.base import AttackInfo

QUICK = "quick"
PAPER_LIBRARIES = "paper-libraries"
COUNTS = "counts"
SHAPES = "bench.kinds.images.shapes:Server"
"""What tells in a worker the shapes that users' models declare."""
RGB = 3
"""Channels of a photograph."""


@dataclass(frozen=True, kw_only=True)
class ImageGroup(Group):
    """A product of attacks on images.

    Attributes:
        image_size: side in pixels.
        input: (channels, height, width) of an image, where it is no square of three channels.
        steps: may be left out with `defaults`, the libraries' own hyperparameters.
        classes: of a model with random weights.
    """

    counted: ClassVar[tuple[str, ...]] = ("batch", "image_size", "input", "steps", "classes")

    image_size: int
    input: tuple[int, ...] | None = None
    steps: tuple[int, ...] | None = None
    defaults: bool = False
    classes: int | None = None
    kind: str = "images"

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width) of an image."""
        return self.input or (RGB, self.image_size, self.image_size)

    @classmethod
    def completed(cls, table: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(table)
        if isinstance(found.get("steps"), int):
            found["steps"] = [found["steps"]]
        if isinstance(found.get("input"), str):
            with contextlib.suppress(argparse.ArgumentTypeError):
                found["input"] = list(numbers.shape(found["input"]))
        if isinstance(found.get("input"), list) and found["input"]:
            found.setdefault("image_size", found["input"][-1])
        return found

    @classmethod
    def needed(cls, table: Mapping[str, Any]) -> list[str]:
        return [*super().needed(table), *([] if table.get("defaults") else ["steps"])]


class Images(Kind):
    """Attacks on images, as their libraries' users call them."""

    name = "images"
    options = ImageOptions
    group = ImageGroup
    own = ("steps", "defaults", "classes", "image_size", "input", "images", "labels")
    hint = "attacks on images: leave it out"
    advises = True
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
            help="how many classes a model with random weights has; one of your own tells its own",
        )
        size = what.add_mutually_exclusive_group()
        size.add_argument(
            "--image-size",
            type=numbers.at_least_one,
            metavar="N",
            help="side of an image in pixels",
        )
        size.add_argument(
            "--input",
            type=numbers.shape,
            metavar="CxHxW",
            help="shape of an image, as 1x28x28, for a model of your own that does not declare it",
        )
        what.add_argument("--images", type=Path, metavar="FOLDER", help="your own photographs")
        what.add_argument(
            "--labels",
            nargs="+",
            metavar="N|FILE",
            help="a class for each image, counted from 0: as numbers, or in a text file, one a line"
            " (default: the model's own predictions)",
        )

    def suite(self, request: Request, device: str) -> str:
        if request.command == "counts":
            return COUNTS
        return PAPER_LIBRARIES if device.startswith("cuda") else QUICK

    def given(self, group: Group, request: Request) -> Group:
        if isinstance(group, ImageGroup) and request.option("defaults"):
            group = replace(group, steps=None)
        if isinstance(group, ImageGroup) and request.option("image_size") is not None:
            group = replace(group, input=None)
        return super().given(group, request)

    def usual_attack(self, library: str) -> str | None:
        return usual(library)

    def check_names(self, request: Request) -> None:
        folder = request.option("images")
        try:
            if folder is not None:
                images.files_in(folder)
        except AdapterError as error:
            raise UsageError(str(error)) from error
        if request.option("labels") is not None:
            if request.max_batch_search:
                raise UsageError("--labels are for one batch: leave out --max-batch-search")
            labels_of(request)

    def check_models(self, names: Iterable[str]) -> None:
        check_models(names)

    def told(self, group: Group, request: Request, ask: Ask) -> Iterable[Group]:
        assert isinstance(group, ImageGroup)
        return in_declared_shapes(group, request, ask)

    def files_of(self, case: Case) -> Iterable[Path]:
        return files_of(case)

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
        return (A_A, *(name for name in naming.PARTS if free or name != FORWARD_ONLY))

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
    """Whether these are timm's models, or ours, or there as the user's own.

    Raises:
        UsageError: one is not.
    """
    for name in names:
        if own_models.is_own(name):
            try:
                own_models.check(name)
            except AdapterError as error:
                raise UsageError(str(error)) from error
        elif catalogue.timm_names() and not catalogue.is_known(name):
            # Without timm here every case will say so, with the command that installs it.
            near = closest(name, catalogue.names())
            raise UsageError(f"unknown model {name!r}{near}; your own: {own_models.EXAMPLE}")


def weights(request: Request, model: str) -> str:
    """What a case's weights are, as asked."""
    usual = AS_BUILT if own_models.is_own(model) else "random"
    return "pretrained" if request.pretrained else str(request.weights or usual)


def files_of(case: Case) -> Iterable[Path]:
    """The user's file that a case's model comes from."""
    found = own_models.file_of(case.model) if own_models.is_own(case.model) else None
    return () if found is None else (found,)


def in_declared_shapes(group: ImageGroup, request: Request, ask: Ask) -> Iterable[ImageGroup]:
    """The group, or one for each model where users' own declare the shape of their images.

    A declared shape stands where --input does not. Of --image-size it takes the channels only.

    Raises:
        UsageError: what a model declares is no shape.
    """
    shapes = declared_shapes(group.models, request, ask)
    if request.option("image_size") is not None:
        sides = (group.image_size, group.image_size)
        shapes = {name: (channels, *sides) for name, (channels, *_) in shapes.items()}
    if not shapes:
        return (group,)
    return [
        replace(group, models=(name,), input=shapes.get(name, group.input)) for name in group.models
    ]


def declared_shapes(
    models: Iterable[str], request: Request, ask: Ask
) -> dict[str, tuple[int, ...]]:
    """The shapes of images that users' own models declare, by model; none where --input is given.

    Raises:
        UsageError: what a model declares is no shape.
    """
    own = [name for name in models if own_models.is_own(name)]
    if not own or request.option("input") is not None:
        return {}
    found = ask({"do": "own", "server": SHAPES, "request": {"models": own, "seed": request.seed}})
    return {name: tuple(shape) for name, shape in found.get("shapes", {}).items()}


def labels_of(request: Request) -> tuple[int, ...] | None:
    """The labels that were asked for; None for the model's own predictions.

    Raises:
        UsageError: they are no class indices, or their file can't be read.
    """
    words: Sequence[str] | None = request.option("labels")
    if words is None:
        return None
    where = "--labels"
    if len(words) == 1 and not words[0].lstrip("+-").isdigit():
        where = f"--labels {words[0]}"
        try:
            words = files.text(Path(words[0])).split()
        except files.Unreadable as error:
            raise UsageError(f"{where}: can't be read: {error}") from error
    wrong = next((word for word in words if not word.isdecimal()), None)
    if wrong is not None:
        raise UsageError(f"{where}: {wrong!r} is no class; give numbers from 0, one an image")
    return tuple(int(word) for word in words)


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
    labels = labels_of(request)
    if labels is not None and len(labels) != case.batch:
        raise UsageError(f"--labels: {len(labels)} for a batch of {case.batch}; give one an image")
    found = replace(case, weights=weights(request, case.model))
    if own_models.is_own(case.model):
        # A user's model has as many as it has; a suite's number is for those that are built here.
        found = found.with_options(classes=request.option("classes"))
    return found.with_options(images=folder, labels=labels)


def _cases(
    group: ImageGroup, library: str, attack: str, every: Iterable[int | None], device: str
) -> Iterable[Case]:
    settings: dict[str, Any] = (
        dict.fromkeys(("eps", "step_size", "random_start")) if group.defaults else {}
    )
    for model, batch, steps in itertools.product(group.models, group.batch, every):
        _check_channels(model, group.shape)
        options = ImageOptions(
            input_shape=group.shape, steps=steps, classes=group.classes, **settings
        )
        yield Case(library, attack, model, batch, group.dtype, device, options)


def _check_channels(model: str, shape: tuple[int, ...]) -> None:
    if shape[0] != RGB and not own_models.is_own(model):
        raise UsageError(
            f"{model} takes images of {RGB} channels, not {'x'.join(map(str, shape))}: leave out"
            " --input, or name a model of your own"
        )
