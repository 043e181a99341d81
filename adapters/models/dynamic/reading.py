"""Takes apart what a dynamic network returns, whatever holds its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from adapters.base import UnsupportedSettings
from adapters.models.dynamic.base import Gated
from adapters.models.outputs import a
from semibackward_bench.grammar import counted

PAGE = "docs/energy.md"
"""Where users read what a dynamic network returns."""
NAMES = Gated._fields


def reader(output: object, who: str) -> Callable[[Any], Gated]:
    """How such outputs are taken apart.

    Raises:
        UnsupportedSettings: a part is not there, or is no tensor.
    """
    take = _taker(output)
    if take is None or take(output, "gates") is None:
        raise UnsupportedSettings(
            f"{who} has no gates: it returns {kind(output)}; what a dynamic network returns is"
            f" told in {PAGE}"
        )
    for name in NAMES:
        part = take(output, name)
        if part is None and name != "exits":
            raise UnsupportedSettings(f"{who} returns {kind(output)} without `{name}`; see {PAGE}")
        if part is not None and not isinstance(part, Tensor):
            raise UnsupportedSettings(
                f"{who} returns {kind(part)} as `{name}`, where a tensor is needed; put several"
                " together with torch.stack"
            )

    def read(output: Any) -> Gated:
        logits, gates, flops, exits = (take(output, name) for name in NAMES)
        return Gated(logits, gates, flops.detach().double(), exits)

    return read


def _taker(output: object) -> Callable[[Any, str], Any] | None:
    """What takes a part by its name, None for one that is not there; None of other outputs."""
    if isinstance(output, Mapping):
        return lambda found, name: found.get(name)
    if isinstance(output, Tensor) or output is None:
        return None
    if isinstance(output, tuple | list) and not hasattr(output, "gates"):
        if len(output) not in (len(NAMES) - 1, len(NAMES)):
            return None
        places = {name: place for place, name in enumerate(NAMES[: len(output)])}
        return lambda found, name: found[places[name]] if name in places else None
    return lambda found, name: getattr(found, name, None)


def kind(output: object) -> str:
    """What it is, in words."""
    if output is None:
        return "None"
    if isinstance(output, Tensor):
        return f"a tensor of {shape(output)}"
    name = a(type(output).__name__)
    if isinstance(output, Mapping):
        return f"{name} of {', '.join(map(str, output)) or 'nothing'}"
    if isinstance(output, tuple | list) and not hasattr(output, "_fields"):
        return f"{name} of {counted(len(output), 'part')}"
    return name


def shape(tensor: Tensor) -> str:
    """As 2×10."""
    return "×".join(map(str, tensor.shape)) or "one number"


def dtype(tensor: Tensor) -> str:
    """As float32."""
    return str(tensor.dtype).removeprefix("torch.")
