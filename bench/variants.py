"""Put a model into a variant's state. The variants' names are in `bench.cases`."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

from torch import nn

from bench.cases import A_A, BASELINE
from semibackward import semi_backward


def applied(variant: str, model: nn.Module) -> AbstractContextManager[None]:
    """The block inside which the model is in the variant's state.

    Raises:
        KeyError: there is no such variant.
    """
    if variant in (BASELINE, A_A):
        return contextlib.nullcontext()
    if variant == "semi-backward":
        return semi_backward(model)
    raise KeyError(variant)
