"""Nouns and verbs that agree with a number."""

from __future__ import annotations


def form(number: int, one: str, many: str = "") -> str:
    """A noun or a verb, or several words, as a number asks for them.

    Args:
        number: how many there are.
        one: for a single one, as "parameter" or "parameter holds".
        many: for none and for several; with an s behind `one` unless it is given.
    """
    return one if number == 1 else many or f"{one}s"


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun, as "1 parameter"; `one` and `many` as `form` has them."""
    return f"{number} {form(number, one, many)}"
