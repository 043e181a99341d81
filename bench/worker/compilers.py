"""`torch.compile` and `torch.jit` beside our instruments: what they must not read or write down."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import CodeType, FrameType
from typing import Any

import torch

from bench.variants.torch_compile import first_line
from semibackward_bench import home

is_compiling: Callable[[], bool] = getattr(
    getattr(torch, "compiler", None), "is_compiling", lambda: False
)
"""Asked by code that `torch.compile` reads: whether it does."""

ALIASES = ("__import_", "__builtins_dict__")
"""How names begin that `torch.compile` puts into the globals of code that it compiles, and leaves
there when that code is gone."""
_READERS = ("torch.jit.", "torch._jit_internal", "torch._dynamo.", "torch.fx.")


def compiling() -> bool:
    """Whether `torch.compile` is at work; what it asks autograd's engine for is a graph."""
    guards = sys.modules.get("torch._guards")
    if guards is None:
        return False
    context = guards.TracingContext
    # Before torch 2.1 `get` was what `try_get` is now.
    found: object = (context.try_get if hasattr(context, "try_get") else context.get)()
    return found is not None


def loaded() -> bool:
    """Whether anything can have been compiled by `torch.compile`."""
    return "torch._dynamo" in sys.modules


def reads(asker: FrameType) -> bool:
    """Whether who asks for a method compiles what it gets; a compiled module's own call does not.

    Args:
        asker: the frame that asks.
    """
    module = str(asker.f_globals.get("__name__", ""))
    return module.startswith(_READERS) and asker.f_code.co_name != "__call__"


def can_run_as_written() -> bool:
    """Whether what was compiled can be run as it was written: from torch 2.6 on."""
    return hasattr(getattr(torch, "compiler", None), "set_stance")


def as_written() -> AbstractContextManager[Any]:
    """The block in which what was compiled runs as it was written; nothing before torch 2.6."""
    compiler: Any = getattr(torch, "compiler", None)
    if not loaded() or not can_run_as_written():
        return contextlib.nullcontext()
    return compiler.set_stance("force_eager")  # type: ignore[no-any-return]


def limited() -> AbstractContextManager[Any]:
    """The block in which what is compiled anew too often is an error, as far as torch can make it
    one; else it would quietly run as it was written."""
    try:
        from torch._dynamo import config
    except ImportError:
        return contextlib.nullcontext()
    if not hasattr(config, "fail_on_recompile_limit_hit"):
        return contextlib.nullcontext()
    return config.patch(fail_on_recompile_limit_hit=True)  # type: ignore[no-any-return]


def put_into(scope: dict[str, Any]) -> set[str]:
    """The names in some globals that `torch.compile` has put there, for what it has compiled.

    Args:
        scope: of a module.
    """
    if not loaded():
        return set()
    utils = sys.modules.get("torch._dynamo.utils")
    manager: Any = getattr(getattr(utils, "CleanupManager", None), "instance", None)
    hooks = itertools.chain.from_iterable(list(getattr(manager, "values", {}).values()))
    found = {hook.name for hook in hooks if getattr(hook, "scope", None) is scope}
    return found | {name for name in scope if name.startswith(ALIASES)}


def graph_breaks() -> Counter[str]:
    """Why `torch.compile` has left code to Python so far, and how often: a sentence each."""
    utils = sys.modules.get("torch._dynamo.utils")
    found: Counter[str] = Counter()
    for reason, count in (utils.counters["graph_break"] if utils else {}).items():
        found[first_line(str(reason))] += count
    return found


@contextlib.contextmanager
def untraced() -> Iterator[None]:
    """Keep what is done inside out of the graph that `torch.jit.trace` writes down."""
    state: Any = torch._C._get_tracing_state()
    torch._C._set_tracing_state(None)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch._C._set_tracing_state(state)  # type: ignore[attr-defined]


@contextlib.contextmanager
def traced_without_modes() -> Iterator[None]:
    """Have `torch.jit.trace` work outside of dispatch modes: inside of one, even of one that does
    nothing, it loses the graph. Needs torch 2.0 or newer."""
    from torch.utils._python_dispatch import _disable_current_modes

    def without(create: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(create)
        def created(*args: Any, **kwargs: Any) -> Any:
            with _disable_current_modes():
                return create(*args, **kwargs)

        return created

    name: str
    places: list[tuple[Any, str]] = [
        *((torch._C, name) for name in vars(torch._C) if name.startswith("_create_function_from_")),
        *(
            (torch._C.ScriptModule, name)
            for name in dir(torch._C.ScriptModule)
            if name.startswith("_create_method_from_")
        ),
    ]
    before = [getattr(place, name) for place, name in places]
    for (place, name), create in zip(places, before, strict=True):
        setattr(place, name, without(create))
    try:
        yield
    finally:
        for (place, name), create in zip(places, before, strict=True):
            setattr(place, name, create)


def leave_to_python() -> None:
    """Have `torch.compile` run our own code as it is, and compile only what that calls."""
    _skip_ours("torch._dynamo.eval_frame" in sys.modules)


@functools.cache
def _skip_ours(loaded: bool) -> None:
    """Once there is a compiler."""
    skip = getattr(sys.modules["torch._dynamo.eval_frame"], "skip_code", None) if loaded else None
    if skip is None:
        return
    for code in _codes(__package__ or ""):
        skip(code)


def _codes(package: str) -> Iterator[CodeType]:
    """Of every function in the modules of a package that are loaded."""
    for name, module in home.modules().items():
        if not name.startswith(f"{package}."):
            continue
        classes = [one for one in vars(module).values() if inspect.isclass(one)]
        for found in (module, *(one for one in classes if one.__module__ == name)):
            for value in filter(callable, list(vars(found).values())):
                code = getattr(inspect.unwrap(value), "__code__", None)
                if isinstance(code, CodeType):
                    yield from _nested(code)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
