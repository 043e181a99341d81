"""Attacks on images: their words, columns and commands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from bench.cases import Case
from bench.kinds.images.options import PHOTOGRAPHS, ImageOptions, OnImages
from reports.reading import models
from reports.reading.kind import USER, KindReport, weights_words, workload_words
from reports.tables import columns
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from bench.records.reading import Run
    from bench.records.types import ComparisonRecord
    from reports.table import Table

_KEYS = {
    "libraries": ("library",),
    "batch_sizes": ("batch",),
    "models": ("model",),
    "attacks": ("library", "attack"),
}


class OnImagesReport(KindReport):
    """What attacks on images have in common, by themselves or inside a training."""

    outputs = "adversarial examples"
    inputs = "image"
    headline: ClassVar[tuple[str, ...]] = ("steps",)

    def size(self, case: Case) -> str:
        return f"{counted(case.batch, self.inputs)} of {self.shape(case)}"

    def shape(self, case: Case) -> str:
        return "×".join(str(length) for length in OnImages.of(case).input_shape)

    def setting(self, case: Case) -> str:
        return "".join(f", {each}" for each in steps_spelt(case))

    def cells(self, case: Case) -> dict[str, object]:
        found = super().cells(case)
        del found["image_size"]
        return {**found, "input_shape": self.shape(case)}

    def facets(self, case: Case) -> dict[str, str]:
        found = OnImages.of(case)
        start = "random" if found.random_start else "fixed"
        length = found.step_size
        return {
            "size": self.shape(case),
            "steps": "" if found.steps is None else counted(found.steps, "step"),
            "eps": "" if found.eps is None else f"ε {found.eps:.3g}",
            "step size": "" if length is None else f"steps of {length:.3g}",
            "start": "" if found.random_start is None else f"{start} start",
            "classes": "" if found.classes is None else counted(found.classes, "class", "classes"),
        }


class ImageReport(OnImagesReport):
    """Attacks on images, as their libraries' users call them."""

    published = {  # noqa: RUF012 - a mapping that nobody changes
        "paper-libraries": "libraries",
        "paper-batch-sizes": "batch_sizes",
        "paper-models": "models",
        "paper-attacks": "attacks",
    }

    def budget(self, case: Case) -> list[str]:
        return steps_spelt(case)

    def cells(self, case: Case) -> dict[str, object]:
        """With a column of labels only where some were given."""
        found, labels = super().cells(case), ImageOptions.of(case).labels
        del found["labels"]
        return {**found, **({} if labels is None else {"labels": _joined(labels)})}

    def title(self, case: Case, column: str) -> str:
        names = [
            "" if column == "library" else case.library,
            "" if column == "attack" else case.attack,
            "" if column == "model" else f"on {models.name(case)}",
        ]
        found = ImageOptions.of(case)
        batch = "images" if column == "batch" else counted(case.batch, self.inputs)
        images = "" if found.images == PHOTOGRAPHS else f" from {found.images}"
        rest = (case.dtype, models.weights(case), case.device)
        more = models.apart(case, besides=(*rest, f"images {found.images}"))
        return (
            f"{' '.join(name for name in names if name)}, {batch} of"
            f" {self.shape(case)}{images}{self.setting(case)},"
            f" {', '.join(filter(None, (*rest, *more)))}"
        )

    def facets(self, case: Case) -> dict[str, str]:
        found = ImageOptions.of(case)
        labels = "" if found.labels is None else f"labels {_joined(found.labels)}"
        return {**super().facets(case), "images": f"images {found.images}", "labels": labels}

    def command(self, case: Case) -> list[object]:
        found = ImageOptions.of(case)
        words: list[object] = ["explain", *workload_words(case), "--models", case.model]
        words += ["--batch", case.batch, *size_words(case)]
        words += [] if found.images == PHOTOGRAPHS else ["--images", found.images]
        words += [] if found.classes is None else ["--classes", found.classes]
        if (found.eps, found.step_size, found.random_start) == (None, None, None):
            words.append("--defaults")
        words += [] if found.labels is None else ["--labels", *found.labels]
        return [*words, *steps_words(case), *weights_words(case)]

    def tables(
        self, run: Run, records: Sequence[ComparisonRecord], asked: Mapping[str, Any]
    ) -> Iterator[Table]:
        """A column a library, as in the paper's first table; users' own attacks apart."""
        yield from columns.of([r for r in records if r.case.library != USER], run)
        yield from columns.of([r for r in records if r.case.library == USER], run)

    def as_published(self, case: Case, table: str) -> bool:
        """ResNet50, 16 images, unless that is what varies."""
        found = ImageOptions.of(case)
        return (
            found.input_shape == (3, 224, 224)
            and (case.model == "resnet50" or table == "models")
            and (case.batch == 16 or table == "batch_sizes")
            and (found.steps is None) == (table == "attacks")
        )

    def repeats(self, case: Case, table: str, row: Mapping[str, Any]) -> bool:
        one_library = table in ("batch_sizes", "models")
        if one_library and (case.library, case.attack) != ("torchattacks", "pgd"):
            return False
        if table == "libraries" and case.attack != "pgd":
            return False
        return all(row[key] == getattr(case, key) for key in _KEYS[table])


def steps_spelt(case: Case) -> list[str]:
    """The attack's steps in words, if it has a number of them."""
    steps = OnImages.of(case).steps
    return [] if steps is None else [counted(steps, "step")]


def _joined(labels: Sequence[int]) -> str:
    return " ".join(map(str, labels))


def size_words(case: Case) -> list[object]:
    """The words that give images their shape: their side, where they are square and coloured."""
    shape = OnImages.of(case).input_shape
    if shape == (3, shape[-1], shape[-1]) and ":" not in case.model:
        return ["--image-size", shape[-1]]
    return ["--input", "x".join(map(str, shape))]


def steps_words(case: Case) -> list[object]:
    """The words that give an attack its steps."""
    steps = OnImages.of(case).steps
    return [] if steps is None else ["--steps", steps]
