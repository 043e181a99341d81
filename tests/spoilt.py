"""Files of records that are spoilt: what is in real ones, with values that nobody expects."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any, TypeAlias

from tests.filled import filled_lines
from tests.places import RESULTS

Lines: TypeAlias = list[dict[str, Any]]
"""A file of records as JSON."""
Place: TypeAlias = tuple[Any, Any]
"""A container of JSON, and a key or an index in it."""

ODD: tuple[Any, ...] = (
    *(0, -1, 1, 2, 7, 10**6, 2**63, 10**30, 10**400, 0.0, -0.5, 0.5, 1e-320, 1e-9, 1e15, 1e308),
    *(None, True, False, "", " ", "0", "none", "original", "semi-backward", "backward", "a-a"),
    *("\ud800", "\x1b[2J", "\n::error::x", "$\\x", "x" * 300, "漢", "1.5", "ok", "failed", "cpu"),
    *([], {}, [0], [0.0], [1.5], [[]], [None], ["x"], {"": 0}, {"original": 0}, {"x": {}}),
)
"""What takes the place of a value."""
_FILES = (
    "amd-epyc-2-cores/all-attacks/art.jsonl",
    "amd-epyc-2-cores/controls.jsonl",
    "amd-epyc-2-cores/text/paper-text-small.jsonl",
    "amd-epyc-2-cores/torch-1.12.1.jsonl",
    "amd-epyc-2-cores/training/by-steps.jsonl",
    "amd-epyc-2-cores/training/to-the-end.jsonl",
    "baselines/counts-torch-2.13.0-linux-x86_64.jsonl",
    "regressions/duel.jsonl",
    "regressions/run-before.jsonl",
)
_MOST_LINES = 4


def real() -> list[Lines]:
    """Real files, of each kind of line a few; and one with a line of every kind, all of it filled
    in."""
    found = []
    for name in _FILES:
        lines = [json.loads(line) for line in (RESULTS / name).read_text().splitlines()]
        head, *rest = lines
        statuses: dict[tuple[Any, ...], Lines] = {}
        for line in rest:
            statuses.setdefault((line["kind"], line.get("status")), []).append(line)
        found.append([head, *(one for many in statuses.values() for one in many[:_MOST_LINES])])
    return [*found, filled_lines("x")]


def spoilt(lines: Lines, chance: random.Random) -> Lines:
    """A copy in which some values are others, or gone, or stand where others stood."""
    found = copy.deepcopy(lines)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        places = list(_places(chance.choice(found)))
        inside, key = chance.choice(places)
        change = chance.randrange(10)
        if change == 0:
            del inside[key]
        elif change == 1:
            other, there = chance.choice(places)
            inside[key], other[there] = copy.deepcopy(other[there]), copy.deepcopy(inside[key])
        elif change == 2:
            _scale(inside, key, chance)
        else:
            inside[key] = copy.deepcopy(chance.choice(_alike(inside[key]) or ODD))
    return found


def _alike(value: Any) -> tuple[Any, ...]:
    """Odd values of the same type, which get past who looks at types alone."""
    if isinstance(value, bool) or value is None:
        return ()
    if isinstance(value, int | float):
        return tuple(odd for odd in ODD if isinstance(odd, int | float))
    return tuple(odd for odd in ODD if isinstance(odd, type(value)))


def _scale(inside: Any, key: Any, chance: random.Random) -> None:
    value = inside[key]
    if isinstance(value, list):
        inside[key] = value * 2 if chance.random() < 0.5 else value[: len(value) // 2]
    elif isinstance(value, int | float):
        inside[key] = value * chance.choice((-1, 1000, 1e-12))


def _places(value: Any) -> Iterator[Place]:
    """Every place in some JSON; of long lists of numbers a few."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items)[:12] if isinstance(value, list) else list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def written(lines: Lines) -> str:
    """As text; whole numbers of any length are written."""
    return "".join(f"{json.dumps(line)}\n" for line in lines)
