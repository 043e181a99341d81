"""What there is to know of `torch.compile` before and after it is used: whether it can be, what was
compiled already, code that nothing else shares, and its own words in a line. Imports torch late."""

from __future__ import annotations

import builtins
import inspect
import itertools
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar, cast

LONGEST = 200
"""Characters of the compiler's own words that a sentence repeats."""
_PACKAGES = ("torch._dynamo.", "torch._inductor.", "torch._functorch.")
_NUMBERS = itertools.count()
_Function = TypeVar("_Function", bound=Callable[..., Any])


def lacking() -> str | None:
    """Why nothing can be compiled, where this torch is too old; else None."""
    import torch

    if hasattr(torch, "compile"):
        return None
    return f"torch {torch.__version__} has no torch.compile; it came with 2.0"


def is_in(model: Any) -> bool:
    """Whether a model is compiled already, or a part of it."""
    return any(
        getattr(one, "_compiled_call_impl", None) is not None
        or type(one).__name__ == "OptimizedModule"
        for one in model.modules()
    )


def compiled(function: _Function, backend: Any) -> _Function:
    """A function that is compiled when it is called, sharing no compiled code with any other.

    Dynamo ties what it compiles to a code object, its name and its globals, and to the back end;
    and its guards have let code for parameters that require gradients run where these were frozen
    (pytorch issue 139476). So all of these are the function's own, and recompilations too, where
    this torch can see to that.

    Args:
        function: written in Python, that reads no global name but built-in ones.
        backend: as `torch.compile` takes it; an object of its own.

    Raises:
        RuntimeError: this torch does not compile for this Python.
    """
    import torch

    compile_: Any = torch.compile
    isolates = "isolate_recompiles" in inspect.signature(compile_).parameters
    options = {"isolate_recompiles": True} if isolates else {}
    return cast("_Function", compile_(_of_its_own(function), backend=backend, **options))


def _of_its_own(function: Any) -> FunctionType:
    code = function.__code__.replace(co_name=f"{function.__name__}_{next(_NUMBERS)}")
    own = {"__builtins__": builtins, "__name__": function.__module__}
    return FunctionType(code, own, None, function.__defaults__, function.__closure__)


def complaint(error: BaseException) -> str | None:
    """What the compiler says is wrong, in one line; None of an error that is not the compiler's."""
    return line(error) if type(error).__module__.startswith(_PACKAGES) else None


def line(error: BaseException) -> str:
    """What was raised, in a line: Dynamo wraps it, and says how to debug Dynamo below it."""
    while isinstance(behind := getattr(error, "inner_exception", None), Exception):
        error = behind
    return f"{type(error).__name__}: {first_line(str(error))}".removesuffix(": ")


def first_line(text: str) -> str:
    """The first that says something, cut where it is long."""
    found = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return found if len(found) <= LONGEST else f"{found[:LONGEST]} ..."
