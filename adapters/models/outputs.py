"""Where a model's output has its logits: one rule for outputs that are more than a tensor.

The rule: what is called `logits` is taken, as a key or an attribute (Hugging Face's outputs have
it); else the first tensor of floating-point numbers with two dimensions, a row for each image.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from torch import Tensor, nn

NAME = "logits"


@dataclass(frozen=True)
class Place:
    """Where the logits are in an output.

    Attributes:
        take: from the output to them; None where the output is the logits.
        said: the place in words, for records; "" where there is nothing to say.
    """

    take: Callable[[Any], Tensor] | None
    said: str


def place(output: object, images: int) -> Place | None:
    """Where an output has its logits; None where the rule finds none.

    Args:
        output: what the model returned.
        images: how many images it was given.
    """
    if isinstance(output, Tensor):
        return Place(None, "")
    parts = list(_parts(output))
    kind = f"the model's output is {a(type(output).__name__)}"
    for name, take, value in parts:
        if name in (f"['{NAME}']", f".{NAME}") and isinstance(value, Tensor):
            return Place(take, f"{kind}: `{NAME}` is taken")
    found = [(name, take, value) for name, take, value in parts if _may_be(value, images)]
    if not found:
        return None
    first, take, value = found[0]
    others = ", ".join(f"output{name} of {_shape(value)}" for name, _, value in found[1:])
    more = f", for it comes first: {others} would do as well" if others else ""
    return Place(take, f"{kind}: output{first} of {_shape(value)} is taken as its logits{more}")


class Logits(nn.Module):
    """A model whose output is its logits alone, (N, classes); around the very same module.

    Args:
        model: the model.
        take: from its output to its logits.
    """

    def __init__(self, model: nn.Module, take: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.model = model
        self.take = take

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        return self.take(self.model(*args, **kwargs))


def _parts(output: object) -> Iterator[tuple[str, Callable[[Any], Any], object]]:
    """What an output is made of: how each part is reached, in words and in deed, and the part."""
    if isinstance(output, Mapping) and output:
        for key, value in output.items():
            yield f"[{key!r}]", operator.itemgetter(key), value
        return
    named = getattr(output, NAME, None)
    if isinstance(named, Tensor):
        yield f".{NAME}", operator.attrgetter(NAME), named
    if isinstance(output, tuple | list):
        for index, value in enumerate(output):
            yield f"[{index}]", operator.itemgetter(index), value
    elif is_dataclass(output):
        for field in fields(output):
            name = field.name
            yield f".{name}", operator.attrgetter(name), getattr(output, name, None)
    else:
        for name, value in getattr(output, "__dict__", {}).items():
            yield f".{name}", operator.attrgetter(name), value


def _may_be(value: object, images: int) -> bool:
    return (
        isinstance(value, Tensor)
        and value.ndim == 2
        and value.shape[0] == images
        and value.is_floating_point()
    )


def _shape(value: object) -> str:
    return "×".join(map(str, getattr(value, "shape", ())))


def a(name: str) -> str:
    """With its article."""
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
