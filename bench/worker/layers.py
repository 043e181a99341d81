"""Which layers save how much for the backward pass in one call of the model, in eager mode."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from bench.worker import memory
from bench.worker.calls import Call, intercepted, nested
from bench.worker.memory import Account, Unseen


def saved(run: Callable[[], object], model: nn.Module) -> dict[str, int]:
    """Run it once and follow what each call of the model saves; never timed.

    Args:
        run: calls the model.
        model: whose parameters, buffers and inputs do not count.

    Returns:
        bytes by the type of the innermost module that was being called, each storage once, of the
        call that saved most; most first.

    Raises:
        Unseen: torch has let go of the hooks by which it is followed, for a part of the run.
    """
    fullest: dict[str, int] = {}
    within: list[str] = []
    account = Account(model, lambda: within[-1] if within else "")

    def whole(_: Any, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        nonlocal fullest
        known = account.held.keys() | addresses(tensors((args, kwargs)))
        output = call(*args, **kwargs)
        new = (found for where, found in account.held.items() if where not in known)
        fullest = fuller(fullest, new)
        return output

    def inner(module: Any, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        within.append(type(module).__name__)
        try:
            return call(*args, **kwargs)
        finally:
            within.pop()

    with account.following(), account.giving_way(), intercepted(model, whole), nested(inner):
        run()
    if account.gave_way:
        raise Unseen("torch.func lets no hook see what it saves for a backward pass")
    return fullest


def fuller(before: dict[str, int], found: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The fuller of what was kept before and what was found, by layer type, most first.

    Args:
        before: bytes by layer type.
        found: a layer type and bytes of each storage.
    """
    count: Counter[str] = Counter()
    for layer, size in found:
        count[layer] += size
    return dict(count.most_common()) if count.total() > sum(before.values()) else before


def tensors(value: Any) -> Iterator[Tensor]:
    """Those in arguments, also inside of lists, tuples and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tensors(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors(each)


def addresses(found: Iterable[Tensor]) -> set[int]:
    """Of the storages of some tensors, where they have one."""
    places = set()
    for tensor in found:
        # What torch.func has wrapped looks like any tensor, and has no storage that it gives away.
        with contextlib.suppress(NotImplementedError):
            if memory.has_storage(tensor):
                places.add(memory.storage(tensor)[0])
    return places
