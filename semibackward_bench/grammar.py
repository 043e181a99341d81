"""Nouns and verbs that agree with a number, for sentences of every package but `semibackward`."""


def form(number: object, one: str, many: str = "") -> str:
    """A noun or a verb, or several words, as a number asks for them.

    Args:
        number: how many there are.
        one: for a single one, as "image" or "case is".
        many: for none and for several; with an s behind `one` unless it is given.
    """
    return one if number == 1 else many or f"{one}s"


def counted(number: object, one: str, many: str = "") -> str:
    """A number with its noun, as "1 image" and "0 images"; `one` and `many` as `form` has them."""
    return f"{number} {form(number, one, many)}"
