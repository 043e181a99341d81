"""The dynamic networks by name, with what makes each and its recipes. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.models.dynamic.recipes import Recipe, Stage


@dataclass(frozen=True)
class Network:
    """A dynamic network.

    Attributes:
        made: "package.module:class", a `adapters.models.dynamic.base.DynamicNetwork`, called with
            `arguments` and the number of classes.
        source: its paper.
        digits: how it is trained on scikit-learn's digits.
        photographs: how it is trained on CIFAR-10, CIFAR-100 and CUB, as published.
        arguments: keyword arguments of the class.
        size: side of its images, in pixels.
    """

    made: str
    source: str
    digits: Recipe
    photographs: Recipe
    arguments: Mapping[str, object] = field(default_factory=dict)
    size: int = 32


_PLACEHOLDER = Recipe((Stage("training", 1, 0.1),))

NETWORKS: Mapping[str, Network] = {
    "skipnet": Network(
        "adapters.models.dynamic.skipnet:SkipNet",
        "Wang et al. 2018",
        digits=_PLACEHOLDER,
        photographs=_PLACEHOLDER,
    ),
    "skipnet_hrl": Network(
        "adapters.models.dynamic.skipnet:SkipNet",
        "Wang et al. 2018, with hybrid reinforcement learning",
        digits=_PLACEHOLDER,
        photographs=_PLACEHOLDER,
    ),
    "sact": Network(
        "adapters.models.dynamic.sact:Sact",
        "Figurnov et al. 2017",
        digits=_PLACEHOLDER,
        photographs=_PLACEHOLDER,
    ),
    #
    "shallow_deep": Network(
        "adapters.models.dynamic.shallow_deep:ShallowDeep",
        "Kaya et al. 2019",
        digits=_PLACEHOLDER,
        photographs=_PLACEHOLDER,
    ),
    #
    "manidp": Network(
        "adapters.models.dynamic.manidp:ManiDp",
        "Tang et al. 2021",
        digits=Recipe(
            (
                Stage(
                    "pruning",
                    8,
                    0.05,
                    settings={"sparsity": 0.01, "similarity": 1.0, "remaining": 0.7, "rising": 0.5},
                ),
            )
        ),
        # Of the authors' code for a ResNet-56 on CIFAR-10, which starts from a trained network.
        photographs=Recipe(
            (
                Stage("training", 200, 0.1),
                Stage(
                    "pruning",
                    400,
                    0.05,
                    settings={
                        "sparsity": 5e-3,
                        "similarity": 1.0,
                        "simple": 0.5,
                        "remaining": 0.6,
                        "rising": 1.0,
                    },
                ),
            ),
            batch=128,
        ),
    ),
    #
    "dvt": Network(
        "adapters.models.dynamic.dvt:Dvt",
        "Wang et al. 2021",
        digits=Recipe(
            (Stage("training", 8, 1.5e-3, "adam", 0.0, settings={"going_on": 0.55}),), batch=32
        ),
        # As a DeiT is trained, on which the paper's cascade is built (Touvron et al. 2021), without
        # the decay of AdamW.
        photographs=Recipe(
            (Stage("training", 300, 1e-3, "adam", 0.0, settings={"going_on": 0.5}),), batch=1024
        ),
    ),
    #
    "avit": Network(
        "adapters.models.dynamic.avit:AVit",
        "Yin et al. 2022",
        digits=Recipe(
            (
                Stage("training", 5, 1.5e-3, "adam", 0.0),
                Stage(
                    "halting",
                    5,
                    1.5e-3,
                    "adam",
                    0.0,
                    settings={"ponder": 0.008, "prior": 0.02, "depth": 3.0},
                ),
            ),
            batch=32,
        ),
        # A DeiT's training, then that of A-ViT-T, whose tokens halt around layer 8 of 12.
        photographs=Recipe(
            (
                Stage("training", 300, 5e-4, "adam", 0.0),
                Stage(
                    "halting",
                    100,
                    5e-4,
                    "adam",
                    0.0,
                    settings={"ponder": 5e-4, "prior": 1e-3, "depth": 5 * 8 / 12},
                ),
            ),
            batch=512,
        ),
    ),
}
"""Every one, by the name that --models takes."""


def is_known(name: str) -> bool:
    """Whether it is a dynamic network of ours."""
    return name in NETWORKS
