"""Cases, made in one place: an attack on images, one on text, a training."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from adapters.papers.methods import METHODS
from bench.cases import Case
from bench.kinds.images.options import ImageOptions
from bench.kinds.text.options import TextOptions
from bench.kinds.training.options import TrainingOptions

SHARED = frozenset(field.name for field in fields(Case) if field.name != "options")
"""What a case of every kind has; the rest are its options."""
FIELDS = SHARED.union(
    field.name for kind in (ImageOptions, TextOptions, TrainingOptions) for field in fields(kind)
)
"""What `changed` takes of one case or another."""


def image_case(
    library: str = "foolbox",
    attack: str = "pgd",
    model: str = "resnet18",
    batch: int = 4,
    input_shape: tuple[int, ...] = (3, 32, 32),
    steps: int | None = 5,
    dtype: str = "float32",
    device: str = "cpu",
    **more: Any,
) -> Case:
    """`more`: eps, step_size, random_start, weights, images, classes."""
    shared, own = _sorted(more)
    options = ImageOptions(input_shape=input_shape, steps=steps, **own)
    return Case(library, attack, model, batch, dtype, device, options, **shared)


def text_case(
    library: str = "openattack",
    attack: str = "textfooler",
    model: str = "bert-tiny",
    batch: int = 2,
    dtype: str = "float32",
    device: str = "cpu",
    *,
    sentences: str = "shipped",
    **more: Any,
) -> Case:
    """`more`: queries, resources, weights."""
    shared, own = _sorted(more)
    options = TextOptions(sentences=sentences, **own)
    return Case(library, attack, model, batch, dtype, device, options, **shared)


def training_case(
    library: str = "reference",
    attack: str = "pgd-backward",
    model: str = "resnet18",
    batch: int = 64,
    input_shape: tuple[int, ...] = (3, 32, 32),
    steps: int | None = 7,
    dtype: str = "float32",
    device: str = "cpu",
    *,
    training: str = "pgd",
    data: str = "digits",
    **more: Any,
) -> Case:
    """`more`: replays, eps, step_size, random_start, weights, classes."""
    shared, own = _sorted(more)
    options = TrainingOptions(
        input_shape=input_shape, steps=steps, training=training, data=data, **own
    )
    return Case(library, attack, model, batch, dtype, device, options, **shared)


def changed(case: Case, **changes: Any) -> Case:
    """The case with other values of some of its fields, or of its options."""
    shared, own = _sorted(changes)
    return replace(case, **shared).with_options(**own)


def _sorted(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What all cases have, and the rest."""
    shared = {name: value for name, value in fields.items() if name in SHARED}
    return shared, {name: value for name, value in fields.items() if name not in SHARED}


def small_training(
    method: str, library: str = "reference", attack: str = "pgd-backward", k: int = 2
) -> Case:
    """A training on digits as `selection` would choose it, of a model that takes no time."""
    known, eps = METHODS[method], 32 / 255
    inside = known.inside != "none"
    return training_case(
        library,
        attack if inside else "none",
        "test_resnet",
        8,
        (3, 32, 32),
        (1 if known.one_step else k) if inside else None,
        eps=None if method == "natural" else eps,
        step_size=eps / 4 if inside else None,
        random_start=True if known.inside == "library" else None,
        classes=10,
        training=method,
        replays=2 if method == "free" else None,
    )
