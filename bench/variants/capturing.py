"""`graphed`: the forward and the backward pass as a CUDA graph each, launched whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from adapters.base import UnsupportedSettings
from bench.variants.base import CUDA, Part, Way


class Graphed(Part):
    """`torch.cuda.make_graphed_callables` around the model.

    A graph has one shape, and one set of activations: a call with another shape, or a backward pass
    behind a later forward pass, would quietly compute something else, so both are refused.
    """

    name = "graphed"
    told = "forward and backward pass captured as CUDA graphs, for one shape of images"
    devices = (CUDA,)
    turn = 4
    ready_at_once = False
    excludes = ("compiled", "forward-only")
    why_not = "what is captured has a backward pass, and is launched as it is"

    def shape(self, way: Way) -> None:
        import torch

        assert way.example is not None  # whoever captures knows the images
        whole = _module(way.model, way.forward)
        sample = way.example.clone().requires_grad_(True)
        try:
            torch.cuda.make_graphed_callables(whole, (sample,))
        except (RuntimeError, AssertionError) as error:
            first = " ".join(str(error).split())[:300]
            raise UnsupportedSettings(f"{self.name}: it can't be captured: {first}") from error
        way.compilations += 1
        way.forward = _Guarded(whole.forward, sample)

    def lines(self, device: str) -> Sequence[str]:
        return ("torch.cuda.make_graphed_callables(model, (images.clone().requires_grad_(),))",)


class _Guarded:
    """A captured model that is called as it was captured, or not at all.

    Args:
        run: replays.
        sample: what it was captured with.
    """

    def __init__(self, run: Callable[..., Any], sample: Any) -> None:
        self._run = run
        self._sample = sample
        self._passes = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        import torch

        there = args[0] if len(args) == 1 and not kwargs else None
        alike = isinstance(there, torch.Tensor) and (
            (there.shape, there.dtype) == (self._sample.shape, self._sample.dtype)
        )
        if not alike:
            raise UnsupportedSettings(
                f"graphed: the attack calls the model with {_spelt(args, kwargs)}, and it was"
                f" captured with {_spelt((self._sample,), {})}: a graph has one shape"
            )
        self._passes += 1
        number = self._passes
        # The graph's own output is overwritten by its next run.
        output = self._run(there).clone()
        if output.requires_grad:
            output.register_hook(lambda gradient: self._check(number))
        return output

    def _check(self, number: int) -> None:
        if number != self._passes:
            raise UnsupportedSettings(
                "graphed: the attack calls the model again before it asks for the gradient of an"
                " earlier call, whose activations are overwritten by then"
            )


def _module(model: Any, forward: Callable[..., Any]) -> Any:
    """A module with the model's parameters, whose forward pass is this."""
    from torch import nn

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: Any) -> Any:
            return forward(images)

    whole = Whole()
    whole.training = model.training
    return whole


def _spelt(args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    told = [
        f"{'x'.join(map(str, one.shape))} of {one.dtype}".replace("torch.", "")
        if hasattr(one, "shape") and hasattr(one, "dtype")
        else type(one).__name__
        for one in (*args, *kwargs.values())
    ]
    return ", ".join(told) or "nothing"
