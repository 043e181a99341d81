"""Help with misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str:
    """`; did you mean A or B?`, or what there is if nothing is near."""
    known = list(known)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    if len(known) <= 12:
        return f"; there are {', '.join(known)}"
    return ""
