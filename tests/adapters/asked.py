"""What is asked of every attack on images: settings, cases, and the attacks themselves."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from adapters import registry
from adapters.base import Settings
from bench.cases import Case
from bench.kinds.images.kind import obeyed
from tests.cases import changed, image_case

MODEL, CLASSES = "test_efficientnet", 10
EPS, STEP, STEPS, BATCH, SIZE = 8 / 255, 2 / 255, 3, 2, 32


SMALL_MODEL, SMALL_SIZE, SMALL_STEPS = "wrn_10_1", 8, 2
SMALL_SEED = 2
"""Of its weights: with these it takes noise for two classes, as attacks need that start from an
image of another class."""


def settings(**changes: object) -> Settings:
    usual = {
        "eps": EPS,
        "step_size": STEP,
        "steps": STEPS,
        "random_start": True,
        "batch": BATCH,
        "input_shape": (3, SIZE, SIZE),
        "classes": CLASSES,
        "dtype": "float32",
        "device": "cpu",
    }
    return Settings(**{**usual, **changes})  # type: ignore[arg-type]


ALL = {
    (name, attack): info
    for name in registry.names()
    if registry.subject(name) == "images"
    for attack, info in registry.get(name).attacks().items()
}
WORKING = [pair for pair, info in ALL.items() if info.fault is None and not info.lacks]
BROKEN = [pair for pair, info in ALL.items() if info.fault is not None]

EXTRA = frozenset({"secml-torch", "torchattack", "adv-lib", "autoattack", "captum"})
"""Libraries of which `make test` runs one attack, and `make test-extras` all others."""


GRAPHITE = {("art", name): ("wrn_10_1", 8) for name in ("graphite", "graphite-blackbox")}
"""They ask about each patch of an image, for half a minute even here; a model, and a side."""


def later(pair: tuple[str, str]) -> bool:
    """Whether `make test` leaves an attack to `make test-extras`."""
    return pair in GRAPHITE or (pair[0] in EXTRA and pair[1] != plainest(pair[0]))


def plainest(library: str) -> str:
    """Its PGD; of a library that has none, the first attack that works."""
    attacks = [attack for name, attack in WORKING if name == library]
    return "pgd" if "pgd" in attacks else attacks[0]


def marked(pairs: Iterable[tuple[str, str]]) -> list[object]:
    """Parameters of a test, a pair each; those that `make test` leaves out have its marker."""
    return [
        pytest.param(
            pair,
            id=" ".join(pair),
            marks=[pytest.mark.extras] if later(pair) else [],
        )
        for pair in pairs
    ]


RESNET, TRANSFORMER = ("resnet10t", SIZE), ("vit_tiny_patch16_224", 224)
OTHERWISE = {
    **GRAPHITE,
    ("torchattack", "bpa"): RESNET,
    ("torchattack", "sgm"): RESNET,
    ("torchattack", "ssa"): (MODEL, 224),
    **{("torchattack", name): TRANSFORMER for name in ("att", "pna-patchout", "tgr", "vdc")},
}
"""What attacks are held on that are for some networks or one size alone: a model, and a side."""


def case(library: str, attack: str) -> Case:
    model, size = OTHERWISE.get((library, attack), (MODEL, SIZE))
    shape = (3, size, size)
    asked = image_case(
        library, attack, model, BATCH, shape, STEPS, eps=EPS, step_size=STEP, classes=CLASSES
    )
    return obeyed(asked, ALL[library, attack])


def small_case(library: str, attack: str, device: str) -> Case:
    """As little as will do, for runs that something slows down; to be built with `SMALL_SEED`."""
    if (library, attack) in OTHERWISE:
        return changed(case(library, attack), steps=SMALL_STEPS, device=device)
    return changed(
        case(library, attack),
        model=SMALL_MODEL,
        input_shape=(3, SMALL_SIZE, SMALL_SIZE),
        steps=SMALL_STEPS,
        device=device,
    )
