"""What a model returns: a tensor, or a dict, a sequence or a dataclass of such."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any


def mapped(output: Any, change: Callable[[Any], Any]) -> Any:
    """A model's output with each tensor changed; what is no tensor stays.

    Args:
        output: of a model.
        change: of a tensor.
    """
    from torch import Tensor

    if isinstance(output, Tensor):
        return change(output)
    if isinstance(output, dict):
        made = copy.copy(output)
        made.update({name: mapped(value, change) for name, value in output.items()})
        return made
    if isinstance(output, tuple | list):
        changed = [mapped(value, change) for value in output]
        return output._make(changed) if hasattr(output, "_make") else type(output)(changed)
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        names = [one.name for one in dataclasses.fields(output) if one.init]
        return dataclasses.replace(output, **{n: mapped(getattr(output, n), change) for n in names})
    return output
