"""In place of inductor a back end that compiles nothing: AOTAutograd's graphs, run as they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from bench.variants import compiling


@contextlib.contextmanager
def compiling_eagerly() -> Iterator[None]:
    """Inside the block `torch.compile` is quick. What was compiled is forgotten after it."""
    from torch._dynamo.backends.debugging import aot_eager

    def compile_as_it_is(graph: Any, inputs: Any, **_: Any) -> Any:
        return aot_eager(graph, inputs)

    real = torch.compile
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "inductor", lambda: compile_as_it_is)
        patch.setattr(
            torch, "compile", lambda function, backend=aot_eager: real(function, backend=backend)
        )
        yield
    torch._dynamo.reset()
