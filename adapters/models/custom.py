"""A user's own model, `FILE.py:NAME` or `package.module:NAME`: an `nn.Module`, or its builder."""

from __future__ import annotations

from torch import nn

from adapters import custom
from adapters.base import AdapterError

EXAMPLE = "my_models.py:build"
"""What is right, for errors."""


def build(text: str, option: str) -> nn.Module:
    """Import the user's model, or call what makes one, without arguments.

    Raises:
        AdapterError: there is no such name, or it gives no `nn.Module`, or it fails.
    """
    spec = custom.parse(text, option, EXAMPLE)
    try:
        found = getattr(custom.import_place(spec), spec.function)
        if callable(found) and not isinstance(found, nn.Module):
            found = found()
    except Exception as error:
        raise AdapterError(f"{option} {text}: {type(error).__name__}: {error}") from error
    if not isinstance(found, nn.Module):
        raise AdapterError(
            f"{option} {text} gives {type(found).__name__}; it must be a torch.nn.Module, or a"
            " function that returns one when called without arguments"
        )
    return found
