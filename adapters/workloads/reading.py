"""Whether what a `setup()` returned is a workload; one line that names the mend where it is not."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from adapters.base import AdapterError
from adapters.workloads import state
from adapters.workloads.base import NEEDED, OPTIONAL, Program

_MISSING = object()
_WANTED = "return a dict with `call` (what a step runs) and `foreign` (its networks)"


def read(returned: Any, text: str) -> Program:
    """The workload that a `setup` returned.

    Args:
        returned: by it: a mapping, or an object with these attributes.
        text: what the user wrote, for errors.

    Raises:
        AdapterError: it is none.
    """
    if isinstance(returned, Mapping):
        parts = dict(returned)
        _only_known(parts, text)
    else:
        parts = _attributes(returned, text)
    for name in NEEDED:
        if parts.get(name) is None:
            raise AdapterError(f"{text} returns no `{name}`: {_WANTED}")
    toggled = parts.get("toggled") or False
    if not isinstance(toggled, bool):
        raise AdapterError(f"{text}: `toggled` is {toggled!r}; it is True or False")
    frozen_call = parts.get("frozen_call")
    after = parts.get("after")
    return Program(
        call=_callable(parts["call"], "call", text),
        foreign=_networks(parts["foreign"], text),
        state=_state(parts.get("state"), text),
        after=None if after is None else _callable(after, "after", text),
        frozen_call=None if frozen_call is None else _callable(frozen_call, "frozen_call", text),
        toggled=toggled,
    )


def _attributes(returned: Any, text: str) -> dict[str, Any]:
    foreign_type = isinstance(returned, Tensor | nn.Module | list | tuple | str | int | float)
    if returned is None or foreign_type or callable(returned):
        raise AdapterError(f"{text} returns {_told(returned)}: {_WANTED}")
    found = {name: getattr(returned, name, _MISSING) for name in (*NEEDED, *OPTIONAL)}
    if all(found[name] is _MISSING for name in NEEDED):
        raise AdapterError(f"{text} returns {_told(returned)}: {_WANTED}")
    return {name: value for name, value in found.items() if value is not _MISSING}


def _only_known(parts: Mapping[Any, Any], text: str) -> None:
    known = (*NEEDED, *OPTIONAL)
    for key in parts:
        if key in known:
            continue
        near = difflib.get_close_matches(str(key), known, n=1)
        mend = f"did you mean {near[0]!r}?" if near else f"it may have {', '.join(known)}"
        raise AdapterError(f"{text} returns {key!r}, which nobody knows: {mend}")


def _callable(found: Any, name: str, text: str) -> Callable[[], Any]:
    if not callable(found):
        raise AdapterError(
            f"{text}: `{name}` is {_told(found)}, which can't be called: give a function without"
            " arguments"
        )
    try:
        inspect.signature(found).bind()
    except TypeError as error:
        raise AdapterError(
            f"{text}: `{name}` is called without arguments, and it needs some ({error}): bind them,"
            " as by a lambda"
        ) from error
    except ValueError:  # built in C: calling it will tell
        pass
    call: Callable[[], Any] = found
    return call


def _networks(found: Any, text: str) -> tuple[nn.Module, ...]:
    several = isinstance(found, nn.ModuleList | list | tuple | set | frozenset)
    every = list(found) if several else [found]
    if not every:
        raise AdapterError(
            f"{text}: `foreign` is empty; name the networks that the call passes through and whose"
            " parameters it does not train"
        )
    for one in every:
        if not isinstance(one, nn.Module):
            raise AdapterError(
                f"{text}: `foreign` has {_told(one)} in it; it is an nn.Module, or a list of them"
            )
        if next(one.parameters(), None) is None:
            raise AdapterError(
                f"{text}: {type(one).__name__} in `foreign` has no parameters, so there is nothing"
                " to freeze: name the network that has"
            )
    networks = tuple(dict.fromkeys(every))
    if not any(each.requires_grad for one in networks for each in one.parameters()):
        names = ", ".join(dict.fromkeys(type(one).__name__ for one in networks))
        raise AdapterError(
            f"{text}: no parameter of {names} requires a gradient, so semi-backward has nothing to"
            " leave out: hand the networks over as your program has them, or measure another"
        )
    return networks


def _state(found: Any, text: str) -> tuple[Any, ...]:
    if found is None:
        return ()
    every = list(found) if isinstance(found, list | tuple | set | frozenset) else [found]
    for number, one in enumerate(every):
        if not state.can_be_put_back(one):
            raise AdapterError(
                f"{text}: `state[{number}]` is {_told(one)}, which can't be put back; it is for"
                " modules, optimizers, tensors, generators and what has a state_dict()"
            )
    return tuple(dict.fromkeys(every))


def _told(found: Any) -> str:
    if found is None:
        return "None"
    name = type(found).__name__
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"
