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
        digits=_PLACEHOLDER,
        photographs=_PLACEHOLDER,
    ),
    #
    "dvt": Network(
        "adapters.models.dynamic.dvt:Dvt",
        "Wang et al. 2021",
        digits=_PLACEHOLDER,
        photographs=_PLACEHOLDER,
    ),
    #
    "avit": Network(
        "adapters.models.dynamic.avit:AVit",
        "Yin et al. 2022",
        digits=_PLACEHOLDER,
        photographs=_PLACEHOLDER,
    ),
}
"""Every one, by the name that --models takes."""


def is_known(name: str) -> bool:
    """Whether it is a dynamic network of ours."""
    return name in NETWORKS
