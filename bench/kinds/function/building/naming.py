"""What a workload's networks are called: in words, as parts of one model, and in its own code."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from torch import nn

from adapters.workloads.base import Program


def told(
    networks: Iterable[nn.Module], before: str, besides: Sequence[nn.Module] = ()
) -> dict[str, nn.Module]:
    """Some networks by their classes, with a number where several have one.

    Args:
        networks: which.
        before: goes before the name.
        besides: networks that are called otherwise, and left out.
    """
    left = [one for one in networks if not any(one is other for other in besides)]
    return {f"{before} {name}".strip(): one for name, one in numbered(left).items()}


def numbered(networks: Iterable[nn.Module]) -> dict[str, nn.Module]:
    """Some networks by their classes: Critic, or Critic_1 and Critic_2."""
    every = list(networks)
    several = {name for name, n in Counter(type(one).__name__ for one in every).items() if n > 1}
    counts: Counter[str] = Counter()
    found = {}
    for one in every:
        name = type(one).__name__
        counts[name] += 1
        found[f"{name}_{counts[name]}" if name in several else name] = one
    return found


def listed(names: Iterable[str]) -> str:
    """Names in a sentence, each once."""
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} or {last}" if first else last


def names_of(program: Program) -> list[str]:
    """By which names the code that is called has the foreign networks; empty unless all are seen.

    A name may be a variable that it closes over, a global, or an attribute of one of them.
    """
    places = dict(_places(program.call))
    found = []
    for network in program.foreign:
        name = next((name for name, value in places.items() if value is network), None)
        name = name or next(
            (
                f"{name}.{attribute}"
                for name, value in places.items()
                for attribute, held in _attributes(value)
                if held is network
            ),
            None,
        )
        if name is None:
            return []
        found.append(name)
    return found


def _places(call: Callable[[], Any]) -> Iterator[tuple[str, Any]]:
    """The variables that a function can see, by name."""
    owner = getattr(call, "__self__", None)
    if owner is not None:
        yield "self", owner
    function = inspect.unwrap(getattr(call, "__func__", call))
    code = getattr(function, "__code__", None)
    if code is None:
        return
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # it is empty as yet
            continue
    for name in code.co_names:
        if name in function.__globals__:
            yield name, function.__globals__[name]


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, nn.Module):
        yield from value.named_children()
    yield from (getattr(value, "__dict__", None) or {}).items()
