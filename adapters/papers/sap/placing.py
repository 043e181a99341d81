"""Run a function on every activation map after every ReLU of any model. Imports torch only.

Modules and functions alike go by the functions that a `TorchFunctionMode` sees while the model's
forward pass runs: `nn.ReLU` calls `F.relu`, and what `F.relu` calls is not seen again. What is
fused with other operations can't be seen: `nn.RNN(nonlinearity="relu")`, and code that was compiled
or scripted; nor what runs again in the backward pass, as gradient checkpointing has it. A clamp at
0 is none.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from adapters.base import UnsupportedSettings

Change = Callable[[Tensor], Tensor]
"""From a tensor to what stands in its place, of the same shape and dtype."""

_IN_PLACE = frozenset({torch.relu_, torch.Tensor.relu_, torch.ops.aten.relu_})
_RELUS = frozenset({F.relu, torch.relu, torch.Tensor.relu, torch.ops.aten.relu}) | _IN_PLACE
_CAPPED = frozenset({F.relu6, F.hardtanh})
"""`nn.ReLU6` calls `F.hardtanh`, with a least value of 0."""
_CHECKPOINTING = ("gradient_checkpointing", "grad_checkpointing", "is_gradient_checkpointing")
_running = threading.local()


class AfterReLUs(TorchFunctionMode):
    """Changes what ReLUs return.

    Attributes:
        maps: how many it changed.
    """

    def __init__(self, change: Change) -> None:
        # Not the base's, which does nothing; torch 1.12 forbids to call it.
        self.change = change
        self.maps = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        capped = func in _CAPPED
        if not (capped or func in _RELUS) or (func is F.hardtanh and kwargs.get("min_val") != 0):
            return func(*args, **kwargs)
        self.maps += 1
        before = args[0] if args else kwargs["input"]
        if func not in _IN_PLACE and not kwargs.get("inplace"):
            return self.change(func(*args, **kwargs))
        # Both the tensor and what is returned may be read later. The ReLU is computed beside it, as
        # one that was computed in place keeps its result for the backward pass, unchanged.
        if capped:
            after = func(before.clone(), *args[1:], **{**kwargs, "inplace": False})
        else:
            after = torch.relu(before)
        return before.copy_(self.change(after))


@contextmanager
def after_relus(change: Change) -> Iterator[AfterReLUs]:
    """Inside the block, in this thread, every ReLU's result is changed, once.

    Raises:
        UnsupportedSettings: such a block is open.
    """
    if getattr(_running, "now", False):
        raise UnsupportedSettings(
            "a defended network runs inside another one's forward pass; defend one of them"
        )
    _running.now = True
    try:
        with _entered(change) as mode:
            yield mode
    finally:
        _running.now = False


def _entered(change: Change) -> AbstractContextManager[AfterReLUs]:
    """A mode to enter; torch 1.12 builds it itself."""
    push = getattr(torch.overrides, "push_torch_function_mode", None)
    if push is None:
        return AfterReLUs(change)
    pushed: AbstractContextManager[AfterReLUs] = push(functools.partial(AfterReLUs, change))
    return pushed


def check(model: nn.Module) -> None:
    """Whether what runs in a model's forward pass can be seen and changed.

    Raises:
        UnsupportedSettings: it can't; in one line.
    """
    for name, module in model.named_modules():
        what = f"{name or 'the network'} ({type(module).__name__})"
        if isinstance(module, torch.jit.ScriptModule):
            raise UnsupportedSettings(
                f"{what} is scripted, which hides its operations; give the module it was made from"
            )
        compiled = type(module).__name__ == "OptimizedModule"
        if compiled or module.__dict__.get("_compiled_call_impl") is not None:
            raise UnsupportedSettings(
                f"{what} is compiled, which hides its operations; give the module before"
                " torch.compile"
            )
        if isinstance(module, nn.DataParallel) and len(module.device_ids) > 1:
            raise UnsupportedSettings(
                f"{what} runs in threads of its own; give the module inside, as model.module"
            )
        if any(getattr(module, flag, False) is True for flag in _CHECKPOINTING):
            raise UnsupportedSettings(
                f"{what} computes its activations again in the backward pass, without the defence;"
                " turn its gradient checkpointing off"
            )
