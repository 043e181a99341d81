"""Tell a difference that is rounding from one that is not, and find the layers it comes from.

Frozen parameters leave the perturbation gradient as it is in real numbers (Bu 2022, eq. 4). In
floating point a layer may round it otherwise, where its backward pass is another kernel for another
set of gradients: on CUDA batch norm in evaluation mode, by PyTorch's source. So a difference counts
as rounding where two things hold: the gradients agree to what their type can hold, and everything
agrees bit for bit once the parameters of the layers at fault are frozen both times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from semibackward.grammar import counted

MOST_TRIALS = 32
"""How often a search may ask, before it names more layers than it need."""

_ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 1e-2, torch.float16: 1e-2}
_TF32 = 1e-3
_TORCHS_OWN = (_NormBase, nn.LayerNorm, nn.GroupNorm)

Layers = Mapping[str, nn.Module]
"""Modules that hold parameters of their own, by their path in the model."""


def tolerance(gradient: Tensor) -> float:
    """How far two gradients may lie apart by rounding alone, relative to their norm.

    float32 on a GPU that multiplies in TF32 (ten bits of mantissa) counts as that.

    Args:
        gradient: one of them.
    """
    if gradient.dtype == torch.float32 and gradient.is_cuda and any(tf32().values()):
        return _TF32
    return _ROUNDING.get(gradient.dtype, 0.0)


def tf32() -> dict[str, bool]:
    """Whether cuDNN and cuBLAS may multiply float32 in TF32, by the settings' older names.

    From torch 2.9 on there are newer ones, and once those were used the older can't be read.
    """
    backends: Any = torch.backends
    found = {}
    for name, older, newer in (
        ("cudnn.allow_tf32", backends.cudnn, "conv"),
        ("matmul.allow_tf32", backends.cuda.matmul, None),
    ):
        try:
            found[name] = bool(older.allow_tf32)
        except RuntimeError:
            place = getattr(older, newer) if newer else older
            found[name] = place.fp32_precision == "tf32"
    return found


def relative_error(first: Tensor, second: Tensor) -> float:
    """The norm of their difference over the first one's; infinite where a number is not finite.

    Args:
        first, second: of the same shape.
    """
    first, second = first.detach().double(), second.detach().double()
    if not (bool(torch.isfinite(first).all()) and bool(torch.isfinite(second).all())):
        return float("inf")
    apart, length = float((first - second).norm()), float(first.norm())
    return apart / length if length else (float("inf") if apart else 0.0)


def flipped_signs(first: Tensor, second: Tensor) -> int:
    """Elements whose sign is not the same: what a sign attack takes another step for."""
    return int((first.sign() != second.sign()).sum())


def holders(model: nn.Module) -> dict[str, nn.Module]:
    """The modules that hold parameters of their own; the model itself is ""."""
    return {
        path: module
        for path, module in model.named_modules()
        if any(parameter is not None for parameter in module._parameters.values())
    }


def is_normalisation(module: nn.Module) -> bool:
    """Whether it normalises: torch's layers that do, and others by their name."""
    return "norm" in type(module).__name__.lower()


def at_fault(model: nn.Module, agrees: Callable[[Layers], bool]) -> dict[str, nn.Module] | None:
    """Layers such that all agrees once their parameters are frozen both times.

    The normalisation layers are tried first, together. Else the search begins with every layer and
    leaves out what it can: whole classes, then ever smaller groups.

    Args:
        model: whose layers.
        agrees: whether it does, with these layers' own parameters frozen; asked `MOST_TRIALS` times
            at most.

    Returns:
        the layers, by path; None if freezing does not explain it, even of all of them.
    """
    trials = _Trials(agrees)
    every = holders(model)
    found = {path: module for path, module in every.items() if is_normalisation(module)}
    if not found or not trials.agree(found):
        found = every
        if not trials.agree(found):
            return None
    for kind in dict.fromkeys(map(type, found.values())):
        rest = {path: module for path, module in found.items() if type(module) is not kind}
        if rest and trials.agree(rest):
            found = rest
    kinds = set(map(type, found.values()))
    if len(kinds) == 1 and issubclass(kinds.pop(), _TORCHS_OWN):
        return found  # of one class of torch's, so of one kernel
    return _needed(found, trials)


class _Trials:
    """Asks, as often as it may."""

    def __init__(self, agrees: Callable[[Layers], bool]) -> None:
        self._agrees = agrees
        self.left = MOST_TRIALS

    def agree(self, layers: Layers) -> bool:
        if not self.left:
            return False
        self.left -= 1
        return self._agrees(layers)


def _needed(found: Layers, trials: _Trials) -> dict[str, nn.Module]:
    """Of layers that explain it together, those that must be among them, one by one: the last of
    the shortest beginning that explains it with those known already, by bisection. All that is left
    where there are no more trials."""
    order, known = list(found), set[str]()

    def some(length: int) -> dict[str, nn.Module]:
        return {path: found[path] for path in order if path in known | set(order[:length])}

    length = len(order)
    while trials.left:
        short, long = 0, length  # the second explains it, the first does not
        while long - short > 1 and trials.left:
            middle = (short + long) // 2
            short, long = (short, middle) if trials.agree(some(middle)) else (middle, long)
        length = long
        if long - short > 1:
            break
        known.add(order[long - 1])
        length = long - 1
        if not length or trials.agree(some(0)):
            return some(0)
    return some(length)


def named(layers: Mapping[str, str]) -> str:
    """Some layers in words, as "20 BatchNorm2d layers (bn1, layer1.0.bn1, ...)".

    Args:
        layers: the class of each, by path.
    """
    paths = list(layers)
    kinds = " and ".join(dict.fromkeys(layers.values()))
    shown = ", ".join(path or "the model's own" for path in paths[:3])
    more = ", ..." if len(paths) > 3 else ""
    if len(paths) == 1:
        return f"the {kinds} layer {shown}"
    return f"{counted(len(paths), f'{kinds} layer')} ({shown}{more})"
