"""Whether two variants' outputs that differ do so by rounding alone: proved, or not.

Two things are asked for. At the first step at which both variants' perturbation gradients differ,
from inputs that do not, they agree to what their type can hold: later, steps along the sign make
much of little. And the baseline's output is bit for bit the variant's once the parameters of some
layers are frozen in it too, so that these layers are what rounds otherwise;
`semibackward.rounding` finds which.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from bench.cases import SEMI_BACKWARD
from bench.statistics.equality import Equality
from bench.worker import equality
from bench.worker.workload import Workload
from semibackward import rounding
from semibackward.rounding import Layers

_MIXER = 0x9E3779B97F4A7C1
"""An odd number by which places are told apart; sums wrap around."""


@dataclass(frozen=True)
class Judgement:
    """Equality with its level; `doubt` says in words why a difference is not known to be rounding,
    None where it is."""

    equality: Equality
    doubt: str | None = None


def judge(workload: Workload, outputs: dict[str, Any], found: Equality) -> Judgement:
    """Look where the difference between two outputs comes from.

    Args:
        workload: whose baseline repeats itself.
        outputs: of both variants, which differ.
        found: how.
    """
    found = _told_apart(workload, outputs, found)
    baseline, variant = workload.variants
    if variant != SEMI_BACKWARD:
        return Judgement(found, "nothing but frozen parameters is looked into for rounding")
    trails = [trail(workload, name) for name in (baseline, variant)]
    if not all(trails):
        return Judgement(found, "no gradient by which to tell rounding reached the images")
    number = parting(*trails)
    if number is None:
        return Judgement(found, "its gradients are bit for bit the same, as far as its images are")
    first, second = (gradient_at(workload, name, number) for name in (baseline, variant))
    error, most = rounding.relative_error(first, second), rounding.tolerance(first)
    found = replace(
        found,
        first_step_error=error if math.isfinite(error) else None,
        rounding=most,
        flipped_signs=rounding.flipped_signs(first, second),
    )
    if not error <= most:
        return Judgement(
            found,
            f"its gradient is another one, by {error:.1e} of its norm where rounding comes to"
            f" {most:.0e} at most",
        )

    def agrees(layers: Layers) -> bool:
        with workload.frozen_too(list(layers.values())):
            again = workload.output(baseline)
        return workload.compare(again, outputs[variant]).bitwise

    layers = rounding.at_fault(workload.model, agrees)
    if layers is None:
        return Judgement(
            found,
            f"its gradient agrees at first ({error:.1e} of its norm), but with the parameters of"
            " all layers frozen in both the outputs still differ",
        )
    named = {path: type(layer).__name__ for path, layer in layers.items()}
    return Judgement(replace(found, level="rounding", equal=True, layers=named))


@dataclass(frozen=True)
class Step:
    """One gradient of an attack: digests of what the model was called with and what came back."""

    inputs: int
    gradient: int


Trail = Mapping[int, Step]
"""The perturbation gradients of a run, by the number of the call of the model, in that order."""


def trail(workload: Workload, variant: str) -> Trail:
    """What one run leaves."""
    found: dict[int, Step] = {}

    def keep(number: int, inputs: Tensor, gradient: Tensor) -> None:
        found.setdefault(number, Step(_digest(inputs), _digest(gradient)))

    _watch(workload, variant, keep)
    return dict(sorted(found.items()))


def parting(first: Trail, second: Trail) -> int | None:
    """Number of the first call whose gradients differ; None if the inputs part before, or never."""
    for (number, one), (other_number, other) in zip(first.items(), second.items(), strict=False):
        if (number, one.inputs) != (other_number, other.inputs):
            return None
        if one.gradient != other.gradient:
            return number
    return None


def gradient_at(workload: Workload, variant: str, number: int) -> Tensor:
    """The gradient of that call, from another run."""
    found: list[Tensor] = []

    def keep(call: int, inputs: Tensor, gradient: Tensor) -> None:
        if call == number and not found:
            found.append(gradient.clone())

    _watch(workload, variant, keep)
    return found[0]


def _watch(workload: Workload, variant: str, keep: Callable[[int, Tensor, Tensor], object]) -> None:
    """Run a variant, and hand over each gradient that reaches what the model was called with.

    The model is called with a view of it, which is the same numbers, so that a hook sees the
    gradient in every version of torch; its run's output is not used.

    Args:
        workload: whose.
        variant: which.
        keep: is given the number of the call, what it was made with, and the gradient.
    """
    calls = itertools.count()

    def look(_: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        first = arguments[0] if arguments else None
        if not isinstance(first, Tensor) or not (first.requires_grad and torch.is_grad_enabled()):
            return None
        number, seen = next(calls), first.view_as(first)
        seen.register_hook(lambda gradient: keep(number, seen.detach(), gradient.detach()))
        return seen, *arguments[1:]

    handle = workload.model.register_forward_pre_hook(look)
    try:
        workload.probe(variant, lambda run: run())
    finally:
        handle.remove()


def _digest(tensor: Tensor) -> int:
    """Of its bits and where they stand."""
    bits = equality.bits(tensor.contiguous()).flatten().to(torch.int64)
    places = torch.arange(1, len(bits) + 1, device=bits.device)
    return int((bits * (places * _MIXER)).sum())


def _told_apart(workload: Workload, outputs: dict[str, Any], found: Equality) -> Equality:
    """With what both outputs come to, image by image."""
    baseline, variant = workload.variants
    success = {name: workload.succeeded(outputs[name]) for name in workload.variants}
    first, second = success[baseline], success[variant]
    if first is not None and second is not None:
        found = replace(
            found,
            success={name: int(told.sum()) for name, told in success.items() if told is not None},
            success_differs=(first != second).nonzero().flatten().tolist(),
        )
    return workload.counted(outputs[baseline], outputs[variant], found)
