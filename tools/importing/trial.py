"""One use, tried in a process of its own: `python -m tools.importing.trial USE [SEEN …]`.

With distributions named, it is tried behind a wall that shows these alone, and each one that it
fails without is shown too, until it works. Prints JSON: `needs`, what had to be shown; or `missing`
and `error`, where it does not work.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tools.importing import uses, wall
from tools.importing.wall import Wall

ATTEMPTS = 200


def main(words: Sequence[str]) -> int:
    """Try it; 0 where it works in the end."""
    name, *seen = words
    use = uses.every(text=True)[name]
    kept = os.dup(1)  # what libraries print is not our answer
    os.dup2(2, 1)
    found = grown(use, set(seen), wall.owners()) if seen else tried(use)
    os.write(kept, json.dumps(found).encode())
    return "error" in found


def tried(use: Callable[[], None]) -> dict[str, Any]:
    """Whether it works."""
    try:
        use()
    except Exception as error:
        return failure(error)
    return {"needs": []}


def grown(
    use: Callable[[], None], seen: set[str], owned: Mapping[str, frozenset[str]]
) -> dict[str, Any]:
    """What has to be seen beyond this for it to work.

    What failed half-way leaves modules behind that a fresh process would not have; so an error here
    says something only where `needs` is empty.

    Args:
        use: what is tried.
        seen: what may be seen from the beginning.
        owned: the distributions that modules belong to.
    """
    needs: list[str] = []
    behind = Wall(set(seen), owned)
    with wall.built(behind):
        for _ in range(ATTEMPTS):
            found = tried(use)
            if "error" not in found:
                return {"needs": needs}
            lacking = sorted(set(spelt(found["missing"], owned)) - behind.seen)
            if not lacking:
                return {**found, "needs": needs}
            needs += lacking
            behind.seen.update(lacking)
    raise AssertionError("it needs more than there is")


def failure(error: BaseException) -> dict[str, Any]:
    """What an error says is missing: the top-level module, or the distribution."""
    for each in _causes(error):
        if isinstance(each, ModuleNotFoundError) and each.name:
            return {"missing": each.name.partition(".")[0], "error": told(error)}
    # Ours look before they import, and then say what to install.
    advised = re.search(r"python -m pip install ([\w.-]+)", str(error))
    return {"missing": advised[1] if advised else "", "error": told(error)}


def told(error: BaseException) -> str:
    """It in a line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def spelt(missing: str, owned: Mapping[str, frozenset[str]]) -> list[str]:
    """The distributions of a missing module; a distribution may be missing by its own name.

    None where neither is known.
    """
    name = wall.canonical(missing)
    known = frozenset({name}) & frozenset().union(*owned.values())
    return sorted(owned.get(missing, known))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what lies behind it, the last first: what was tried before is a fallback's."""
    each: BaseException | None = error
    seen: set[int] = set()
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
