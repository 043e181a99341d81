"""How users' own attacks and models are named, FILE.py:NAME, without more of the path than tells
them apart. Pure."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable


def tail(spec: str, length: int) -> str:
    """Of FILE.py:NAME the last parts of its path, so many; anything else as it is."""
    if ".py:" not in spec:
        return spec
    place, _, name = spec.rpartition(":")
    return f"{'/'.join(_parts(place)[-length:])}:{name}"


def depth(spec: str) -> int:
    """How many parts the path of FILE.py:NAME has; 0 of anything else."""
    return len(_parts(spec.rpartition(":")[0])) if ".py:" in spec else 0


def shortest(specs: Iterable[str]) -> dict[str, str]:
    """Of each the shortest tail that is no other's."""
    found: dict[str, str] = {}
    left = list(dict.fromkeys(specs))
    for length in itertools.count(1):
        if not left:
            return found
        spelt = {spec: tail(spec, length) for spec in left}
        meant = Counter(spelt.values())
        for spec, short in spelt.items():
            if meant[short] == 1 or length >= depth(spec):
                found[spec] = short if meant[short] == 1 else spec
        left = [spec for spec in left if spec not in found]
    raise AssertionError("a name has no end")


def _parts(place: str) -> list[str]:
    """`/a/b.py` has three: the root is one, so that it differs from `a/b.py`."""
    return place.split("/")
