"""The interface behind which libraries of attacks on text stand."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from adapters.base import Adapter, Settings, UnsupportedSettings, quiet
from adapters.text.queries import Ledger, QueriesSpent

if TYPE_CHECKING:
    from torch import nn

    from adapters.base import AttackFunction
    from adapters.text.victims import Victim


@dataclass(frozen=True)
class TextSettings:
    """What an attack on text is built with.

    Attributes:
        device: torch's name of the device, as "cpu" or "cuda:0".
        seed: of stand-ins with random weights.
        victim: what the victim was asked for by.
        resources: a folder with the user's lexical resources, if there is one.
        forward_only: queries that read no gradient are answered without one.
    """

    device: str
    seed: int
    victim: str
    resources: Path | None
    forward_only: bool


@dataclass(frozen=True)
class TextAttack:
    """An attack on one victim.

    Attributes:
        classifier: the library's wrapper around the victim.
        attacker: the library's attacker as it was built; never run, only copies of it are.
        attached: the block inside which the classifier watches the victim's embeddings.
        networks: every network it runs, the victim first.
        resources: what it uses for each lexical resource, in words.
    """

    classifier: Any
    attacker: Any
    attached: Callable[[], AbstractContextManager[None]]
    networks: list[nn.Module]
    resources: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def ready(self, ledger: Ledger) -> Iterator[Callable[[str], str | None]]:
        """A new attacker with the ledger kept, to be called once inside the block.

        Yields:
            sentence to adversarial sentence; to None where it found none, or had no query left.
        """
        attacker = _as_built(self.attacker)

        def attack(sentence: str) -> str | None:
            try:
                found: str | None = attacker(self.classifier, {"x": sentence})
            except QueriesSpent:
                return None
            return found

        with self.attached(), ledger.kept(self.classifier):
            yield attack


class TextAdapter(Adapter):
    """One library of attacks on text classifiers."""

    subject = "text"
    dtypes = frozenset({"float32", "float64"})
    pays_for_queries: ClassVar[bool] = True
    """Whether a query of which nobody reads a gradient computes one all the same."""

    @abstractmethod
    def build_text_attack(self, attack: str, victim: Victim, settings: TextSettings) -> TextAttack:
        """Wrap the victim and build the attack, as the library's documentation shows."""

    def build_on(self, attack: str, victim: Victim, settings: TextSettings) -> TextAttack:
        """Build one attack on one victim.

        Raises:
            AdapterError: a resource of the user's can't be read.
            UnsupportedSettings: the attack is broken upstream.
            KeyError: the adapter offers no attack of that name.
        """
        if attack not in self.attacks():
            raise KeyError(attack)
        fault = self.attacks()[attack].fault
        if fault is not None:
            raise UnsupportedSettings(f"{self.name} {attack} is broken upstream: {fault}")
        with quiet():
            return self.build_text_attack(attack, victim, settings)

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        raise UnsupportedSettings(f"{self.name} attacks text, not images")


def _as_built(attacker: Any) -> Any:
    """A copy that shares what is large; attackers change their thresholds and fill their caches."""
    made = copy.copy(attacker)
    for name, value in vars(attacker).items():
        if isinstance(value, dict | list | set):
            setattr(made, name, copy.copy(value))
    return made
