"""The interface behind which libraries of attacks on token sequences stand."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from adapters.base import Adapter, Settings, UnsupportedSettings, quiet
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapters.base import AttackFunction
    from adapters.tokens.models import LanguageModel
    from adapters.tokens.prompts import Prompt

    Tell = Callable[["Step"], object]
    TokenAttack = Callable[[Tell | None], object]
    """Attacks its prompt once, and tells of each step to whom it is given; nobody in timed runs."""


@dataclass(frozen=True)
class TokenSettings:
    """What every library gets alike.

    Attributes:
        steps: of greedy coordinate gradient.
        candidates: sequences that a step tries (B of Zou et al. 2023).
        top_k: tokens of each place that they are drawn from (k).
        candidate_batch: sequences that one forward pass takes.
        suffix: tokens that are sought.
        dtype: name of the parameters' dtype.
        device: torch's name of the device.
    """

    steps: int
    candidates: int
    top_k: int
    candidate_batch: int
    suffix: int
    dtype: str
    device: str


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        candidates: ids of what it tried, (candidates, tokens).
        losses: of each of them, or of what it started from.
        chosen: ids that it went on with, (tokens,).
    """

    candidates: Tensor
    losses: Tensor
    chosen: Tensor


class TokenAdapter(Adapter):
    """One library of attacks on token sequences."""

    subject = "token sequences"
    gradient_only: ClassVar[frozenset[str]] = frozenset()
    """Attacks that try no candidates."""

    @abstractmethod
    def build_token_attack(
        self, attack: str, model: LanguageModel, prompt: Prompt, settings: TokenSettings
    ) -> TokenAttack:
        """Wrap the model and build the attack, as the library's documentation shows."""

    def build_on(
        self, attack: str, model: LanguageModel, prompt: Prompt, settings: TokenSettings
    ) -> TokenAttack:
        """Build one attack on one prompt.

        Args:
            attack: a name from `attacks()`.
            model: what is attacked.
            prompt: what a suffix is sought for.
            settings: what every library gets alike.

        Raises:
            UnsupportedSettings: the library can't do this, or the attack is broken upstream.
            KeyError: the adapter offers no attack of that name.
        """
        self.check(settings.dtype, settings.device)
        info = self.attacks()[attack]
        if info.fault is not None:
            raise UnsupportedSettings(f"{self.name} {attack} is broken upstream: {info.fault}")
        if settings.top_k > model.vocabulary // 2:
            raise UnsupportedSettings(
                f"--top-k {settings.top_k}: the model has {_tokens(model.vocabulary)}; give at most"
                f" {model.vocabulary // 2:,}"
            )
        with quiet():
            return self.build_token_attack(attack, model, prompt, settings)

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        raise UnsupportedSettings(f"{self.name} attacks token sequences, not images")


def _tokens(number: int) -> str:
    return counted(f"{number:,}", "token")
