"""What those adapters share whose attacks are declared in a table, and what such tables say alike.

Imports no torch.
"""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from adapters.base import Adapter, AttackInfo, Given, Promise, Settings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction


BATCH = Given("batch")
CLASSES = Given("classes")

ONLY_IF_FOOLED: Mapping[Promise, str] = {
    "changes something": "hands back the clean image where it found no adversarial one"
}
"""Why many an attack is exempt from a promise."""


@dataclass(frozen=True)
class Derived(Given):
    """A `Given` that depends on other settings too: `spelt` gets all of them."""

    def argument(self, settings: Settings) -> object:
        assert self.spelt is not None  # nothing else makes one argument of several settings
        return self.spelt(settings)


@dataclass(frozen=True)
class Request:
    """One attack that is to be built.

    Attributes:
        attack: its name in the table.
        info: what the table says of it.
        keywords: its keyword arguments, with the settings in their places.
        model: images in [0, 1] of shape (N, C, H, W) to logits of shape (N, classes).
        settings: what every library gets alike.
    """

    attack: str
    info: AttackInfo
    keywords: dict[str, Any]
    model: nn.Module
    settings: Settings

    @property
    def make(self) -> Any:
        """The library's class or function."""
        return self.info.imported()

    def next_class(self, labels: Tensor) -> Tensor:
        """What attacks that only go towards a class aim at: labels (N,) to labels (N,)."""
        return (labels + 1) % self.settings.classes


Build = Callable[[Request], "AttackFunction"]


class DeclaredAdapter(Adapter):
    """A library whose attacks are declared in a table, and are mostly built in the same way."""

    table: ClassVar[Mapping[str, AttackInfo]]
    """Its attacks, by lower-case name."""
    fallback: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    """Arguments that the library has no default for, by attack, where the user has not said."""
    modules: ClassVar[Sequence[str]]
    """What is imported of it."""
    builders: ClassVar[Mapping[str, Build]] = {}
    """How attacks are built that are not built in the usual way, by the library's name of the class
    or function."""

    def attacks(self) -> Mapping[str, AttackInfo]:
        return self.table

    def import_library(self) -> None:
        for module in self.modules:
            importlib.import_module(module)

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        info = self.attacks()[attack]
        keywords = {**self.fallback.get(attack, {}), **info.keywords(settings)}
        build = self.builders.get(info.member, self.build_usual)
        return build(Request(attack, info, keywords, model, settings))

    @abstractmethod
    def build_usual(self, request: Request) -> AttackFunction:
        """Wrap the model and build an attack in the way that most of the library's are built."""
