"""`compiled`: `torch.compile` around the model, by inductor."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import Any

from adapters.base import UnsupportedSettings
from bench.variants import torch_compile
from bench.variants.base import CUDA, Part, Way
from bench.variants.outputs import mapped

GRAPHS = "reduce-overhead"
"""The mode in which inductor captures CUDA graphs of what it has compiled."""


class Compiled(Part):
    """Compiled on the first calls, which are made before anything is timed.

    What is compiled for one variant is never run for another.
    """

    name = "compiled"
    told = f"torch.compile by inductor; with mode={GRAPHS!r} on CUDA"
    devices = ("cpu", CUDA)
    turn = 3
    ready_at_once = False
    excludes = ("graphed",)
    why_not = "on CUDA what is compiled is captured already"

    def lacks(self, device: str) -> str | None:
        found = super().lacks(device)
        if found is not None:
            return found
        lacking = torch_compile.lacking()
        if lacking is not None:
            return lacking
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

    def shape(self, way: Way) -> None:
        if torch_compile.is_in(way.model):
            raise UnsupportedSettings(
                f"{self.name}: the model is compiled already; give it as it was before"
            )
        captures = way.device.startswith(CUDA)
        forward = way.forward

        def compiled_forward(*args: Any, **kwargs: Any) -> Any:
            return forward(*args, **kwargs)

        try:
            run = torch_compile.compiled(compiled_forward, _Inductor(way, captures=captures))
        except RuntimeError as error:  # of a Python that this torch does not compile for
            raise UnsupportedSettings(f"{self.name}: {error}") from error
        if not captures:
            way.forward = run
            return

        def copied(*args: Any, **kwargs: Any) -> Any:
            # What a captured graph returns is overwritten by its next run.
            return mapped(run(*args, **kwargs), lambda tensor: tensor.clone())

        way.forward = copied

    def lines(self, device: str) -> Sequence[str]:
        mode = f', mode="{GRAPHS}"' if device.startswith(CUDA) else ""
        return (f"model.forward = torch.compile(model.forward{mode})",)


class _Inductor:
    """Inductor as a back end of one way's own, that counts what it compiles."""

    def __init__(self, way: Way, *, captures: bool) -> None:
        self._way = way
        self._captures = captures

    def __call__(self, graph: Any, inputs: Sequence[Any]) -> Any:
        import torch

        self._way.compilations += 1
        patches = torch._inductor.list_mode_options(GRAPHS) if self._captures else None
        return inductor()(graph, inputs, config_patches=patches)


def inductor() -> Callable[..., Any]:
    """What compiles a graph that Dynamo has captured."""
    from torch._inductor.compile_fx import compile_fx

    return compile_fx
