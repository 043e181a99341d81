"""Networks that are trained by a recipe, by name, over all families of them. Imports no torch.

A family's catalogue is a module with NETWORKS; it imports this one, so it is found by its path.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.base import AdapterError
from adapters.data import DIGITS, Facts
from adapters.models.trained.recipes import Recipe

FAMILIES = ("adapters.models.dynamic.catalogue", "adapters.models.classifiers.catalogue")


@dataclass(frozen=True)
class Network:
    """A network that can be trained.

    Attributes:
        made: "package.module:class", a `adapters.models.trained.base.Trainable`, called with
            `arguments` and the number of classes.
        source: its paper.
        digits: how it is trained on scikit-learn's digits.
        photographs: how it is trained on every other data set, as published.
        arguments: keyword arguments of the class.
        size: side of its images, in pixels.
        digits_size: the same of the digits, where they are shown smaller or larger than they are
            read.
    """

    made: str
    source: str
    digits: Recipe
    photographs: Recipe
    arguments: Mapping[str, object] = field(default_factory=dict)
    size: int = 32
    digits_size: int | None = None

    def recipe(self, data: Facts) -> Recipe:
        """How it is trained on some data."""
        return self.digits if data.name == DIGITS else self.photographs

    def side(self, data: Facts) -> int:
        """Of the images of some data as it is shown them, in pixels."""
        if data.name == DIGITS and self.digits_size is not None:
            return self.digits_size
        return data.size


def networks() -> Mapping[str, Network]:
    """Every one, by its name."""
    return {name: row for path in FAMILIES for name, row in family(path).items()}


def family(path: str) -> Mapping[str, Network]:
    """Those of one catalogue, by the path of its module."""
    found: Mapping[str, Network] = importlib.import_module(path).NETWORKS
    return found


def is_known(name: str) -> bool:
    """Whether there is one of that name."""
    return name in networks()


def network(name: str) -> Network:
    """The one of that name.

    Raises:
        AdapterError: there is none.
    """
    known = networks()
    if name not in known:
        raise AdapterError(f"there is no network {name!r} to train; there are {', '.join(known)}")
    return known[name]
