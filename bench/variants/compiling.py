"""`compiled` and `aot-eager`: `torch.compile` around the model, by inductor and without it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from adapters.base import UnsupportedSettings
from bench.variants import torch_compile
from bench.variants.base import CUDA, Part, Way
from bench.variants.outputs import mapped

GRAPHS = "reduce-overhead"
"""The mode in which inductor captures CUDA graphs of what it has compiled."""


class _ByDynamo(Part):
    """Compiled on the first calls, which are made before anything is timed.

    What is compiled for one variant is never run for another.
    """

    devices = ("cpu", CUDA)
    turn = 3
    ready_at_once = False

    def lacks(self, device: str) -> str | None:
        return super().lacks(device) or torch_compile.lacking()

    @abstractmethod
    def backend(self, way: Way) -> Callable[..., Any]:
        """What compiles a graph that Dynamo has captured, for one way alone."""

    def shape(self, way: Way) -> None:
        if torch_compile.is_in(way.model):
            raise UnsupportedSettings(
                f"{self.name}: the model is compiled already; give it as it was before"
            )
        forward, backend = way.forward, self.backend(way)

        def compiled_forward(*args: Any, **kwargs: Any) -> Any:
            return forward(*args, **kwargs)

        def counted(graph: Any, inputs: Sequence[Any]) -> Any:
            way.compilations += 1
            return backend(graph, inputs)

        try:
            way.forward = torch_compile.compiled(compiled_forward, counted)
        except RuntimeError as error:  # of a Python that this torch does not compile for
            raise UnsupportedSettings(f"{self.name}: {error}") from error
        way.compiles = True


class Compiled(_ByDynamo):
    """By inductor, which on CUDA captures what it has compiled."""

    name = "compiled"
    told = f"torch.compile by inductor; with mode={GRAPHS!r} on CUDA"
    excludes = ("graphed",)
    why_not = "on CUDA what is compiled is captured already"

    def lacks(self, device: str) -> str | None:
        found = super().lacks(device)
        if found is not None:
            return found
        if device.startswith(CUDA):
            there = importlib.util.find_spec("triton") is not None
            return None if there else "inductor needs triton: python -m pip install triton"
        compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
        if shutil.which(compiler) is None:
            return (
                f"inductor needs a C++ compiler, and there is no {compiler}: install one, or name"
                " yours in the variable CXX"
            )
        return None

    def backend(self, way: Way) -> Callable[..., Any]:
        def compile_(graph: Any, inputs: Sequence[Any]) -> Any:
            import torch

            patches = torch._inductor.list_mode_options(GRAPHS) if _captures(way) else None
            return inductor()(graph, inputs, config_patches=patches)

        return compile_

    def shape(self, way: Way) -> None:
        super().shape(way)
        if not _captures(way):
            return
        run = way.forward

        def copied(*args: Any, **kwargs: Any) -> Any:
            # What a captured graph returns is overwritten by its next run.
            return mapped(run(*args, **kwargs), lambda tensor: tensor.clone())

        way.forward = copied

    def lines(self, device: str) -> Sequence[str]:
        mode = f', mode="{GRAPHS}"' if device.startswith(CUDA) else ""
        return (f"model.forward = torch.compile(model.forward{mode})",)


class AheadOfTime(_ByDynamo):
    """The graphs that inductor would be given, run as they are: seconds to make, and no faster.

    Which gradients a compiled backward pass computes is decided when AOTAutograd makes its graph,
    before any code is generated.
    """

    name = "aot-eager"
    told = (
        "the graphs that torch.compile makes, run without code generated for them: they compute"
        " what compiled code computes, in no less time"
    )
    excludes = ("compiled", "graphed")
    why_not = "both make graphs of the same forward pass"

    def backend(self, way: Way) -> Callable[..., Any]:
        from torch._dynamo.backends.registry import lookup_backend

        found: Callable[..., Any] = lookup_backend("aot_eager")
        return found

    def lines(self, device: str) -> Sequence[str]:
        return ('model.forward = torch.compile(model.forward, backend="aot_eager")',)


def _captures(way: Way) -> bool:
    return way.device.startswith(CUDA)


def inductor() -> Callable[..., Any]:
    """What compiles a graph that Dynamo has captured."""
    from torch._inductor.compile_fx import compile_fx

    return compile_fx
