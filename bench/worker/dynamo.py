"""Compile calls for a while, beside what else is compiled, and leave nothing behind."""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
import types
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

from torch import nn

from adapters.base import quiet
from bench.variants import torch_compile
from bench.worker import compilers
from bench.worker.calls import Call
from bench.worker.memory import Unseen

Caller = Callable[[Call, tuple[Any, ...], dict[str, Any]], Any]
"""Makes a call with its arguments."""

_PARTS = (
    "torch._dynamo.backends.common",
    "torch._functorch.partitioners",
    "torch._inductor.decomposition",
    "torch._inductor.lowering",  # which some of the decompositions ask, and do not import
)
_Codes = tuple[types.CodeType, types.CodeType]
"""Code, and what Dynamo has made of it."""


def check(model: nn.Module) -> None:
    """Look whether it is of use to begin, and import what it takes.

    Raises:
        Unseen: this torch can't compile here, or the model is compiled already.
    """
    lacking = torch_compile.lacking()
    if lacking is not None:
        raise Unseen(lacking)
    try:
        for name in _PARTS:
            importlib.import_module(name)
    except Exception as error:
        raise Unseen(f"torch.compile does not work here ({torch_compile.line(error)})") from error
    if torch_compile.is_in(model):
        raise Unseen("the model, or a part of it, is compiled as it is given")


@contextlib.contextmanager
def compiling(backend: Any) -> Iterator[Caller]:
    """The block in which calls can be made compiled; afterwards Dynamo has forgotten them.

    Args:
        backend: as `torch.compile` takes it; an object of its own, by which Dynamo tells what was
            compiled here from what was compiled elsewhere of the same code.
    """
    from torch._dynamo.convert_frame import register_bytecode_hook

    codes: list[_Codes] = []
    hook = register_bytecode_hook(lambda code, made: codes.append((code, made)))
    before = {(id(module), name) for module, name in _aliases()}
    try:
        with quiet(), _unlogged():
            yield torch_compile.compiled(_caller(), backend)
    finally:
        hook.remove()
        _forget(backend, codes, before)


def _caller() -> Caller:
    def call(made: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return made(*args, **kwargs)

    return call


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """Hold back what Dynamo logs of breaks and of compiling again."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _forget(backend: object, codes: Sequence[_Codes], before: Container[tuple[int, str]]) -> None:
    """Drop what was compiled of code that others share, and what that has in its globals.

    Code that somebody else had compiled too is left as it is: what is there is bound to a backend,
    so it is of no effect on theirs.

    Args:
        backend: what compiled it.
        codes: what was compiled, also by others.
        before: the modules that had aliases, by id, and these.
    """
    from torch._dynamo import eval_frame

    look: Any = getattr(eval_frame, "_debug_get_cache_entry_list", lambda _: [])
    reset: Any = getattr(eval_frame, "reset_code", lambda _: None)
    others = {
        id(code)
        for code, _ in codes
        if not all(_is_of(getattr(entry, "backend", None), backend) for entry in look(code))
    }
    for code, made in codes:
        if id(code) not in others:
            reset(code)
            _clean(made)
    known: dict[int, Any] = getattr(eval_frame, "cached_backends", {})
    for key in [key for key, one in known.items() if _is_of(one, backend)]:
        del known[key]
    for module, name in () if others else list(_aliases()):
        if (id(module), name) not in before:
            vars(module).pop(name, None)  # some modules have two names


def _clean(made: types.CodeType) -> None:
    """Take back what compiled code has in its globals, as Dynamo does when that code is gone: which
    it never is, where these name each other."""
    from torch._dynamo import utils

    manager: Any = getattr(getattr(utils, "CleanupManager", None), "instance", None)
    hooks = getattr(manager, "values", {}).get(id(made), [])
    for hook in list(hooks):
        hook()
    hooks.clear()


def _is_of(found: Any, backend: object) -> bool:
    """Whether what Dynamo has for a backend is this one; it has wrapped it."""
    return found is backend or getattr(found, "compiler_fn", None) is backend


def _aliases() -> Iterator[tuple[types.ModuleType, str]]:
    """What Dynamo has left in the globals of modules so far."""
    for module in list(sys.modules.values()):
        if type(module) is types.ModuleType:
            yield from (
                (module, name) for name in vars(module) if name.startswith(compilers.ALIASES)
            )
