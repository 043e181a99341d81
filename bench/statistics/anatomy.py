"""What an attack's run is made of: forward, output gradients, parameter gradients, the rest.

Pure values; `bench.worker.dissecting` fills them in, `bench.explanation` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """How one variant's run divides, where the seams are the model's call and autograd's engine.

    Attributes:
        seconds: of the whole run; medians over the instrumented runs, as the next two, or sums of
            such; None where they could not be timed.
        forward: seconds inside the model's calls, outside the engine.
        backward: seconds inside the engine.
        forward_flops: operations outside the engine; None where torch can't count.
        backward_flops: operations inside it.
        masks: how often `convolution_backward` was asked for which gradients, as "input, weight".
    """

    seconds: float | None
    forward: float | None
    backward: float | None
    forward_flops: int | None
    backward_flops: int | None
    masks: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CompiledBackward:
    """What the backward pass does in a run whose model `torch.compile` has compiled.

    Attributes:
        parameters: of the model, whose gradient the compiled graphs compute, asked for or not.
        pieces: graphs that one call of the model runs, at most; more than one where it breaks.
        masks: as of a `Part`; counted in the graphs, each as often as it ran.
        saved: bytes that one call of the model keeps for its backward pass, by the type of the
            layer that made them, most first: of the call that keeps most, without parameters,
            buffers and inputs of the model.
    """

    parameters: int
    pieces: int
    masks: dict[str, int] = field(default_factory=dict)
    saved: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Anatomy:
    """What the instrumented runs of a case showed.

    The time of parameter gradients is what the engine takes longer in the baseline than with
    parameters frozen, in runs that take turns; what the engine takes when frozen is output
    gradients; what is outside the model and the engine is the attack's own overhead.

    What could not be looked at is None, and a warning of the record says why.

    Attributes:
        runs: instrumented runs of each variant.
        calls: how often the baseline asked for gradients, by kind of call.
        computing: how many of these calls computed a parameter's gradient.
        forwards: forward passes for each image of the batch.
        backwards: backward passes for each image, where a call reaches the images of the forward
            passes that its graph leads to.
        parameters: how many parameters' gradients each operation computed in the baseline.
        own_functions: custom `autograd.Function`s in the baseline's graphs.
        parts: of each variant.
        saved: for each variant the bytes that one call of the model saves in eager mode, by the
            type of the layer, as of a `CompiledBackward`; None in records made before this was
            kept.
        compiled: what each variant's run does with the model compiled; None where nobody tried, and
            in records made before this was kept.
        uncompiled: why it could not be compiled, in words; None where it could, or nobody tried.
    """

    runs: int
    calls: dict[str, int] | None
    computing: int | None
    forwards: float | None
    backwards: float | None
    parameters: dict[str, int] | None
    own_functions: list[str] | None
    parts: dict[str, Part]
    saved: dict[str, dict[str, int]] | None = None
    compiled: dict[str, CompiledBackward] | None = None
    uncompiled: str | None = None


NOTHING = 0.005
"""A share of the time that counts as none where it is below zero: it is told in whole percent."""


@dataclass(frozen=True)
class Split:
    """The shares of the baseline's time, none below zero.

    Attributes:
        forward, backward, overhead: they add up to 1.
        parameter_gradients: of `backward`; None where that can't be told.
    """

    forward: float
    backward: float
    overhead: float
    parameter_gradients: float | None

    @property
    def output_gradients(self) -> float | None:
        """The rest of `backward`."""
        parameter = self.parameter_gradients
        return None if parameter is None else self.backward - parameter


def split(anatomy: Anatomy, baseline: str, variant: str, *, idle: bool = False) -> Split | None:
    """Divide the baseline's time; None where it was not timed, or its parts are more than all.

    Args:
        anatomy: with both variants' parts.
        baseline: whose time.
        variant: one that computes no parameter gradients.
        idle: whether the baseline computes none either, so that what its backward passes take less
            is no time of theirs.
    """
    told, frozen = anatomy.parts[baseline], anatomy.parts[variant].backward
    if not told.seconds or told.forward is None or told.backward is None:
        return None
    inside = told.forward + told.backward
    if told.seconds - inside < -NOTHING * told.seconds:
        return None
    whole = max(told.seconds, inside)
    parameter = None
    if not told.backward:
        parameter = 0.0
    elif frozen is not None:
        parameter = (told.backward - frozen) / whole
        if idle or parameter > -NOTHING:
            parameter = max(0.0, parameter)
    return Split(
        forward=told.forward / whole,
        backward=told.backward / whole,
        overhead=(whole - inside) / whole,
        parameter_gradients=None if parameter is None or parameter < 0 else parameter,
    )


def ceiling_by_time(found: Split | None) -> float | None:
    """The speedup if the parameter gradients' time went and nothing else changed (Amdahl 1967);
    None where that time is not known, or is all there is."""
    if found is None or found.parameter_gradients is None or found.parameter_gradients >= 1:
        return None
    return 1 / (1 - found.parameter_gradients)


def ceiling_by_operations(anatomy: Anatomy, baseline: str, variant: str) -> float | None:
    """The ratio of the operations; None where they could not be counted."""
    totals = []
    for name in (baseline, variant):
        part = anatomy.parts[name]
        if part.forward_flops is None or part.backward_flops is None:
            return None
        totals.append(part.forward_flops + part.backward_flops)
    return totals[0] / totals[1] if totals[1] else None
