"""The books of a victim's queries, and their budget.

OpenAttack's victims pass every call through one method, `record_invoke`; the ledger stands there.
It costs a microsecond a call, in every variant alike.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

GRADIENT = "get_grad"
_COUNTED = ("get_pred", "get_prob", GRADIENT)


class QueriesSpent(Exception):
    """The attack asked for more queries than it may have."""


class Ledger:
    """What an attack asked of one victim.

    A query is a sentence that the victim was asked about, as OpenAttack counts them. The last call
    within the budget is cut to what is left of it, so that exactly that many are made; its answer
    is withheld, and the attack ends.

    Args:
        budget: how many queries it may make; None for as many as it likes.

    Attributes:
        queries: sentences asked about.
        gradient_queries: those of them whose gradient the attack asked for.
        reading: whether the call in progress asks for a gradient.
        spent: whether it asked for more queries than it may have.
    """

    def __init__(self, budget: int | None) -> None:
        self._budget = budget
        self.queries = 0
        self.gradient_queries = 0
        self.reading = False
        self.spent = False
        self._inside = False

    @contextlib.contextmanager
    def kept(self, victim: Any) -> Iterator[Ledger]:
        """Keep the books of a victim inside the block."""
        victim.record_invoke = self._invoker(victim)
        try:
            yield self
        finally:
            del victim.record_invoke

    def _invoker(self, victim: Any) -> Callable[..., Any]:
        def invoke(count: int, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            if self._inside or method.__name__ not in _COUNTED:
                return method(victim, *args, **kwargs)
            left = count if self._budget is None else self._budget - self.queries
            self.spent = left < count
            if left <= 0:
                raise QueriesSpent
            cut = [arg[:left] for arg in args]  # lists of sentences and of labels
            done = min(count, left)
            self._inside = True
            self.reading = method.__name__ == GRADIENT
            try:
                answer = method(victim, *cut, **kwargs)
            finally:
                self._inside = self.reading = False
            self.queries += done
            self.gradient_queries += done if method.__name__ == GRADIENT else 0
            if done < count:
                raise QueriesSpent
            return answer

        return invoke
