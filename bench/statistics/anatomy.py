"""What an attack's run is made of: forward, output gradients, parameter gradients, the rest.

Pure values; `bench.worker.dissecting` fills them in, `bench.explanation` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """How one variant's run divides, where the seams are the model's call and autograd's engine.

    Attributes:
        seconds: of the whole run; medians over the instrumented runs, as the next two.
        forward: seconds inside the model's calls, outside the engine.
        backward: seconds inside the engine.
        forward_flops: operations outside the engine; None where torch can't count.
        backward_flops: operations inside it.
        masks: how often `convolution_backward` was asked for which gradients, as "input, weight".
    """

    seconds: float
    forward: float
    backward: float
    forward_flops: int | None
    backward_flops: int | None
    masks: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Anatomy:
    """What the instrumented runs of a case showed.

    The time of parameter gradients is what the engine takes longer in the baseline than with
    parameters frozen, in runs that take turns; what the engine takes when frozen is output
    gradients; what is outside the model and the engine is the attack's own overhead.

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
    """

    runs: int
    calls: dict[str, int]
    computing: int
    forwards: float
    backwards: float
    parameters: dict[str, int]
    own_functions: list[str]
    parts: dict[str, Part]


@dataclass(frozen=True)
class Split:
    """The shares of the baseline's time; they add up to 1."""

    forward: float
    output_gradients: float
    parameter_gradients: float
    overhead: float


def split(anatomy: Anatomy, baseline: str, variant: str) -> Split:
    """Divide the baseline's time; the variant must be one that computes no parameter gradients."""
    whole, frozen = anatomy.parts[baseline], anatomy.parts[variant]
    parameter = whole.backward - frozen.backward if whole.backward else 0.0
    output = whole.backward - parameter
    overhead = whole.seconds - whole.forward - whole.backward
    return Split(
        *(part / whole.seconds for part in (whole.forward, output, parameter, overhead)),
    )


def ceiling_by_time(anatomy: Anatomy, baseline: str, variant: str) -> float:
    """The speedup if the parameter gradients' time went and nothing else changed (Amdahl 1967)."""
    return 1 / (1 - split(anatomy, baseline, variant).parameter_gradients)


def ceiling_by_operations(anatomy: Anatomy, baseline: str, variant: str) -> float | None:
    """The ratio of the operations; None where they could not be counted."""
    totals = []
    for name in (baseline, variant):
        part = anatomy.parts[name]
        if part.forward_flops is None or part.backward_flops is None:
            return None
        totals.append(part.forward_flops + part.backward_flops)
    return totals[0] / totals[1] if totals[1] else None
