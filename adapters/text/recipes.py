"""A recipe of TextAttack's behind the interface of attackers here. Imports nothing of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
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

        text, goal = AttackedText(example["x"]), self.attack.goal_function
        label = goal.get_output(text)
        if hasattr(goal, "target_class"):
            goal.target_class = (label + 1) % wrapper.model.config.num_labels
        result = self.attack.attack(text, label)
        if isinstance(result, FailedAttackResult | SkippedAttackResult):
            return None
        found: str = result.perturbed_text()
        return found if found != example["x"] else None


@contextlib.contextmanager
def replaced(module: Any, **values: Any) -> Iterator[None]:
    """Inside the block, names of a module stand for something else."""
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)
