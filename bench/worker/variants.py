"""Put a model into a variant's state. The variants' names are in `bench.cases`."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from bench.cases import A_A, BASELINE, FORWARD_ONLY, SEMI_BACKWARD
from bench.worker.calls import Call, intercepted
from semibackward import semi_backward


def applied(variant: str, model: nn.Module) -> AbstractContextManager[None]:
    """The block inside which the model is in the variant's state.

    Raises:
        KeyError: there is no such variant.
    """
    if variant in (BASELINE, A_A):
        return contextlib.nullcontext()
    if variant == SEMI_BACKWARD:
        return semi_backward(model)
    if variant == FORWARD_ONLY:
        return _inferring(model)
    raise KeyError(variant)


def _inferring(model: nn.Module) -> AbstractContextManager[None]:
    """The model in inference mode, whoever calls it; what surrounds it is left alone, and so is a
    copy that an attack makes of it.

    The output is copied outside that mode, since attacks may work on it in place.
    """

    def infer(_: Any, forward: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with torch.inference_mode():
            output = forward(*args, **kwargs)
        return _copied(output)

    # What `Module.compile` has compiled is not its `forward`, but all that a call does.
    compiled = getattr(model, "_compiled_call_impl", None) is not None
    return intercepted(model, infer, names=("__call__", "forward") if compiled else ("forward",))


def _copied(output: Any) -> Any:
    """The same with a copy of each tensor: what is made in inference mode stays of it."""
    if isinstance(output, Tensor):
        return output.clone()
    if isinstance(output, dict):
        made = copy.copy(output)
        made.update({name: _copied(value) for name, value in output.items()})
        return made
    if isinstance(output, tuple | list):
        copies = [_copied(value) for value in output]
        return output._make(copies) if hasattr(output, "_make") else type(output)(copies)
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        names = [one.name for one in dataclasses.fields(output) if one.init]
        return dataclasses.replace(output, **{n: _copied(getattr(output, n)) for n in names})
    return output
