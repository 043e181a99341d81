"""Whether two variants' outputs that differ do so by rounding alone: proved, or not.

At the first step at which both variants' perturbation gradients differ, from inputs that do not,
they have to agree to what their type can hold: later, steps along the sign make much of little. And
there have to be layers such that these gradients are the same, bit for bit, once the parameters of
the layers are frozen in the baseline too: they are what rounds otherwise, and
`semibackward.rounding` finds them. With them frozen the outputs must be the same; if another
gradient differs further on, it is looked at in the same way. An attack that does something else
where parameters are frozen has no such gradient, or another output in spite of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from bench.cases import BASELINE, SEMI_BACKWARD
from bench.statistics.equality import Equality
from bench.worker import equality, passes
from bench.worker.calls import Call, intercepted
from bench.worker.tensors import whole
from bench.worker.workload import Workload
from semibackward import rounding
from semibackward.rounding import Layers

_MIXER = 0x9E3779B97F4A7C1
"""An odd number by which places are told apart; sums wrap around."""
MOST_PARTINGS = 4
"""Gradients that differ one after the other, each once what was behind the last one is frozen."""


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
    found = told_apart(workload, outputs, found)
    baseline, variant = workload.variants
    if variant != SEMI_BACKWARD or baseline != BASELINE:
        return Judgement(
            found, f"only of {SEMI_BACKWARD} is it looked into whether that is rounding"
        )
    theirs = trail(workload, variant)
    frozen: dict[str, nn.Module] = {}
    for _ in range(MOST_PARTINGS):
        with workload.frozen_too(list(frozen.values())):
            ours = trail(workload, baseline)
            number = parting(ours, theirs)
            first = None if number is None else gradient_at(workload, baseline, number)
        if not ours or not theirs:
            return Judgement(
                found,
                f"no gradient reached {workload.seen_at}, by which to tell whether that is"
                " rounding",
            )
        if number is None or first is None:
            return Judgement(found, _same_gradients(frozen))
        second = gradient_at(workload, variant, number)
        error, most = rounding.relative_error(first, second), rounding.tolerance(first)
        if not frozen:
            found = replace(
                found,
                first_step_error=error if math.isfinite(error) else None,
                rounding=most,
                flipped_signs=rounding.flipped_signs(first, second),
            )
        if not error <= most:
            return Judgement(
                found,
                f"its gradient differs by {error:.1e} of its norm, where rounding comes to"
                f" {most:.0e} at most",
            )
        layers = _behind(workload, theirs, number, frozen)
        if layers is None:
            return Judgement(
                found,
                f"its gradient agrees to rounding ({error:.1e} of its norm), but is still not the"
                " same with the parameters of all layers frozen in both variants",
            )
        frozen |= layers
        with workload.frozen_too(list(frozen.values())):
            again = workload.output(baseline)
        if workload.compare(again, outputs[variant]).bitwise:
            named = {path: type(layer).__name__ for path, layer in frozen.items()}
            return Judgement(replace(found, level="rounding", equal=True, layers=named))
    return Judgement(
        found,
        f"its gradients agree to rounding at {MOST_PARTINGS} steps, but the outputs still differ"
        " with the layers behind that frozen in both variants",
    )


def _behind(
    workload: Workload, theirs: Trail, number: int, frozen: Layers
) -> dict[str, nn.Module] | None:
    """The layers that make the gradient of a call another one; None if freezing does not."""
    baseline, _ = workload.variants

    def agrees(layers: Layers) -> bool:
        with workload.frozen_too([*frozen.values(), *layers.values()]):
            return _up_to(trail(workload, baseline), number) == _up_to(theirs, number)

    return rounding.at_fault(workload.model, agrees)


def _up_to(steps: Trail, number: int) -> list[tuple[int, Step]]:
    return [(call, step) for call, step in steps.items() if call <= number]


def _same_gradients(frozen: Layers) -> str:
    if not frozen:
        return "its gradients are bit for bit the same for as long as its images are"
    some = rounding.named({path: type(layer).__name__ for path, layer in frozen.items()})
    return (
        f"with the parameters of {some} frozen in both variants its gradients are bit for bit the"
        " same for as long as its images are, and the outputs are not"
    )


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
            found.append(whole(gradient.clone()))

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

    def look(_: Any, run: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        for place, value in given.items():
            if isinstance(value, Tensor) and value.requires_grad and torch.is_grad_enabled():
                given[place] = _seen(value, next(calls), keep)
                break
        return run(*(given[n] for n in range(len(args))), **{name: given[name] for name in kwargs})

    parts = passes.parts_of(workload.model) if workload.several else None
    with intercepted(workload.model, look, parts=parts):
        workload.probe(variant, lambda run: run())


def _seen(tensor: Tensor, number: int, keep: Callable[[int, Tensor, Tensor], object]) -> Tensor:
    """A view of what a call was made with, whose gradient is handed over."""
    seen = tensor.view_as(tensor)
    seen.register_hook(lambda gradient: keep(number, seen.detach(), gradient.detach()))
    return seen


def _digest(tensor: Tensor) -> int:
    """Of its bits and where they stand."""
    bits = equality.bits(whole(tensor).contiguous()).flatten().to(torch.int64)
    places = torch.arange(1, len(bits) + 1, device=bits.device)
    return int((bits * (places * _MIXER)).sum())


def told_apart(workload: Workload, outputs: dict[str, Any], found: Equality) -> Equality:
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
