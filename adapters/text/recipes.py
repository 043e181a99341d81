"""A recipe of TextAttack's behind the interface of attackers here. Imports nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Recipe:
    """Calls a `textattack.Attack` as an attacker is called.

    Each copy is a new attack: what one keeps of its queries is no other's.

    Args:
        make: builds the attack.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self.attack = make()

    def __copy__(self) -> Recipe:
        return Recipe(self._make)

    def __call__(self, wrapper: Any, example: Mapping[str, str]) -> str | None:
        """Attack a sentence away from what the victim says of it.

        Its label is asked as the attack asks next; TextAttack keeps the answer, so that this is no
        query more.
        """
        from textattack.attack_results import FailedAttackResult, SkippedAttackResult
        from textattack.shared import AttackedText

        text = AttackedText(example["x"])
        label = self.attack.goal_function.get_output(text)
        result = self.attack.attack(text, label)
        if isinstance(result, FailedAttackResult | SkippedAttackResult):
            return None
        found: str = result.perturbed_text()
        return found if found != example["x"] else None
