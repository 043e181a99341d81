"""`compiled`: `torch.compile` around the model, by inductor."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from adapters.base import UnsupportedSettings
from bench.variants.base import CUDA, Part, Way
from bench.variants.outputs import mapped

GRAPHS = "reduce-overhead"
"""The mode in which inductor captures CUDA graphs of what it has compiled."""


class Compiled(Part):
    """Compiled on the first calls, which are made before anything is timed.

    What is compiled for one variant is never run for another. Dynamo finds compiled code by the
    code object it is for and by the back end that compiled it, and its guards have let code for
    parameters that require gradients run where these were frozen (pytorch issue 139476); so both
    are made anew each time.
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
        import torch

        if not hasattr(torch, "compile"):
            return f"torch {torch.__version__} has no torch.compile; it came with 2.0"
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
        import torch

        if any(getattr(one, "_compiled_call_impl", None) for one in way.model.modules()) or any(
            type(one).__name__ == "OptimizedModule" for one in way.model.modules()
        ):
            raise UnsupportedSettings(
                f"{self.name}: the model is compiled already; give it as it was before"
            )
        captures = way.device.startswith(CUDA)
        try:
            run = torch.compile(
                _with_code_of_its_own(way.forward), backend=_Inductor(way, captures=captures)
            )
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


def _with_code_of_its_own(forward: Callable[..., Any]) -> Callable[..., Any]:
    def compiled_forward(*args: Any, **kwargs: Any) -> Any:
        return forward(*args, **kwargs)

    found = FunctionType(
        compiled_forward.__code__.replace(),
        compiled_forward.__globals__,
        compiled_forward.__name__,
        compiled_forward.__defaults__,
        compiled_forward.__closure__,
    )
    return functools.wraps(compiled_forward)(found)
