"""How numbers and their changes are spelt. Pure."""

from __future__ import annotations

_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def relative(first: float, second: float) -> str:
    """A change, as "+50 %"."""
    if not first:
        return "from nothing"
    return f"{100 * (second / first - 1):+.3g} %"


def amount(number: float) -> str:
    """A large number, as "1.23 M", ready for its unit."""
    for size, letter in _SIZES:
        if number >= size:
            return f"{number / size:.4g} {letter}"
    return f"{number:g} "
