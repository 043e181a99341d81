"""What one run does, counted exactly, without time: `bench.worker.counting` fills it in. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Counts:
    """What one run of one variant did. Every number repeats itself, on any machine of a kind.

    What torch could not be asked is None, and the record's warnings say why.

    Attributes:
        calls: how often gradients were asked for, by kind of call; see `bench.worker.gradients`.
        computing: how many of these calls computed a parameter's gradient.
        parameter_gradients: of parameters, that all calls together computed.
        foreign: of what is neither the model's nor the attack's own, that all calls together
            computed and nobody read; None in records made before this was kept.
        forward_calls, forward_images: passes through the model, and images in them all together.
        backward_calls, backward_images: passes through autograd's engine, and the images of the
            forward passes that each leads to.
        forward_flops, backward_flops: floating-point operations outside and inside the engine.
        saved: bytes that autograd kept for the backward pass, without the model's own.
        gradients: bytes of the parameters' `.grad`; both of the moment when together they were
            largest.
        forward_kernels, backward_kernels: operations dispatched to ATen that compute or write, by
            name, outside and inside the engine.
        views: operations that only look at memory another way, by name.
        host: how often values were handed to Python or numpy, by how.
    """

    calls: dict[str, int] | None
    computing: int | None
    parameter_gradients: int | None
    forward_calls: int | None
    forward_images: int | None
    backward_calls: int | None
    backward_images: int | None
    forward_flops: int | None
    backward_flops: int | None
    saved: int | None
    gradients: int | None
    forward_kernels: dict[str, int] | None = None
    backward_kernels: dict[str, int] | None = None
    views: dict[str, int] | None = None
    host: dict[str, int] = field(default_factory=dict)
    foreign: int | None = None
