"""Put a model into a variant's state. The variants' names are in `bench.cases`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from bench.cases import A_A, BASELINE, FORWARD_ONLY, SEMI_BACKWARD
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
    """The model in inference mode, whoever calls it; what surrounds it is left alone.

    The output is copied outside that mode, since attacks may work on it in place.
    """

    def inferring(forward: Callable[..., Any]) -> Callable[..., Any]:
        def infer(*args: Any, **kwargs: Any) -> Any:
            with torch.inference_mode():
                output = forward(*args, **kwargs)
            return output.clone()

        return infer

    return forward_replaced(model, inferring)


@contextlib.contextmanager
def forward_replaced(
    model: nn.Module, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Iterator[None]:
    """Inside the block the model's `forward` is what `wrap` makes of it."""
    forward = model.forward
    own = "forward" in vars(model)
    model.forward = wrap(forward)
    try:
        yield
    finally:
        if own:
            model.forward = forward
        else:
            del model.forward
