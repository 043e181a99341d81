"""One use, tried in a process of its own: `python -m tools.importing.trial USE [HAD … -- FOUND …]`.

With distributions named, it is tried behind a wall that shows these alone, and each one that it
fails without is shown too, until it works. Prints JSON: `needs`, what had to be shown; `theirs`,
what only something that is had asked for, which there is another version of, with what it needs;
and, where it does not work, `missing` and `error`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from tools.importing import uses, wall
from tools.importing.wall import Wall

ATTEMPTS = 200


def main(words: Sequence[str]) -> int:
    """Try it; 0 where it works in the end."""
    name, *shown = words
    use = uses.every(text=True)[name]
    kept = os.dup(1)  # what libraries print is not our answer
    os.dup2(2, 1)
    if shown:
        middle = shown.index("--")
        found = grown(use, set(shown[:middle]), set(shown[middle + 1 :]), wall.owners())
    else:
        found = tried(use)
    os.write(kept, json.dumps(found).encode())
    return "error" in found


def tried(use: Callable[[], None]) -> dict[str, Any]:
    """Whether it works."""
    try:
        use()
    except Exception as error:
        return failure(error)
    return {}


def grown(
    use: Callable[[], None],
    had: Collection[str],
    found: Collection[str],
    owned: Mapping[str, frozenset[str]],
) -> dict[str, Any]:
    """What has to be seen beyond this for it to work.

    What failed half-way leaves modules behind that a fresh process would not have; so an error here
    says something only where nothing had to be shown.

    Args:
        use: what is tried.
        had: what may be seen, and is there whatever we do.
        found: what may be seen since it was found to be needed.
        owned: the distributions that modules belong to.
    """
    shown: dict[str, list[str]] = {"needs": [], "theirs": []}
    behind = Wall({*had, *found}, owned)
    with wall.built(behind):
        for _ in range(ATTEMPTS):
            answer = tried(use)
            if "error" not in answer:
                return dict(shown)
            lacking = sorted(set(spelt(answer["missing"], owned)) - behind.seen)
            if not lacking:
                return {**answer, **shown}
            whose = owned.get(answer["by"], frozenset())
            shown["theirs" if whose & {*had, *shown["theirs"]} else "needs"] += lacking
            behind.seen.update(lacking)
    raise AssertionError("it needs more than there is")


def failure(error: BaseException) -> dict[str, Any]:
    """What an error says is missing, a top-level module or a distribution, and by which top-level
    module it was asked for."""
    for each in _causes(error):
        if isinstance(each, ModuleNotFoundError) and each.name:
            missing, by = each.name.partition(".")[0], _importing(each)
            return {"missing": missing, "by": by, "error": told(error)}
    # Ours look before they import, and then say what to install.
    advised = re.search(r"python -m pip install ([\w.-]+)", str(error))
    return {"missing": advised[1] if advised else "", "by": "", "error": told(error)}


def _importing(error: ModuleNotFoundError) -> str:
    """The top-level module whose code imports what is missing."""
    found = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if name not in ("importlib", "_frozen_importlib", "_frozen_importlib_external"):
            found = name
    return found


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
